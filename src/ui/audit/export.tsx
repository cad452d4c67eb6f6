/** Saves all entries that match the filters as JSON lines. */
import { useState } from 'preact/hooks';
import { downloadFile } from '../api/call.ts';
import { ErrorNotice } from '../components/notice.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';
import { useMe } from '../me/use-me.tsx';

export function Export({ query }: { readonly query: string }) {
  const { t } = useTranslation();
  const { token } = useMe();
  const [state, setState] = useState<{ readonly busy: boolean; readonly error?: unknown }>({ busy: false });
  const save = async (): Promise<void> => {
    setState({ busy: true });
    try {
      saveFile(await downloadFile(`/api/audit?${query}`, 'application/jsonl', token), 'audit.jsonl');
      setState({ busy: false });
    } catch (error) {
      setState({ busy: false, error });
    }
  };
  return (
    <>
      <button type="button" disabled={state.busy} onClick={() => void save()} data-testid="export">
        {t.audit.export}
      </button>
      {state.error !== undefined && <ErrorNotice error={state.error} />}
    </>
  );
}

function saveFile(content: Blob, name: string): void {
  const address = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
