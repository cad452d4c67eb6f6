/** The column of a video with what people say about it. */
import { canonicalJson } from '../../../protocol/base/canonical.ts';
import type { VideoDetails } from '../../../protocol/publication/details.ts';
import type { StoredDetails } from '../../../protocol/publication/record.ts';
import type { Schedule } from '../../../protocol/publication/schedule.ts';
import type { VideoRow } from './schema.ts';

export const parseDetails = ({ details }: Pick<VideoRow, 'details'>): StoredDetails =>
  details === null ? {} : (JSON.parse(details) as StoredDetails);

/** The times by which scheduled videos and copies are found, as text in UTC, which sorts by time. */
export const scheduleColumns = ({ publishAt, withdrawAt }: Schedule) => ({
  publish_at: publishAt ?? null,
  withdraw_at: withdrawAt ?? null,
});

/** The details, and the columns that the schedule is found by. */
export const detailsColumns = (details: VideoDetails) => ({
  details: Object.keys(details).length === 0 ? null : canonicalJson(details),
  ...scheduleColumns(details),
});
