/** Answers out of a whole file, or out of one that is still arriving. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { formatProblem, PROBLEM_TYPE, type Problem } from '../../kernel/problem.ts';
import type { Fill } from './fill.ts';
import { commonHeaders, OPEN_TO_ALL } from './headers.ts';
import { etagOf, type MediaFile } from './media-file.ts';
import { matchesEtag, selectRange } from './ranges.ts';

/** A file that is kept, with its headers ready to be written. */
export interface Kept {
  readonly file: MediaFile;
  readonly body: Buffer;
  readonly headers: string[];
}

export const makeKept = (file: MediaFile, body: Buffer): Kept => ({
  file,
  body,
  headers: [...commonHeaders(file), 'Content-Length', String(body.length)],
});

/** @returns body bytes sent. */
export function respondKept(request: IncomingMessage, response: ServerResponse, kept: Kept): number {
  const { headers } = request;
  if (headers.range === undefined && headers['if-none-match'] === undefined) {
    response.writeHead(200, kept.headers);
    if (request.method === 'HEAD') {
      response.end();
      return 0;
    }
    response.end(kept.body);
    return kept.body.length;
  }
  const span = writeHead(request, response, kept.file, kept.body.length);
  if (!span) {
    response.end();
    return 0;
  }
  response.end(kept.body.subarray(span.start, span.end));
  return span.end - span.start;
}

/** Follows a fill: the head as soon as the length is known, the bytes as they come. @returns body bytes sent. */
export async function respondFilling(
  request: IncomingMessage,
  response: ServerResponse,
  file: MediaFile,
  fill: Fill,
): Promise<number> {
  while (fill.body === undefined && !fill.failure) await fill.changed();
  const { body } = fill;
  if (body === undefined) {
    if (fill.failure) respondProblem(response, fill.failure);
    return 0;
  }
  const span = writeHead(request, response, file, body.length);
  if (!span) {
    response.end();
    return 0;
  }
  let sent = span.start;
  while (sent < span.end && !response.destroyed) {
    const available = Math.min(fill.filled, span.end);
    if (available > sent) {
      const goesOn = response.write(body.subarray(sent, available));
      sent = available;
      if (!goesOn && sent < span.end)
        await Promise.race([once(response, 'drain'), once(response, 'close')]).catch(() => {});
    } else if (fill.failure) {
      // Cut off rather than finished: half a segment must never look like a whole one.
      response.destroy();
    } else await fill.changed();
  }
  if (!response.destroyed) response.end();
  return sent - span.start;
}

/** Writes status and headers. Undefined where no body follows. */
function writeHead(
  request: IncomingMessage,
  response: ServerResponse,
  file: MediaFile,
  length: number,
): { readonly start: number; readonly end: number } | undefined {
  const etag = etagOf(file);
  const { headers, method } = request;
  if (matchesEtag(headers['if-none-match'], etag)) {
    response.writeHead(304, commonHeaders(file));
    return undefined;
  }
  const ifRange = headers['if-range'];
  const selection = selectRange(
    headers.range,
    typeof ifRange === 'string' ? ifRange : undefined,
    etag,
    length,
  );
  if (selection.kind === 'unsatisfiable') {
    response.writeHead(416, [...OPEN_TO_ALL, 'Content-Range', `bytes */${length}`, 'Content-Length', '0']);
    return undefined;
  }
  if (selection.kind === 'part') {
    const { start, end } = selection;
    response.writeHead(206, [
      ...commonHeaders(file),
      'Content-Range',
      `bytes ${start}-${end - 1}/${length}`,
      'Content-Length',
      String(end - start),
    ]);
    return method === 'HEAD' ? undefined : selection;
  }
  response.writeHead(200, [...commonHeaders(file), 'Content-Length', String(length)]);
  return method === 'HEAD' ? undefined : { start: 0, end: length };
}

export function respondProblem(response: ServerResponse, problem: Problem): void {
  if (response.headersSent) return void response.destroy();
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
