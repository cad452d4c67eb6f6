/** Media playlists (RFC 8216bis, section 4): VOD, CMAF segments, relative URIs. */
import { INIT_SEGMENT, mediaSegment } from '../../protocol/media.ts';
import { targetDurationSeconds } from './plan.ts';

/** @param durations of the segments, seconds */
export function formatMediaPlaylist(durations: readonly number[]): string {
  const lines = [
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    `#EXT-X-TARGETDURATION:${targetDurationSeconds(durations)}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-PLAYLIST-TYPE:VOD',
    '#EXT-X-INDEPENDENT-SEGMENTS',
    `#EXT-X-MAP:URI="${INIT_SEGMENT}"`,
  ];
  for (const [number, seconds] of durations.entries()) {
    lines.push(`#EXTINF:${seconds.toFixed(6)},`, mediaSegment(number));
  }
  lines.push('#EXT-X-ENDLIST');
  return `${lines.join('\n')}\n`;
}
