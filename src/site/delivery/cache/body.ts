/**
 * Bodies with room before them, so that a head can be put there and both are one piece of memory: one write, and over TLS
 * no copy (node joins the pieces of a write before it encrypts them).
 */

const ROOM_BYTES = 1_024;
/** Bodies whose room is theirs. */
const roomy = new WeakSet<Buffer>();

/** Not zeroed, and not from node's shared pool: a playlist must not pin a slab of it. */
export function allocateBody(length: number): Buffer {
  const body = Buffer.allocUnsafeSlow(ROOM_BYTES + length).subarray(ROOM_BYTES);
  roomy.add(body);
  return body;
}

/** The rest of a body from `start` on. What stands before it counts as room from now on. */
export function tailOf(body: Buffer, start: number): Buffer {
  const tail = body.subarray(start);
  if (roomy.has(body)) roomy.add(tail);
  return tail;
}

/** Head and body in one piece; where the body has no room before it, that is a copy. */
export function joinHead(head: Buffer, body: Buffer): Buffer {
  if (!roomy.has(body) || head.length > ROOM_BYTES) return Buffer.concat([head, body]);
  const joined = Buffer.from(body.buffer, body.byteOffset - head.length, head.length + body.length);
  head.copy(joined);
  return joined;
}
