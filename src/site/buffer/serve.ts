/** The handler of `/v/…`: method, address, and then memory, disk or fill. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Log } from '../../kernel/log.ts';
import { Problem } from '../../kernel/problem.ts';
import type { VideoId } from '../../protocol/ids.ts';
import type { Fill } from './fill.ts';
import { PREFLIGHT } from './headers.ts';
import { keyOf, type MediaFile, parseMediaFile } from './media-file.ts';
import type { Kept } from './memory-tier.ts';
import { methodNotAllowed, notFound, videoWithdrawn } from './problems.ts';
import { onceClosed, respondFilling, respondKept, respondProblem } from './respond.ts';
import { FILL_HEADER } from './upstream.ts';

/** Where the handler gets files. */
export interface Shelf {
  /** In memory. */
  find(key: string): Kept | undefined;
  /** On disk; undefined without waiting where it is not there. */
  read(file: MediaFile): Promise<Kept | undefined> | undefined;
  /** From upstream: the fill under way, a new one, or why there is none. */
  fill(file: MediaFile, mayAskOthers: boolean): Fill | Problem;
  isWithdrawn(video: VideoId): boolean;
}

/** Counts that only grow, but for `activeResponses`. */
export interface Counts {
  hits: number;
  misses: number;
  egressBytes: number;
  activeResponses: number;
}

export function createHandler(
  shelf: Shelf,
  counts: Counts,
  log: Log,
): (request: IncomingMessage, response: ServerResponse) => void {
  const onSent = (bytes: number): void => {
    counts.egressBytes += bytes;
  };
  const onClosed = (): void => {
    counts.activeResponses--;
  };

  function hit(request: IncomingMessage, response: ServerResponse, kept: Kept): void {
    counts.hits++;
    counts.egressBytes += respondKept(request, response, kept);
  }

  function fill(request: IncomingMessage, response: ServerResponse, file: MediaFile): void {
    counts.misses++;
    // What another buffer asks for comes from this site alone: nobody waits in a circle.
    const found = shelf.fill(file, request.headers[FILL_HEADER] === undefined);
    if (found instanceof Problem) respondProblem(response, found);
    else respondFilling(request, response, found, onSent);
  }

  async function readOrFill(
    request: IncomingMessage,
    response: ServerResponse,
    file: MediaFile,
    reading: Promise<Kept | undefined>,
  ): Promise<void> {
    const kept = await reading;
    if (response.destroyed || request.socket.destroyed) return;
    if (shelf.isWithdrawn(file.video)) respondProblem(response, videoWithdrawn());
    else if (kept) hit(request, response, kept);
    else fill(request, response, file);
  }

  return (request, response) => {
    const { method } = request;
    if (method !== 'GET' && method !== 'HEAD') {
      if (method === 'OPTIONS') response.writeHead(204, [...PREFLIGHT]).end();
      else respondProblem(response, methodNotAllowed());
      return;
    }
    counts.activeResponses++;
    onceClosed(request, response, onClosed);
    const key = keyOf(request.url ?? '');
    // Only what was parsed once is ever kept, so what is found needs no parsing.
    const kept = shelf.find(key);
    if (kept) return hit(request, response, kept);

    const file = parseMediaFile(key);
    if (!file) return respondProblem(response, notFound());
    if (shelf.isWithdrawn(file.video)) return respondProblem(response, videoWithdrawn());
    const reading = shelf.read(file);
    if (!reading) return fill(request, response, file);
    readOrFill(request, response, file, reading).catch(error => {
      log.error({ err: error, key }, 'a viewer could not be answered');
      respondProblem(response, new Problem(500, 'internal', 'This site could not answer.', { cause: error }));
    });
  };
}
