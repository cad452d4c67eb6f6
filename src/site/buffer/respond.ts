/** Answers out of a whole file, or out of one that is still arriving. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { formatProblem, PROBLEM_TYPE, type Problem } from '../../kernel/problem.ts';
import { matchesEtag } from './etags.ts';
import type { Fill } from './fill.ts';
import { commonHeaders, OPEN_TO_ALL } from './headers.ts';
import type { MediaFile } from './media-file.ts';
import type { Kept } from './memory-tier.ts';
import { rangeUnsatisfiable } from './problems.ts';
import { type Span, selectRange } from './ranges.ts';

/** Answers at once, with one write. @returns body bytes sent. */
export function respondKept(request: IncomingMessage, response: ServerResponse, kept: Kept): number {
  const { headers } = request;
  const { body } = kept;
  if (request.method === 'GET' && headers.range === undefined && headers['if-none-match'] === undefined) {
    response.writeHead(200, kept.headers);
    response.end(body);
    return body.length;
  }
  const span = writeHead(request, response, kept.file, kept.etag, body.length);
  if (!span) return 0;
  response.end(body.subarray(span.start, span.end));
  return span.end - span.start;
}

/**
 * Follows a fill: the head as soon as the length is known, the bytes as they come. All followers share the fill's one
 * buffer, and none is given more than its connection takes. `onSent` is told of body bytes.
 */
export function respondFilling(
  request: IncomingMessage,
  response: ServerResponse,
  fill: Fill,
  onSent: (bytes: number) => void,
): void {
  let span: Span | undefined;
  let sent = 0;

  const leave = (): void => {
    leaveFill();
    response.off('drain', proceed);
  };
  const proceed = (): void => {
    const { body } = fill;
    if (body === undefined) {
      if (!fill.failure) return;
      leave();
      respondProblem(response, fill.failure);
      return;
    }
    if (!span) {
      span = writeHead(request, response, fill.file, fill.etag, body.length);
      if (!span) {
        leave();
        return;
      }
      sent = span.start;
      if (fill.filled <= sent && sent < span.end) response.flushHeaders();
    }
    if (response.writableNeedDrain) return;
    const available = Math.min(fill.filled, span.end);
    const piece = body.subarray(sent, Math.max(sent, available));
    if (available === span.end) {
      leave();
      onSent(piece.length);
      response.end(piece);
    } else if (piece.length > 0) {
      sent = available;
      onSent(piece.length);
      response.write(piece);
    } else if (fill.failure) {
      // Cut off rather than finished: half a segment must never look like a whole one (RFC 9112, section 8).
      leave();
      response.destroy();
    }
  };

  const leaveFill = fill.follow(proceed);
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
function writeHead(
  request: IncomingMessage,
  response: ServerResponse,
  file: MediaFile,
  etag: string | undefined,
  length: number,
): Span | undefined {
  const { headers, method } = request;
  // RFC 9110, section 13.2.2: If-None-Match comes before Range.
  if (matchesEtag(headers['if-none-match'], etag)) {
    response.writeHead(304, commonHeaders(file, etag));
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
  if (selection.kind === 'part') {
    const { start, end } = selection;
    response.writeHead(206, [
      ...commonHeaders(file, etag),
      'Content-Range',
      `bytes ${start}-${end - 1}/${length}`,
      'Content-Length',
      String(end - start),
    ]);
    return selection;
  }
  response.writeHead(200, [...commonHeaders(file, etag), 'Content-Length', String(length)]);
  if (method !== 'HEAD') return { start: 0, end: length };
  response.end();
  return undefined;
}

export function respondProblem(response: ServerResponse, problem: Problem): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body = JSON.stringify(formatProblem(problem.status, problem.code, problem.message));
  response.writeHead(problem.status, [
    ...OPEN_TO_ALL,
    'Content-Type',
    PROBLEM_TYPE,
    'Cache-Control',
    'no-store',
    'Content-Length',
    String(Buffer.byteLength(body)),
    ...Object.entries(problem.headers).flat(),
  ]);
  response.end(body);
}
