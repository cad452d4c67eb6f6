/** The column of a video with what people say about it. */
import { canonicalJson } from '../../../protocol/base/canonical.ts';
import type { VideoDetails } from '../../../protocol/publication/details.ts';
import type { VideoRow } from './schema.ts';

export const parseDetails = ({ details }: Pick<VideoRow, 'details'>): VideoDetails =>
  details === null ? {} : (JSON.parse(details) as VideoDetails);

export const detailsColumn = (details: VideoDetails) => ({
  details: Object.keys(details).length === 0 ? null : canonicalJson(details),
});
