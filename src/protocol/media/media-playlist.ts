/** Media playlists (RFC 8216bis, section 4): VOD or growing, CMAF segments, relative URIs. One formatter for sites and the tracker's relay. */
import { INIT_SEGMENT, mediaSegment } from './media.ts';

/** `EXT-X-TARGETDURATION`: no segment, rounded to the nearest second, is longer (RFC 8216bis, section 4.4.3.1). */
export const targetDurationSeconds = (durations: readonly number[]): number =>
  durations.reduce((longest, seconds) => Math.max(longest, Math.round(seconds)), 1);

const formatStart = (seconds: number): string => `#EXT-X-START:TIME-OFFSET=${seconds.toFixed(6)},PRECISE=YES`;

export interface PlaylistForm {
  /** What every URI ends in: nothing, or `?` and a query. */
  readonly query?: string;
  /** Segments are being added at the end (`EVENT`): players ask again, and still begin at the beginning. */
  readonly isGrowing?: boolean;
  /** Where players begin, seconds, if not at the beginning: what lies before is there only to decode what follows. */
  readonly shownFromSeconds?: number | undefined;
}

/**
 * @param durations of the segments, seconds
 */
export function formatMediaPlaylist(
  durations: readonly number[],
  { query = '', isGrowing = false, shownFromSeconds }: PlaylistForm = {},
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
  for (const [number, seconds] of durations.entries()) {
    lines.push(`#EXTINF:${seconds.toFixed(6)},`, mediaSegment(number) + query);
  }
  if (!isGrowing) lines.push('#EXT-X-ENDLIST');
  return `${lines.join('\n')}\n`;
}
