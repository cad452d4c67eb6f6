/** The order of the videos of a series. Pure. */
import type { SeriesOrder } from '../../../protocol/catalogue/series.ts';
import type { CatalogueItem } from './item.ts';

type Ordered = Pick<CatalogueItem, 'id' | 'series' | 'recordedAt' | 'publishedAt'>;

const dateOf = ({ recordedAt, publishedAt }: Ordered): string => recordedAt ?? publishedAt ?? '';
const compare = (a: string | number, b: string | number): number => Number(a > b) - Number(a < b);

/** By position, those without one last and in the order of their dates; or the newest first. */
export function sortSeries<Item extends Ordered>(
  items: readonly Item[],
  order: SeriesOrder,
): readonly Item[] {
  const positionOf = ({ series }: Ordered): number => series?.position ?? Number.POSITIVE_INFINITY;
  return items.toSorted((a, b) =>
    order === 'date'
      ? compare(dateOf(b), dateOf(a)) || compare(a.id, b.id)
      : compare(positionOf(a), positionOf(b)) || compare(dateOf(a), dateOf(b)) || compare(a.id, b.id),
  );
}
