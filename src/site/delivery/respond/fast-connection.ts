/**
 * A raw socket as the sink of one response after another. While a response is sent in pieces, the socket is paused: the
 * next request waits in the kernel.
 */
import type { Socket } from 'node:net';
import { formatResponseHead } from '../../../kernel/http/fast-path.ts';
import type { Problem } from '../../../kernel/problem.ts';
import { type CacheEntry, refreshDate } from '../cache/memory-tier.ts';
import { type Egress, isTls, MAX_TLS_WRITE_BYTES, tlsOverheadBytes } from '../egress/egress.ts';
import type { Fill } from '../fill/fill.ts';
import { commonHeaders } from '../http/headers.ts';
import type { Span } from '../http/ranges.ts';
import { BodyFollower, type BodySink, type BodyStream, completeStream } from './follow-body.ts';
import { formatProblemResponse } from './problem-response.ts';

/** All of them only grow, except `activeResponses`. */
export interface ResponseCounts {
  hits: number;
  misses: number;
  activeResponses: number;
}

/** All followers of a fill share one head. */
const heads = new WeakMap<Fill, Buffer>();

function headOf(fill: Fill, length: number): Buffer {
  let head = heads.get(fill);
  if (!head) {
    const { file, etag, mayKeep, hasToken } = fill;
    const headers = [...commonHeaders(file, etag, mayKeep, hasToken), 'Content-Length', String(length)];
    head = Buffer.from(formatResponseHead(headers, Date.now()), 'latin1');
    heads.set(fill, head);
  }
  return head;
}

export class FastConnection implements BodySink {
  readonly maxWriteBytes: number;
  readonly #socket: Socket;
  readonly #counts: ResponseCounts;
  readonly #egress: Pick<Egress, 'count'>;
  #follower: BodyFollower | undefined;
  /** The fill that is being sent; undefined while a cached response is sent, which includes its head. */
  #fill: Fill | undefined;
  #isBusy = false;

  constructor(socket: Socket, counts: ResponseCounts, egress: Pick<Egress, 'count'>) {
    this.#socket = socket;
    this.#counts = counts;
    this.#egress = egress;
    this.maxWriteBytes = isTls(socket) ? MAX_TLS_WRITE_BYTES : Number.POSITIVE_INFINITY;
  }

  /** True while a response is being sent. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  sendEntry(entry: CacheEntry): void {
    this.#counts.hits++;
    refreshDate(entry, Date.now());
    if (entry.wire.length > this.maxWriteBytes) {
      this.#follow(completeStream(entry.wire), undefined);
    } else if (!this.#send(entry.wire) && this.#socket.writableLength > 0) {
      this.#occupy();
      this.#socket.once('drain', this.#free);
    }
  }

  sendFill(fill: Fill): void {
    this.#follow(fill, fill);
  }

  /** The connection was closed. */
  closed(): void {
    this.#follower?.stop();
    this.#free();
  }

  get needsDrain(): boolean {
    return this.#socket.writableNeedDrain;
  }

  begin(length: number): Span {
    if (this.#fill) {
      this.#counts.misses++;
      this.#send(headOf(this.#fill, length));
    }
    return { start: 0, end: length };
  }

  reject(problem: Problem): void {
    this.#counts.misses++;
    this.#send(formatProblemResponse(problem));
    this.#complete();
  }

  write(piece: Buffer, isLast: boolean): void {
    if (piece.length > 0) this.#send(piece);
    if (isLast) this.#complete();
  }

  onDrain(listener: () => void): void {
    this.#socket.on('drain', listener);
  }

  offDrain(listener: () => void): void {
    this.#socket.off('drain', listener);
  }

  abort(): void {
    this.#free();
    this.#socket.destroy();
  }

  #follow(stream: BodyStream, fill: Fill | undefined): void {
    this.#socket.pause();
    this.#occupy();
    this.#fill = fill;
    this.#follower = new BodyFollower(stream, this);
    this.#follower.start();
  }

  #send(bytes: Buffer): boolean {
    this.#egress.count('viewers', bytes.length + tlsOverheadBytes(this.#socket, bytes.length));
    return this.#socket.write(bytes);
  }

  #complete(): void {
    this.#free();
    this.#socket.resume();
  }

  #occupy(): void {
    this.#isBusy = true;
    this.#counts.activeResponses++;
  }

  readonly #free = (): void => {
    if (!this.#isBusy) return;
    this.#isBusy = false;
    this.#counts.activeResponses--;
    this.#follower = undefined;
    this.#fill = undefined;
  };
}
