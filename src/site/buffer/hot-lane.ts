/**
 * The hot lane: plain requests for what lies in memory, answered below node:http, which costs as much again as the answer
 * itself. Takes a connection's requests only in the one form that players send (RFC 9112: one whole GET, no body, no range,
 * no condition). At anything else the connection goes to node:http, with every byte it has sent, and stays there.
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ConnectionLane } from '../../kernel/http.ts';
import { type Egress, sealingBytes } from './egress/egress.ts';
import { keyOf } from './media-file.ts';
import { dateKept, KEEP_ALIVE_SECONDS, type Kept } from './memory-tier.ts';
import type { Counts, Shelf } from './serve.ts';

const FIRST_BYTE_TIMEOUT_MS = 10_000;
/** Longer heads are rare, and node:http bounds them. */
const MAX_HEAD_BYTES = 4_096;

/**
 * RFC 9112, sections 3 and 5, without what it only tolerates: no folded lines, no bare CR or LF, no space before a colon.
 * What does not match is node's to judge.
 */
const PLAIN_GET =
  /^GET (\/v\/[\x21-\x7e]+) HTTP\/1\.1\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n)+\r\n$/;
const HOST = /\r\nhost:/gi;
/** Headers that change the answer or the connection. */
const SPECIAL =
  /\r\n(?:range|tributary-fill|if-[a-z-]+|expect|upgrade|te|trailer|transfer-encoding|content-length|connection:(?![ \t]*keep-alive[ \t]*\r))/i;

/** What a whole head asks for, or undefined where it is not plain. */
export function parsePlainGet(head: string): string | undefined {
  const match = PLAIN_GET.exec(head);
  if (!match || SPECIAL.test(head)) return undefined;
  // Exactly one Host (RFC 9112, section 3.2).
  return head.match(HOST)?.length === 1 ? match[1] : undefined;
}

export function createHotLane(
  shelf: Pick<Shelf, 'find' | 'noteViewed'>,
  counts: Counts,
  egress: Pick<Egress, 'count'>,
): ConnectionLane {
  const sockets = new Set<Socket>();

  function accept(socket: Socket | TLSSocket, handOver: () => void): void {
    let isSending = false;
    let isFirst = true;
    const onData = (chunk: Buffer): void => {
      const url = chunk.length <= MAX_HEAD_BYTES ? parsePlainGet(chunk.toString('latin1')) : undefined;
      const kept = url === undefined || isSending ? undefined : shelf.find(keyOf(url));
      if (kept) send(kept);
      else leave(chunk);
    };
    const send = (kept: Kept): void => {
      // From here on without a byte in either direction for as long as this, the viewer is gone.
      if (isFirst) socket.setTimeout(KEEP_ALIVE_SECONDS * 1_000);
      isFirst = false;
      counts.hits++;
      if (kept.isAhead) shelf.noteViewed(kept.file, kept);
      dateKept(kept, Date.now());
      const bytes = kept.wire.length;
      egress.count('viewers', bytes + sealingBytes(socket, bytes));
      const isTaken = socket.write(kept.wire);
      if (isTaken || socket.writableLength === 0) return;
      isSending = true;
      counts.activeResponses++;
      socket.once('drain', onSent);
    };
    const onSent = (): void => {
      if (!isSending) return;
      isSending = false;
      counts.activeResponses--;
    };
    const detach = (): void => {
      sockets.delete(socket);
      socket.off('data', onData);
      socket.off('timeout', onTimeout);
      socket.off('error', onError);
      socket.off('end', onEnd);
      socket.setTimeout(0);
    };
    /** Answers under way go out first: they stand in the same queue. */
    const leave = (chunk: Buffer): void => {
      detach();
      socket.pause();
      socket.unshift(chunk);
      handOver();
      socket.resume();
    };
    const onTimeout = (): void => void socket.destroy();
    const onError = (): void => void socket.destroy();
    // Servers of node:http leave the other direction open when a client ends its own.
    const onEnd = (): void => void socket.end();
    const onClose = (): void => {
      onSent();
      sockets.delete(socket);
    };
    sockets.add(socket);
    socket.on('data', onData);
    socket.on('timeout', onTimeout);
    socket.on('error', onError);
    socket.on('end', onEnd);
    // Stays when the connection is handed over: an answer may still be under way.
    socket.on('close', onClose);
    socket.setTimeout(FIRST_BYTE_TIMEOUT_MS);
  }

  return {
    accept,
    close() {
      for (const socket of sockets) socket.destroy();
    },
  };
}
