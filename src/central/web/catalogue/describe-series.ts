/** The form of a series in responses. */
import type { Series } from '../../../protocol/catalogue/series.ts';
import { isAllowed } from '../../../protocol/people/permissions.ts';
import type { Viewer } from '../../../protocol/people/viewing.ts';
import type { CountedSeries, SeriesText } from '../../database/series/series.ts';
import { formatTime } from '../context/context.ts';

export const textOf = ({ title, description, sort_order }: CountedSeries): SeriesText => ({
  title,
  description,
  order: sort_order,
});

/** Counts only videos that this viewer may watch. Those for groups are counted for nobody who may not watch all of the series. */
function countFor(
  viewer: Viewer,
  series: Pick<CountedSeries, 'id' | 'public' | 'internal' | 'hidden'>,
): number {
  const mayWatchAll = isAllowed(viewer, 'edit-any', { series: series.id });
  const mayWatchInternal = mayWatchAll || isAllowed(viewer, 'watch-internal', { series: series.id });
  return (
    Number(series.public) +
    (mayWatchInternal ? Number(series.internal) : 0) +
    (mayWatchAll ? Number(series.hidden) : 0)
  );
}

export const describeSeries = (viewer: Viewer, row: CountedSeries): Series => ({
  id: row.id,
  ...textOf(row),
  ...(row.image === null ? {} : { image: `/api/series/${row.id}/image?v=${row.image}` }),
  videos: countFor(viewer, row),
  createdAt: formatTime(row.created_at),
});
