/** Which video of a series follows. Pure. */
import type { SeriesOrder } from '../../../protocol/catalogue/series.ts';
import type { Video } from '../../../protocol/central.ts';

type InSeries = Pick<Video, 'id' | 'name' | 'series' | 'recordedAt' | 'publishedAt'>;

const dateOf = ({ recordedAt, publishedAt }: InSeries): string => recordedAt ?? publishedAt;

/** By position, those without one last; by date, the oldest first, so that the next one is the newer one. */
function compare(order: SeriesOrder): (a: InSeries, b: InSeries) => number {
  const byDate = (a: InSeries, b: InSeries): number =>
    dateOf(a) < dateOf(b) ? -1 : dateOf(a) > dateOf(b) ? 1 : a.id < b.id ? -1 : 1;
  if (order === 'date') return byDate;
  const positionOf = ({ series }: InSeries): number => series?.position ?? Number.MAX_SAFE_INTEGER;
  return (a, b) => positionOf(a) - positionOf(b) || byDate(a, b);
}

/** Undefined if the video is the last one. */
export function chooseNext(
  current: InSeries,
  videos: readonly InSeries[],
  order: SeriesOrder,
): InSeries | undefined {
  const others = videos.filter(({ id, series }) => id !== current.id && series?.id === current.series?.id);
  const sort = compare(order);
  return others.filter(video => sort(video, current) > 0).sort(sort)[0];
}
