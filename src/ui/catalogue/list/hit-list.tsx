/** Where a video matches a search, with the matches marked. A match in captions leads to its moment. */
import type { Hit } from '../../../protocol/catalogue/search.ts';
import { MarkedText } from '../../components/video-card/marked-text.tsx';
import { formatClock } from '../../i18n/format.ts';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { useCollection } from '../data/collection.tsx';
import type { CatalogueItem } from '../data/item.ts';

const MAX_HITS = 4;

/** The match in the name is marked in the name itself. */
export const findNameHit = ({ hits, name }: CatalogueItem): Hit | undefined =>
  hits.find(hit => hit.in === 'name' && hit.text === name);

export function HitList({ item }: { readonly item: CatalogueItem }) {
  const { t } = useTranslation();
  const { addresses } = useCollection();
  const inName = findNameHit(item);
  const hits = item.hits.filter(hit => hit !== inName).slice(0, MAX_HITS);
  if (hits.length === 0) return null;
  return (
    <ul class="hits" data-testid="hits">
      {hits.map(hit => (
        <li key={`${hit.in} ${hit.atMs ?? ''} ${hit.text}`}>
          {hit.atMs === undefined ? (
            <span class="hit-place">{t.search.hitIn[hit.in]}</span>
          ) : (
            <a
              class="hit-place number"
              href={addresses.watch(item.id, hit.atMs)}
              data-testid="hit-time"
              aria-label={t.search.playAt(formatClock(hit.atMs), item.name)}
            >
              <span aria-hidden="true">▶ </span>
              {formatClock(hit.atMs)}
            </a>
          )}{' '}
          <span dir="auto" lang={hit.language ?? item.language}>
            <MarkedText text={hit.text} marks={hit.marks} />
          </span>
        </li>
      ))}
    </ul>
  );
}
