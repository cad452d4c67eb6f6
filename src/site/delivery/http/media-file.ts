/** The addresses that a buffer serves: each names one immutable file. Pure. */
import {
  type RevisionId,
  revisionIdSchema,
  type VideoId,
  videoIdSchema,
} from '../../../protocol/base/ids.ts';
import { DOWNLOAD_PLAN } from '../../../protocol/media/download-plan.ts';

export interface MediaFile {
  /** `/v/{video}/{revision}/{file}`, without the query: the cache key. */
  readonly key: string;
  readonly video: VideoId;
  readonly revision: RevisionId;
  /** Relative, e.g. `source-video/0.m4s`. */
  readonly file: string;
  /** It replaces a file that the request may not have. */
  readonly isDecoy?: true;
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  m3u8: 'application/vnd.apple.mpegurl',
  mpd: 'application/dash+xml',
  mp4: 'video/mp4',
  m4s: 'video/mp4',
  json: 'application/json',
  jpg: 'image/jpeg',
  vtt: 'text/vtt; charset=utf-8',
  bin: 'application/octet-stream',
};

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const PATH = new RegExp(
  `^/v/(${UUID})/(${UUID})/((?:[a-z0-9][a-z0-9-]{0,39}/)?[A-Za-z0-9][A-Za-z0-9_-]{0,39}\\.` +
    `(?:${Object.keys(CONTENT_TYPES).join('|')}))$`,
);

const VIDEO_AT = '/v/'.length;
const UUID_LENGTH = 36;

/** The path without its query, which never selects other bytes: players send CMCD and the like in it. */
export function pathOfUrl(url: string): string {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

/** The video of a valid cache key. For any other text the result is no video id, so no token is valid for it. */
export const videoOf = (key: string): VideoId => key.slice(VIDEO_AT, VIDEO_AT + UUID_LENGTH) as VideoId;

/** True for the addresses that the buffer serves. */
export const isMediaUrl = (url: string | undefined): boolean =>
  url !== undefined && (url.startsWith('/v/') || url.startsWith('/t/'));

const DOWNLOAD = new RegExp(`^/v/(${UUID})/(${UUID})/([a-z0-9][a-z0-9-]{0,39})/download(?:\\.mp4|\\.m4a)?$`);

/**
 * The address of a download, which a buffer makes of other files.
 *
 * @returns the plan of the download
 */
export function parseDownload(key: string): MediaFile | undefined {
  const match = DOWNLOAD.exec(key);
  if (!match) return undefined;
  const [, video = '', revision = '', folder = ''] = match;
  return parseMediaFile(`/v/${video}/${revision}/${folder}/${DOWNLOAD_PLAN}`);
}

/** Undefined if the key is not valid: dots, escapes and anything else that no site produces. */
export function parseMediaFile(key: string): MediaFile | undefined {
  const match = PATH.exec(key);
  if (!match || key.endsWith('/download.mp4')) return undefined;
  const [, video = '', revision = '', file = ''] = match;
  return { key, video: videoIdSchema.parse(video), revision: revisionIdSchema.parse(revision), file };
}

/** The same file of a video that does not exist. */
export const decoyFile = (file: MediaFile, video: VideoId): MediaFile => ({
  ...file,
  video,
  isDecoy: true,
  key: `/v/${video}/${file.revision}/${file.file}`,
});

/** Taken from this table, never from an upstream. `audio/mp4` in audio renditions (`source-audio`, `source-audio-2`). */
export function contentTypeOf(file: string): string {
  const extension = file.slice(file.lastIndexOf('.') + 1);
  const isAudio = /^(?:[a-z0-9-]*-)?audio(?:-[a-z0-9-]*)?\/.*\.(?:mp4|m4s)$/.test(file);
  return isAudio ? 'audio/mp4' : (CONTENT_TYPES[extension] ?? 'application/octet-stream');
}
