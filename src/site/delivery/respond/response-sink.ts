/** Sends a body through node's ServerResponse: conditional and range requests, HEAD, the uplink's limits and pacing. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { formatProof, type Proof } from '../../../kernel/identity/proofs.ts';
import type { Problem } from '../../../kernel/problem.ts';
import { type EgressSlot, isTls, MAX_TLS_WRITE_BYTES } from '../egress/egress.ts';
import type { PacedWrite } from '../egress/pacer.ts';
import { matchesEtag } from '../http/etags.ts';
import { commonHeaders } from '../http/headers.ts';
import type { MediaFile } from '../http/media-file.ts';
import { rangeUnsatisfiable } from '../http/problems.ts';
import { type Span, selectRange } from '../http/ranges.ts';
import type { BodySink, BodyStream } from './follow-body.ts';
import { respondProblem } from './problem-response.ts';

/** One request, its response, and its share of the uplink. */
export interface ResponseState {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly egress: EgressSlot;
  /** Another buffer sent the request. It receives the proof of the site that made the bytes. */
  readonly isFill: boolean;
  /** The path contains a valid token, so no shared cache may store the response. */
  readonly hasToken: boolean;
  /** Why the uplink cannot carry this many body bytes now; undefined if it can. */
  readonly checkEgress: (bodyBytes: number) => Problem | undefined;
}

/** The bytes of a file, complete or still arriving, with what their head says. */
export interface FileStream extends BodyStream {
  readonly file: MediaFile;
  readonly etag: string | undefined;
  readonly proof: Proof | undefined;
  readonly mayKeep: boolean;
  readonly coding?: 'gzip' | undefined;
}

export class ResponseSink implements BodySink {
  readonly maxWriteBytes: number;
  readonly schedule: ((write: PacedWrite) => void) | undefined;
  readonly #state: ResponseState;
  readonly #stream: FileStream;

  constructor(state: ResponseState, stream: FileStream) {
    this.#state = state;
    this.#stream = stream;
    this.schedule = state.egress.schedule;
    const isInPieces = state.egress.isLimited || isTls(state.request.socket);
    this.maxWriteBytes = isInPieces ? MAX_TLS_WRITE_BYTES : Number.POSITIVE_INFINITY;
  }

  get needsDrain(): boolean {
    return this.#state.response.writableNeedDrain;
  }

  begin(length: number): Span | undefined {
    const { egress, response } = this.#state;
    const span = this.#writeHead(length);
    if (!span) return undefined;
    egress.reserve(span.end - span.start);
    // Before the listener that writes the next piece, which may pause it again.
    response.prependListener('drain', () => {
      if (!egress.resume()) this.abort();
    });
    if (this.#stream.available <= span.start && span.start < span.end) response.flushHeaders();
    return span;
  }

  reject(problem: Problem): void {
    respondProblem(this.#state.response, problem);
  }

  write(piece: Buffer, isLast: boolean): void {
    const { egress, response } = this.#state;
    egress.noteSent(piece.length);
    if (isLast) response.end(piece);
    else if (!response.write(piece)) egress.pause();
  }

  onDrain(listener: () => void): void {
    this.#state.response.on('drain', listener);
  }

  offDrain(listener: () => void): void {
    this.#state.response.off('drain', listener);
  }

  abort(): void {
    this.#state.response.destroy();
  }

  /** Writes status and headers. Ends the response and returns undefined if no body follows. */
  #writeHead(length: number): Span | undefined {
    const { request, response, isFill, hasToken, checkEgress } = this.#state;
    const { file, etag, mayKeep, proof, coding } = this.#stream;
    const { headers, method } = request;
    const common = [
      ...commonHeaders(file, etag, mayKeep, hasToken),
      ...(isFill && proof !== undefined ? formatProof(proof) : []),
      ...(coding === undefined ? [] : ['Content-Encoding', coding]),
    ];
    // RFC 9110, section 13.2.2: If-None-Match is evaluated before Range.
    if (matchesEtag(headers['if-none-match'], etag)) {
      response.writeHead(304, common);
      response.end();
      return undefined;
    }
    // RFC 9110, section 14.2: "A server MUST ignore a Range header field received with a request method that is unrecognized
    // or for which range handling is not defined."
    const range = method === 'GET' ? headers.range : undefined;
    const ifRange = headers['if-range'];
    const selection = selectRange(range, typeof ifRange === 'string' ? ifRange : undefined, etag, length);
    if (selection.kind === 'unsatisfiable') {
      respondProblem(response, rangeUnsatisfiable(length));
      return undefined;
    }
    if (method === 'HEAD') {
      response.writeHead(200, [...common, 'Content-Length', String(length)]);
      response.end();
      return undefined;
    }
    const span = selection.kind === 'part' ? selection : { start: 0, end: length };
    const sizeBytes = span.end - span.start;
    const rejection = checkEgress(sizeBytes);
    if (rejection) {
      respondProblem(response, rejection);
      return undefined;
    }
    if (selection.kind === 'part')
      common.push('Content-Range', `bytes ${span.start}-${span.end - 1}/${length}`);
    common.push('Content-Length', String(sizeBytes));
    response.writeHead(selection.kind === 'part' ? 206 : 200, common);
    return span;
  }
}
