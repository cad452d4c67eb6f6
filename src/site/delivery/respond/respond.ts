/** Answers out of a whole file, or out of one that is still arriving. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { formatProof, type Proof } from '../../../kernel/identity/proofs.ts';
import { formatProblem, type Problem } from '../../../kernel/problem.ts';
import type { CacheEntry } from '../cache/memory-tier.ts';
import { type EgressGrant, isTls, MAX_TLS_WRITE_BYTES } from '../egress/egress.ts';
import { matchesEtag } from '../http/etags.ts';
import { CORS_HEADERS, commonHeaders } from '../http/headers.ts';
import type { MediaFile } from '../http/media-file.ts';
import { rangeUnsatisfiable } from '../http/problems.ts';
import { type Span, selectRange } from '../http/ranges.ts';

/** One answer: the request, and its way out. */
export interface ResponseState {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly egress: EgressGrant;
  /** Asked by another buffer: it is told whose bytes these are. */
  readonly isFill: boolean;
  /** It came with a token: no shared cache may keep what it is answered. */
  readonly hasToken: boolean;
  /** Asked once it is known how many body bytes would follow. */
  readonly checkEgress: (bodyBytes: number) => Problem | undefined;
}

/** Bytes that are there, or are arriving. */
export interface BodyStream {
  readonly file: MediaFile;
  /** Undefined until the length is known. */
  readonly body: Buffer | undefined;
  readonly etag: string | undefined;
  readonly proof: Proof | undefined;
  readonly mayKeep: boolean;
  /** Bytes of `body` that may be given. */
  readonly available: number;
  /** Changes where what was given so far turned out to be wrong. */
  readonly attempt: number;
  /** Why no more will come. */
  readonly failure: Problem | undefined;
  follow(onChange: () => void): () => void;
}

const streamOf = (kept: CacheEntry): BodyStream => ({
  ...kept,
  proof: kept.proof,
  mayKeep: true,
  available: kept.body.length,
  attempt: 0,
  failure: undefined,
  follow: () => () => {},
});

/** Answers at once, with one write, unless the way out is paced or what is long has to be sealed. */
export function respondFromCache(reply: ResponseState, kept: CacheEntry): void {
  const { request, response, egress: outflow } = reply;
  const { headers } = request;
  const isPlain =
    request.method === 'GET' && headers.range === undefined && headers['if-none-match'] === undefined;
  const isTooLong = kept.body.length > MAX_TLS_WRITE_BYTES && isTls(request.socket);
  const hasOtherHead = reply.hasToken !== kept.isPrivate;
  if (!isPlain || outflow.isPaced || reply.isFill || isTooLong || hasOtherHead) {
    respondFromStream(reply, streamOf(kept));
    return;
  }
  const refusal = reply.checkEgress(kept.body.length);
  if (refusal) {
    respondProblem(response, refusal);
    return;
  }
  outflow.noteSent(kept.body.length);
  response.writeHead(200, kept.headers);
  response.end(kept.body);
}

/**
 * Follows a flow: the head as soon as the length is known, the bytes as they come. All followers share the one buffer, and
 * none is given more than its connection takes, or than its turns allow.
 */
export function respondFromStream(reply: ResponseState, flow: BodyStream): void {
  const { request, response, egress: outflow } = reply;
  let span: Span | undefined;
  let sent = 0;
  let attempt = flow.attempt;
  let isDone = false;
  let isQueued = false;

  const leave = (): void => {
    isDone = true;
    leaveFlow();
    response.off('drain', proceed);
  };
  /** False where no body is to follow, or not yet. */
  const begin = (): boolean => {
    if (span) return true;
    const { body } = flow;
    if (body === undefined) {
      if (!flow.failure) return false;
      leave();
      respondProblem(response, flow.failure);
      return false;
    }
    span = writeHead(reply, flow, body.length);
    if (!span) {
      leave();
      return false;
    }
    sent = span.start;
    attempt = flow.attempt;
    outflow.reserve(span.end - span.start);
    if (flow.available <= sent && sent < span.end) response.flushHeaders();
    return true;
  };
  const write = (maxBytes: number): number => {
    const { body } = flow;
    if (isDone || !span || !body || response.writableNeedDrain) return 0;
    const end = Math.min(flow.available, span.end, sent + maxBytes);
    const piece = body.subarray(sent, Math.max(sent, end));
    sent += piece.length;
    outflow.noteSent(piece.length);
    if (sent === span.end) {
      leave();
      response.end(piece);
    } else if (piece.length > 0) {
      response.write(piece);
    }
    return piece.length;
  };
  const turn = (maxBytes: number): number => {
    const bytes = write(maxBytes);
    isQueued = bytes > 0;
    return bytes;
  };
  const proceed = (): void => {
    if (isDone || !begin() || !span) return;
    const hasWrong = flow.attempt !== attempt && sent > span.start;
    attempt = flow.attempt;
    const isStuck = flow.failure !== undefined && flow.available <= sent && sent < span.end;
    if (hasWrong || isStuck) {
      // Cut off rather than finished: half a segment must never look like a whole one (RFC 9112, section 8).
      leave();
      response.destroy();
    } else if (!outflow.isPaced) {
      write(isTls(request.socket) ? MAX_TLS_WRITE_BYTES : Number.POSITIVE_INFINITY);
    } else if (!isQueued && !response.writableNeedDrain) {
      isQueued = true;
      outflow.schedule(turn);
    }
  };

  const leaveFlow = flow.follow(proceed);
  response.on('drain', proceed);
  onceClosed(request, response, leave);
  proceed();
}

/**
 * Calls once, when the response is finished or its connection is gone. A pipelined response that waits for its turn has no
 * socket yet, and node does not close it when the connection ends.
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

/** Writes status and headers. Undefined where no body follows: then the response is ended. */
function writeHead(reply: ResponseState, flow: BodyStream, length: number): Span | undefined {
  const { request, response } = reply;
  const { file, etag, mayKeep, proof } = flow;
  const { headers, method } = request;
  const common = [
    ...commonHeaders(file, etag, mayKeep, reply.hasToken),
    ...(reply.isFill && proof !== undefined ? formatProof(proof) : []),
  ];
  // RFC 9110, section 13.2.2: If-None-Match comes before Range.
  if (matchesEtag(headers['if-none-match'], etag)) {
    response.writeHead(304, common);
    response.end();
    return undefined;
  }
  // RFC 9110, section 14.2: Range MUST be ignored for any method but GET.
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
  const refusal = reply.checkEgress(span.end - span.start);
  if (refusal) {
    respondProblem(response, refusal);
    return undefined;
  }
  const size = String(span.end - span.start);
  if (selection.kind === 'part') {
    const contentRange = `bytes ${span.start}-${span.end - 1}/${length}`;
    response.writeHead(206, [...common, 'Content-Range', contentRange, 'Content-Length', size]);
  } else {
    response.writeHead(200, [...common, 'Content-Length', size]);
  }
  return span;
}

export function respondProblem(response: ServerResponse, problem: Problem): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { headers, body } = formatProblemParts(problem);
  response.writeHead(problem.status, headers);
  response.end(body);
}

/** A refusal's headers and body. */
export function formatProblemParts(problem: Problem): { readonly headers: string[]; readonly body: string } {
  const { headers, body } = formatProblem(problem);
  return { headers: [...CORS_HEADERS, 'Cache-Control', 'no-store', ...Object.entries(headers).flat()], body };
}
