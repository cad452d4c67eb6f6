/** Media playlists (RFC 8216bis, section 4): VOD, CMAF segments, relative URIs. One formatter for sites and the tracker's relay. */
import { INIT_SEGMENT, mediaSegment } from './media.ts';

/** `EXT-X-TARGETDURATION`: no segment, rounded to the nearest second, is longer (RFC 8216bis, section 4.4.3.1). */
export const targetDurationSeconds = (durations: readonly number[]): number =>
  durations.reduce((longest, seconds) => Math.max(longest, Math.round(seconds)), 1);

/**
 * @param durations of the segments, seconds
 * @param query what every URI ends in: nothing, or `?` and a query
 */
export function formatMediaPlaylist(durations: readonly number[], query = ''): string {
  const lines = [
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    `#EXT-X-TARGETDURATION:${targetDurationSeconds(durations)}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-PLAYLIST-TYPE:VOD',
    '#EXT-X-INDEPENDENT-SEGMENTS',
    `#EXT-X-MAP:URI="${INIT_SEGMENT}${query}"`,
  ];
  for (const [number, seconds] of durations.entries()) {
    lines.push(`#EXTINF:${seconds.toFixed(6)},`, mediaSegment(number) + query);
  }
  lines.push('#EXT-X-ENDLIST');
  return `${lines.join('\n')}\n`;
}
