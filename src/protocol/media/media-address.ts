/** What the files of a video are called, and their paths. No schemas here: a page that needs a name does not carry a parser. */
import type { RevisionId, VideoId } from '../ids.ts';

export const MULTIVARIANT_PLAYLIST = 'multivariant.m3u8';
export const DASH_MANIFEST = 'manifest.mpd';
/** Where every segment begins: what a DASH manifest is made of, beside the record (`timeline.ts`). */
export const TIMELINE = 'timeline.json';
export const MEDIA_PLAYLIST = 'media.m3u8';
export const INIT_SEGMENT = 'init.mp4';
/** Captions as one file, for players that take them beside the stream (DASH). */
export const CAPTIONS_FILE = 'captions.vtt';
export const POSTER = 'poster.jpg';
/** WebVTT whose cues name places (`#xywh`) in `STORYBOARD_SPRITE`. */
export const STORYBOARD = 'storyboard.vtt';
export const STORYBOARD_SPRITE = 'storyboard.jpg';
/** `number` counts from 0, as `EXT-X-MEDIA-SEQUENCE` does. */
export const mediaSegment = (number: number): string => `${number}.m4s`;
export const captionsSegment = (number: number): string => `${number}.vtt`;

/** Absolute path of a file of a revision, the same at every site. `file` is relative, e.g. `source-video/media.m3u8`. */
export const mediaPath = (video: VideoId, revision: RevisionId, file: string): string =>
  `/v/${video}/${revision}/${file}`;

/** A record, signed by its site, beside the files of the revision that it is of. */
export const recordFile = (version: number): string => `record-${version}.json`;
/** The version that is asked for; undefined of any other file. */
export function parseRecordFile(file: string): number | undefined {
  const digits = /^record-([1-9]\d{0,14})\.json$/.exec(file)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
/** Captions are small: players fetch a minute at a time. */
export const CAPTIONS_SEGMENT_MS = 60_000;

/** Path of a file of a private video, behind the site's base URL, before `/v/…`. */
export const tokenPath = (token: string): string => `/t/${token}`;

/** Of the path of a file at a site: the token, where it has one, and the path without it. */
export function splitToken(url: string): { readonly token: string | undefined; readonly target: string } {
  const end = url.startsWith('/t/') ? url.indexOf('/', 3) : -1;
  return end === -1
    ? { token: undefined, target: url }
    : { token: url.slice(3, end), target: url.slice(end) };
}
