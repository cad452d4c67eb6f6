/** The search field of a list of videos. */
import type { SearchQuery } from '../browser/use-search-query.ts';
import { useTranslation } from '../i18n/use-translation.tsx';

export function SearchField({ search }: { readonly search: SearchQuery }) {
  const { t } = useTranslation();
  return (
    <search class="search">
      <input
        type="search"
        aria-label={t.catalogue.search}
        placeholder={t.catalogue.searchPlaceholder}
        value={search.typed}
        onInput={event => search.setTyped(event.currentTarget.value)}
      />
    </search>
  );
}
