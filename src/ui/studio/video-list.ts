/** Merges this tab's uploads with the site's list of videos, and finds what changed in it. Pure. */
import type { SiteVideo } from '../../protocol/site.ts';
import { chooseVideoStatus, type VideoStatus } from './steps/publication-steps.ts';
import type { UploadList } from './uploads/upload-list.ts';

/** A video that this tab uploads already has a row, so it is left out of the site's list. */
export const listOtherVideos = (videos: readonly SiteVideo[], uploads: UploadList): readonly SiteVideo[] =>
  videos.filter(video => video.state !== 'uploading' || !uploads.some(item => item.videoId === video.id));

export type StatusById = ReadonlyMap<string, VideoStatus>;

export const mapStatuses = (videos: readonly SiteVideo[], isJoined: boolean): StatusById =>
  new Map(videos.map(video => [video.id, chooseVideoStatus(video, isJoined)]));

/** The first video with another status than before, or a new one. Undefined for the first list, when nothing has changed yet. */
export const findChanged = (
  videos: readonly SiteVideo[],
  before: StatusById | undefined,
  now: StatusById,
): SiteVideo | undefined => before && videos.find(({ id }) => before.get(id) !== now.get(id));
