/** Who may find a video now. */
import type { Audience } from '../../../protocol/people/audience.ts';
import type { VideoRow } from '../schema.ts';

/** The row decides, not the record: before its time, a scheduled video is private. */
export const listedAudience = (row: Pick<VideoRow, 'private' | 'audience'>): Audience =>
  row.private === 1 ? (row.audience ?? 'private') : 'public';
