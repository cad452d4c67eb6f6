/**
 * Bodies with headroom in front of them: a response head can be put there, so that head and body are one piece of memory.
 * That is one write, and over TLS no copy (node joins the pieces of a write before it encrypts them).
 */

const HEADROOM_BYTES = 1_024;
/** Bodies that own the bytes in front of them. */
const withHeadroom = new WeakSet<Buffer>();

/** Not zeroed, and not from node's shared pool: a playlist must not keep a whole slab of it in memory. */
export function allocateBody(length: number): Buffer {
  const body = Buffer.allocUnsafeSlow(HEADROOM_BYTES + length).subarray(HEADROOM_BYTES);
  withHeadroom.add(body);
  return body;
}

/** The rest of a body from `start` on. The bytes before `start` become headroom. */
export function tailOf(body: Buffer, start: number): Buffer {
  const tail = body.subarray(start);
  if (withHeadroom.has(body)) withHeadroom.add(tail);
  return tail;
}

/** Head and body in one piece. This is a copy if the body has no headroom. */
export function joinHead(head: Buffer, body: Buffer): Buffer {
  if (!withHeadroom.has(body) || head.length > HEADROOM_BYTES) return Buffer.concat([head, body]);
  const joined = Buffer.from(body.buffer, body.byteOffset - head.length, head.length + body.length);
  head.copy(joined);
  return joined;
}
