/** What viewers may ask the buffer for: the address of one immutable file, and what is always said of it. Pure. */
import { type RevisionId, revisionIdSchema, type VideoId, videoIdSchema } from '../../../protocol/ids.ts';

export interface MediaFile {
  /** `/v/{video}/{revision}/{file}`: the key of everything that is kept. The query is no part of it. */
  readonly key: string;
  readonly video: VideoId;
  readonly revision: RevisionId;
  /** Relative, e.g. `source-video/0.m4s`. */
  readonly file: string;
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  m3u8: 'application/vnd.apple.mpegurl',
  mpd: 'application/dash+xml',
  mp4: 'video/mp4',
  m4s: 'video/mp4',
  json: 'application/json',
  jpg: 'image/jpeg',
  vtt: 'text/vtt; charset=utf-8',
};

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const PATH = new RegExp(
  `^/v/(${UUID})/(${UUID})/((?:[a-z0-9][a-z0-9-]{0,39}/)?[A-Za-z0-9][A-Za-z0-9_-]{0,39}\\.` +
    `(?:${Object.keys(CONTENT_TYPES).join('|')}))$`,
);

const VIDEO_AT = '/v/'.length;
const UUID_LENGTH = 36;

/** The path without its query: players put CMCD and the like there, which names no other bytes. */
export function pathOfUrl(url: string): string {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

/** The video of a key that is kept; of any other text something that no right is for. */
export const videoOf = (key: string): VideoId => key.slice(VIDEO_AT, VIDEO_AT + UUID_LENGTH) as VideoId;

/** What the buffer answers. */
export const isMediaUrl = (url: string | undefined): boolean =>
  url !== undefined && (url.startsWith('/v/') || url.startsWith('/t/'));

/** Undefined where the key is none of ours: dots, escapes and anything else that was never made here. */
export function parseMediaFile(key: string): MediaFile | undefined {
  const match = PATH.exec(key);
  if (!match) return undefined;
  const [, video = '', revision = '', file = ''] = match;
  return { key, video: videoIdSchema.parse(video), revision: revisionIdSchema.parse(revision), file };
}

/** From our own table, never from what an upstream says. `audio/mp4` in audio renditions (`source-audio`, `source-audio-2`). */
export function contentTypeOf(file: string): string {
  const extension = file.slice(file.lastIndexOf('.') + 1);
  const isAudio = /^(?:[a-z0-9-]*-)?audio(?:-[a-z0-9-]*)?\/.*\.(?:mp4|m4s)$/.test(file);
  return isAudio ? 'audio/mp4' : (CONTENT_TYPES[extension] ?? 'application/octet-stream');
}
