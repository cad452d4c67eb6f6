/**
 * The buffer's lane below node:http: files that lie in memory, or are being fetched, for plain requests, with a right in their
 * path where the video is private. A thousand viewers who ask for one segment at once cost a thousand short functions.
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { createFastPath, formatResponseHead, type PlainGetHandler } from '../../../kernel/http/fast-path.ts';
import type { FastPath } from '../../../kernel/http/server.ts';
import { Problem } from '../../../kernel/problem.ts';
import { splitToken } from '../../../protocol/media/media-address.ts';
import { type CacheEntry, refreshDate } from '../cache/memory-tier.ts';
import { type Egress, isTls, MAX_TLS_WRITE_BYTES, tlsOverheadBytes } from '../egress/egress.ts';
import type { Fill } from '../fill/fill.ts';
import { commonHeaders } from '../http/headers.ts';
import { parseMediaFile, pathOfUrl, videoOf } from '../http/media-file.ts';
import { formatProblemParts } from './respond.ts';
import type { BufferRights } from './rights.ts';
import type { Counts, Shelf } from './serve.ts';
import type { ViewerReports } from './viewer-reports.ts';

/** As node:http would answer it. */
function formatProblemAnswer(problem: Problem): Buffer {
  const { headers, body } = formatProblemParts(problem);
  return Buffer.from(formatResponseHead(headers, Date.now(), problem.status) + body);
}

const CMCD_HEADER = /\r\ncmcd-request:[ \t]*([^\r]*)/i;

export type LaneShelf = Pick<
  Shelf,
  'find' | 'hasOnDisk' | 'fill' | 'isWithdrawn' | 'isPrivate' | 'noteViewed'
>;

export interface LaneOptions {
  readonly shelf: LaneShelf;
  readonly counts: Counts;
  readonly egress: Pick<Egress, 'count'>;
  readonly reports: ViewerReports;
  readonly rights: Pick<BufferRights, 'checkToken'>;
}

export function createMediaFastPath({ shelf, counts, egress, reports, rights }: LaneOptions): FastPath {
  /** One for all who follow a fill. */
  const heads = new WeakMap<Fill, Buffer>();
  const headOf = (fill: Fill, length: number): Buffer => {
    let head = heads.get(fill);
    if (!head) {
      const headers = [
        ...commonHeaders(fill.file, fill.etag, fill.mayKeep, fill.hasToken),
        'Content-Length',
        String(length),
      ];
      head = Buffer.from(formatResponseHead(headers, Date.now()), 'latin1');
      heads.set(fill, head);
    }
    return head;
  };
  const findFill = (key: string, hasRight: boolean): Fill | undefined => {
    const file = parseMediaFile(key);
    // What is on disk takes the longer way, and so does every refusal.
    if (!file || shelf.isWithdrawn(file.video) || shelf.hasOnDisk(file)) return undefined;
    if (!hasRight && shelf.isPrivate(file.video)) return undefined;
    shelf.noteViewed(file);
    reports.noteVideo(file.video);
    const found = shelf.fill(file, true, hasRight);
    return found instanceof Problem ? undefined : found;
  };

  function open(socket: Socket | TLSSocket): PlainGetHandler {
    let isSending = false;
    let stopFollowing = (): void => {};
    const write = (bytes: Buffer): boolean => {
      egress.count('viewers', bytes.length + tlsOverheadBytes(socket, bytes.length));
      return socket.write(bytes);
    };
    const send = (kept: CacheEntry): void => {
      counts.hits++;
      if (kept.isPrefetched) shelf.noteViewed(kept.file, kept);
      refreshDate(kept, Date.now());
      if (kept.wire.length > MAX_TLS_WRITE_BYTES && isTls(socket)) {
        sendInPieces(kept.wire);
        return;
      }
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
    /** Nothing more is read until it is stopped: what the viewer asks for next waits in the kernel. */
    const hold = (proceed: () => void, leave = (): void => {}): void => {
      socket.pause();
      isSending = true;
      counts.activeResponses++;
      socket.on('drain', proceed);
      stopFollowing = () => {
        leave();
        socket.off('drain', proceed);
        onSent();
        stopFollowing = () => {};
      };
      proceed();
    };
    const sendInPieces = (wire: Buffer): void => {
      let sent = 0;
      hold(() => {
        const piece = wire.subarray(sent, sent + MAX_TLS_WRITE_BYTES);
        sent += piece.length;
        write(piece);
        if (sent < wire.length) return;
        stopFollowing();
        socket.resume();
      });
    };
    /** Of what is still arriving. */
    const follow = (fill: Fill): void => {
      let sent = -1;
      let { attempt } = fill;
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
      hold(proceed, fill.follow(proceed));
    };

    return {
      handle({ target, head }) {
        if (isSending) return false;
        const { token, target: path } = splitToken(target);
        const key = pathOfUrl(path);
        const hasRight = token !== undefined;
        // Before anything is looked up, at each request anew: who has no right learns nothing, and is told so the longer way.
        if (hasRight && rights.checkToken(token, videoOf(key))) return false;
        const kept = shelf.find(key);
        // Nothing without a right; and of a public video that is asked for with one, the head is another.
        if (kept && kept.isPrivate !== hasRight) return false;
        const fill = kept ? undefined : findFill(key, hasRight);
        if (!kept && !fill) return false;
        reports.note(socket.remoteAddress ?? '', target, CMCD_HEADER.exec(head)?.[1]);
        if (kept) send(kept);
        else if (fill) follow(fill);
        return true;
      },
      closed() {
        stopFollowing();
        onSent();
      },
    };
  }

  return createFastPath(open);
}
