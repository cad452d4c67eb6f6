/** The cell of a table with the last error of a site or a signal. */
import { ProblemText } from '../components/notice.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';

interface ErrorCellProps {
  readonly code: string | undefined;
  readonly detail: string | undefined;
}

export function ErrorCell({ code, detail }: ErrorCellProps) {
  const { t } = useTranslation();
  if (!detail) return <td class="quiet empty-cell">{t.common.none}</td>;
  return (
    <td class="bad">
      <ProblemText code={code} detail={detail} />
    </td>
  );
}
