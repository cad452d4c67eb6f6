/** Responds through node:http with a cached file, or with one that is still arriving. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CacheEntry } from '../cache/memory-tier.ts';
import { isTls, MAX_TLS_WRITE_BYTES } from '../egress/egress.ts';
import { BodyFollower, completeStream } from './follow-body.ts';
import { type FileStream, ResponseSink, type ResponseState } from './response-sink.ts';

const streamOf = ({ file, body, etag, proof, coding }: CacheEntry): FileStream => ({
  ...completeStream(body),
  file,
  etag,
  proof,
  coding,
  mayKeep: true,
});

/** Sends a plain GET with one write, unless the uplink is limited or the body is long and encrypted. */
export function respondFromCache(state: ResponseState, entry: CacheEntry): void {
  const { request, response, egress, isFill, hasToken } = state;
  const { headers, method, socket } = request;
  const isPlain = method === 'GET' && headers.range === undefined && headers['if-none-match'] === undefined;
  const isLongTls = entry.body.length > MAX_TLS_WRITE_BYTES && isTls(socket);
  const hasOtherHead = hasToken !== entry.isPrivate;
  if (!isPlain || isFill || egress.isLimited || isLongTls || hasOtherHead) {
    respondFromStream(state, streamOf(entry));
    return;
  }
  egress.noteSent(entry.body.length);
  response.writeHead(200, entry.headers);
  response.end(entry.body);
}

/** Sends the head once the length is known, and the bytes as they arrive. */
export function respondFromStream(state: ResponseState, stream: FileStream): void {
  const follower = new BodyFollower(stream, new ResponseSink(state, stream));
  onceClosed(state.request, state.response, () => follower.stop());
  follower.start();
}

/**
 * Calls once, when the response is complete or its connection is closed. A pipelined response that waits for the one before
 * it has no socket yet, and node does not close it when the connection ends.
 */
export function onceClosed(request: IncomingMessage, response: ServerResponse, onClosed: () => void): void {
  if (response.socket) {
    response.on('close', onClosed);
    return;
  }
  const { socket } = request;
  let isOpen = true;
  const close = (): void => {
    if (!isOpen) return;
    isOpen = false;
    socket.off('close', close);
    onClosed();
  };
  response.on('close', close);
  socket.on('close', close);
}
