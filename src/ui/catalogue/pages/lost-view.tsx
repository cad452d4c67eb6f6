/** For an address that this page does not have. */
import { Logo } from '../../components/wordmark.tsx';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { useCollection } from '../data/collection.tsx';
import { Frame } from '../frame.tsx';

export function LostView() {
  const { t } = useTranslation();
  const { addresses } = useCollection();
  return (
    <Frame title={t.notFound.heading}>
      <div class="empty" data-testid="lost">
        <Logo size={72} />
        <h1 tabIndex={-1}>{t.notFound.heading}</h1>
        <p>{t.notFound.text}</p>
        <a class="button" href={addresses.front}>
          {t.notFound.home}
        </a>
      </div>
    </Frame>
  );
}
