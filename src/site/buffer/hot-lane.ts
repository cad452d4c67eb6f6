/**
 * The hot lane: plain requests answered below node:http, which costs as much again as the answer itself, and far more where a
 * thousand viewers ask for one segment at once. Takes a connection's requests only in the one form that players send
 * (RFC 9112: one whole GET, no body, no range, no condition), for what lies in memory or is being fetched. At anything else the
 * connection goes to node:http, with every byte it has sent, and stays there.
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ConnectionLane } from '../../kernel/http.ts';
import { Problem } from '../../kernel/problem.ts';
import { type Egress, sealingBytes } from './egress/egress.ts';
import type { Fill } from './fill.ts';
import { commonHeaders } from './headers.ts';
import { keyOf, parseMediaFile } from './media-file.ts';
import { dateKept, formatWireHead, KEEP_ALIVE_SECONDS, type Kept } from './memory-tier.ts';
import { formatProblemParts } from './respond.ts';
import type { Counts, Shelf } from './serve.ts';
import type { ViewerReports } from './viewer-reports.ts';

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

/** As node:http would answer it. */
function formatProblemAnswer(problem: Problem): Buffer {
  const { headers, body } = formatProblemParts(problem);
  return Buffer.concat([formatWireHead(headers, Date.now(), problem.status), Buffer.from(body)]);
}

export type LaneShelf = Pick<Shelf, 'find' | 'hasOnDisk' | 'fill' | 'isWithdrawn' | 'noteViewed'>;

export function createHotLane(
  shelf: LaneShelf,
  counts: Counts,
  egress: Pick<Egress, 'count'>,
  reports: ViewerReports,
): ConnectionLane {
  const sockets = new Set<Socket>();
  /** One for all who follow a fill. */
  const heads = new WeakMap<Fill, Buffer>();
  const headOf = (fill: Fill, length: number): Buffer => {
    let head = heads.get(fill);
    if (!head) {
      const headers = [
        ...commonHeaders(fill.file, fill.etag, fill.mayKeep),
        'Content-Length',
        String(length),
      ];
      head = formatWireHead(headers, Date.now());
      heads.set(fill, head);
    }
    return head;
  };
  const findFill = (key: string): Fill | undefined => {
    const file = parseMediaFile(key);
    // What is on disk takes the longer way, and so does every refusal.
    if (!file || shelf.isWithdrawn(file.video) || shelf.hasOnDisk(file)) return undefined;
    shelf.noteViewed(file);
    reports.noteVideo(file.video);
    const found = shelf.fill(file, true);
    return found instanceof Problem ? undefined : found;
  };

  function accept(socket: Socket | TLSSocket, handOver: () => void): void {
    let isSending = false;
    let isFirst = true;
    let stopFollowing = (): void => {};
    const write = (bytes: Buffer): boolean => {
      egress.count('viewers', bytes.length + sealingBytes(socket, bytes.length));
      return socket.write(bytes);
    };
    /** From here on without a byte in either direction for as long as this, the viewer is gone. */
    const begin = (): void => {
      if (isFirst) socket.setTimeout(KEEP_ALIVE_SECONDS * 1_000);
      isFirst = false;
    };
    const noteCmcd = (head: string, url: string): void => {
      const header = /\r\ncmcd-request:[ \t]*([^\r]*)/i.exec(head)?.[1];
      reports.note(socket.remoteAddress ?? '', url, header);
    };
    const onData = (chunk: Buffer): void => {
      const head = chunk.length <= MAX_HEAD_BYTES ? chunk.toString('latin1') : undefined;
      const url = head === undefined ? undefined : parsePlainGet(head);
      const key = url === undefined || isSending ? undefined : keyOf(url);
      const kept = key === undefined ? undefined : shelf.find(key);
      const fill = key === undefined || kept ? undefined : findFill(key);
      if (head && url && (kept || fill)) noteCmcd(head, url);
      if (kept) send(kept);
      else if (fill) follow(fill);
      else leave(chunk);
    };
    const send = (kept: Kept): void => {
      begin();
      counts.hits++;
      if (kept.isAhead) shelf.noteViewed(kept.file, kept);
      dateKept(kept, Date.now());
      const isTaken = write(kept.wire);
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
    /** Nothing more is read meanwhile: what the viewer asks for next waits in the kernel. */
    const follow = (fill: Fill): void => {
      begin();
      let sent = -1;
      let { attempt } = fill;
      socket.pause();
      isSending = true;
      counts.activeResponses++;
      const proceed = (): void => {
        const { body } = fill;
        if (sent === -1) {
          if (!body && !fill.failure) return;
          counts.misses++;
          if (!body) {
            if (fill.failure) write(formatProblemAnswer(fill.failure));
            stopFollowing();
            socket.resume();
            return;
          }
          write(headOf(fill, body.length));
          sent = 0;
          attempt = fill.attempt;
        }
        if (!body) return;
        const hasWrong = fill.attempt !== attempt && sent > 0;
        attempt = fill.attempt;
        if (hasWrong || (fill.failure && fill.available <= sent && sent < body.length)) {
          // Cut off rather than finished: half a segment must never look like a whole one (RFC 9112, section 8).
          stopFollowing();
          socket.destroy();
          return;
        }
        if (socket.writableNeedDrain) return;
        const piece = body.subarray(sent, Math.max(sent, fill.available));
        sent += piece.length;
        if (piece.length > 0) write(piece);
        if (sent < body.length) return;
        stopFollowing();
        socket.resume();
      };
      const leaveFill = fill.follow(proceed);
      socket.on('drain', proceed);
      stopFollowing = () => {
        leaveFill();
        socket.off('drain', proceed);
        onSent();
        stopFollowing = () => {};
      };
      proceed();
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
      stopFollowing();
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
