/**
 * What the player behind a request supports, judged by its headers. A player that is not recognised gets the form that every
 * player with Content Steering accepts. Pure.
 */
import type { RawRequest } from './client.ts';

/**
 * - `script`: hls.js, Shaka Player, video.js or dash.js in a page. They load `data:` URIs.
 * - `app`: any other player. media3 appends its query to the steering URI, which a `data:` URI does not survive, and drops the port
 *   of a pathway clone. AVPlayer stops at pathway clones.
 * - `element`: a `<video>` element that plays HLS by itself, as in Chromium. It ignores steering: it chooses any of the pathways and
 *   stays there. It also switches to renditions of another codec, which it cannot play.
 * - `opaque-element`: the same without the attribute `crossorigin`. It rejects segments of another origin than that of their playlist.
 */
export type Player = 'script' | 'app' | 'element' | 'opaque-element';

const APP = /AppleCoreMedia|AndroidXMedia3|ExoPlayerLib/;

export function readPlayer({ headers }: Pick<RawRequest, 'headers'>): Player {
  const agent = headers['user-agent'] ?? '';
  if (APP.test(agent)) return 'app';
  const mode = headers['sec-fetch-mode'];
  const isReadable = mode === 'cors' || mode === 'same-origin' || headers.origin !== undefined;
  if (isMediaElement(headers, agent)) return isReadable ? 'element' : 'opaque-element';
  return isReadable ? 'script' : 'app';
}

/** Browsers send `Sec-Fetch-Dest` only over HTTPS and to loopback addresses, but request any media as a range. */
function isMediaElement(headers: RawRequest['headers'], agent: string): boolean {
  const destination = headers['sec-fetch-dest'];
  return destination === undefined
    ? headers.range !== undefined && agent.startsWith('Mozilla/')
    : destination === 'video' || destination === 'audio';
}

export const isElement = (player: Player): boolean => player === 'element' || player === 'opaque-element';
