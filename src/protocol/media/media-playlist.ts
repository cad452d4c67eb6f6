/** Formats media playlists (RFC 8216bis, section 4) of CMAF segments with relative URIs, for sites and for the tracker's relay. */
import { INIT_SEGMENT, mediaSegment } from './media.ts';

/** `EXT-X-TARGETDURATION`: the longest segment, rounded to the nearest second (RFC 8216bis, section 4.4.3.1). */
export const targetDurationSeconds = (durations: readonly number[]): number =>
  durations.reduce((longest, seconds) => Math.max(longest, Math.round(seconds)), 1);

/** The sum of the durations is not exact. */
const ROUNDING_SECONDS = 0.001;

const formatStart = (seconds: number): string => `#EXT-X-START:TIME-OFFSET=${seconds.toFixed(6)},PRECISE=YES`;

export interface PlaylistForm {
  /** The end of every URI: empty, or `?` and a query. */
  readonly query?: string;
  /** Later segments are not listed yet. They count for the target duration, which must never change. */
  readonly untilSeconds?: number;
  /** True while segments are added at the end (`EVENT`): players reload the playlist, but begin at the start. */
  readonly isGrowing?: boolean;
  /** The start position in seconds, if it is not 0. The part before it is only needed for decoding. */
  readonly shownFromSeconds?: number | undefined;
}

/** @param durations the durations of the segments, in seconds */
export function formatMediaPlaylist(
  durations: readonly number[],
  {
    query = '',
    untilSeconds = Number.POSITIVE_INFINITY,
    isGrowing = false,
    shownFromSeconds,
  }: PlaylistForm = {},
): string {
  const lines = [
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    `#EXT-X-TARGETDURATION:${targetDurationSeconds(durations)}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    `#EXT-X-PLAYLIST-TYPE:${isGrowing ? 'EVENT' : 'VOD'}`,
    ...(isGrowing || shownFromSeconds ? [formatStart(shownFromSeconds ?? 0)] : []),
    '#EXT-X-INDEPENDENT-SEGMENTS',
    `#EXT-X-MAP:URI="${INIT_SEGMENT}${query}"`,
  ];
  let endSeconds = 0;
  for (const [number, seconds] of durations.entries()) {
    endSeconds += seconds;
    if (endSeconds > untilSeconds + ROUNDING_SECONDS) break;
    lines.push(`#EXTINF:${seconds.toFixed(6)},`, mediaSegment(number) + query);
  }
  if (!isGrowing) lines.push('#EXT-X-ENDLIST');
  return `${lines.join('\n')}\n`;
}

/** The first picture of a segment: the boxes before it are part of the range, because decoding needs them. */
export interface IFrame {
  /** Seconds until the next one. */
  readonly seconds: number;
  /** From the start of the segment. */
  readonly sizeBytes: number;
}

/** A playlist of the first picture of each segment (RFC 8216bis, section 4.4.3.6). */
export function formatIFramePlaylist(frames: readonly IFrame[]): string {
  const lines = [
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    `#EXT-X-TARGETDURATION:${targetDurationSeconds(frames.map(({ seconds }) => seconds))}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-PLAYLIST-TYPE:VOD',
    '#EXT-X-I-FRAMES-ONLY',
    `#EXT-X-MAP:URI="${INIT_SEGMENT}"`,
  ];
  for (const [number, { seconds, sizeBytes }] of frames.entries())
    lines.push(`#EXTINF:${seconds.toFixed(6)},`, `#EXT-X-BYTERANGE:${sizeBytes}@0`, mediaSegment(number));
  lines.push('#EXT-X-ENDLIST');
  return `${lines.join('\n')}\n`;
}
