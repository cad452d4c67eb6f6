/** The end of the loaded part: it loads the next page when it comes into view, and is a button for those who do not scroll. */
import { useEffect, useRef } from 'preact/hooks';
import { useTranslation } from '../../i18n/use-translation.tsx';

export function EndOfList({
  hasMore,
  onMore,
}: {
  readonly hasMore: boolean;
  readonly onMore: () => Promise<void>;
}) {
  const { t } = useTranslation();
  const ref = useRef<HTMLDivElement>(null);
  const latest = useRef(onMore);
  latest.current = onMore;
  useEffect(() => {
    const end = ref.current;
    if (!end || !hasMore) return;
    const observer = new IntersectionObserver(
      entries => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) void latest.current();
      },
      { rootMargin: '600px' },
    );
    observer.observe(end);
    return () => observer.disconnect();
  }, [hasMore]);
  if (!hasMore) return null;
  return (
    <div ref={ref} class="actions end-of-list">
      <button type="button" onClick={() => void onMore()} data-testid="more">
        {t.catalogue.more}
      </button>
    </div>
  );
}
