/**
 * Video ids that only their site can claim (docs/decisions/0017-ids-belong-to-their-site.md). An id is a UUIDv7. Its last 62 bits are
 * a hash of the rest and of the id owner, which is the hash of a secret of the site's database. Central learns the secret in the
 * handshake, so it recognizes the ids of each site. Without the secret, an id proves nothing.
 */
import { randomInt } from 'node:crypto';
import type { VideoId } from '../../protocol/base/ids.ts';
import { sha256Hex } from './keys.ts';

/** The public counterpart of an id secret, in hex. It recognizes ids, and does not permit anyone to claim them. */
export type IdOwner = string;

export const idOwnerOf = (idSecret: string): IdOwner => sha256Hex(`tributary id owner ${idSecret}`);

/** The last 16 hex digits: the variant (RFC 9562, section 4.1) and 62 bits of the hash. */
function tailOf(owner: IdOwner, head: string): string {
  const hash = sha256Hex(`tributary video id ${owner} ${head}`);
  const first = (Number.parseInt(hash.slice(0, 2), 16) & 0x3f) | 0x80;
  return first.toString(16) + hash.slice(2, 16);
}

let lastMs = 0;

/** Makes a new id. No two ids of a process have the same time, so they differ although most of their bits are a hash. */
export function makeVideoId(owner: IdOwner, nowMs = Date.now()): VideoId {
  lastMs = Math.max(nowMs, lastMs + 1);
  const time = lastMs.toString(16).padStart(12, '0');
  const head = `${time}7${randomInt(0x1000).toString(16).padStart(3, '0')}`;
  const tail = tailOf(owner, head);
  return [head.slice(0, 8), head.slice(8, 12), head.slice(12), tail.slice(0, 4), tail.slice(4)].join(
    '-',
  ) as VideoId;
}

/** True if the database with this id owner made the id. */
export function isIdOf(owner: IdOwner, video: VideoId): boolean {
  const digits = video.replaceAll('-', '');
  return digits.slice(16) === tailOf(owner, digits.slice(0, 16));
}
