/** The names and paths of the files of a video. This module has no schemas, so that pages can use it without a parser. */
import type { RevisionId, VideoId } from '../base/ids.ts';

export const MULTIVARIANT_PLAYLIST = 'multivariant.m3u8';
export const DASH_MANIFEST = 'manifest.mpd';
/** The start times of all segments. A DASH manifest is made from this file and the record (`timeline.ts`). */
export const TIMELINE = 'timeline.json';
export const MEDIA_PLAYLIST = 'media.m3u8';
/** The first picture of each segment, as byte ranges: for previews and fast forward in native players. */
export const IFRAME_PLAYLIST = 'iframes.m3u8';
export const INIT_SEGMENT = 'init.mp4';
/** Captions as one file, for players that load them separately from the stream (DASH). */
export const CAPTIONS_FILE = 'captions.vtt';
export const POSTER = 'poster.jpg';
/** WebVTT whose cues refer to areas (`#xywh`) of `STORYBOARD_SPRITE`. */
export const STORYBOARD = 'storyboard.vtt';
export const STORYBOARD_SPRITE = 'storyboard.jpg';
/** `number` counts from 0, as `EXT-X-MEDIA-SEQUENCE` does. */
export const mediaSegment = (number: number): string => `${number}.m4s`;
export const captionsSegment = (number: number): string => `${number}.vtt`;

/** The absolute path of a file of a revision, equal at every site. `file` is relative, e.g. `source-video/media.m3u8`. */
export const mediaPath = (video: VideoId, revision: RevisionId, file: string): string =>
  `/v/${video}/${revision}/${file}`;

/** The name of the file with the record that its site has signed. It is in the folder of its revision. */
export const recordFile = (version: number): string => `record-${version}.json`;
/** Returns the version of a record file, or undefined for any other file. */
export function parseRecordFile(file: string): number | undefined {
  const digits = /^record-([1-9]\d{0,14})\.json$/.exec(file)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
/** The duration of a captions segment. It is long, because captions are small. */
export const CAPTIONS_SEGMENT_MS = 60_000;

/** The part of the path of a private video between the site's base URL and `/v/…`. */
export const tokenPath = (token: string): string => `/t/${token}`;

/** Splits the path of a file at a site into the token, if it has one, and the path without it. */
export function splitToken(url: string): { readonly token: string | undefined; readonly target: string } {
  const end = url.startsWith('/t/') ? url.indexOf('/', 3) : -1;
  return end === -1
    ? { token: undefined, target: url }
    : { token: url.slice(3, end), target: url.slice(end) };
}
