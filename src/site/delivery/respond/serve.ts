/** The handler of `/v/…` and `/t/{token}/v/…`: method, address, right, and then memory, disk or fill. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Log } from '../../../kernel/log.ts';
import { Problem, problem } from '../../../kernel/problem.ts';
import type { VideoId } from '../../../protocol/ids.ts';
import { splitToken } from '../../../protocol/media/media-address.ts';
import type { CacheEntry } from '../cache/memory-tier.ts';
import type { Egress } from '../egress/egress.ts';
import type { TrafficClass } from '../egress/pacer.ts';
import type { Fill } from '../fill/fill.ts';
import { FILL_HEADER } from '../fill/upstream-client.ts';
import { PREFLIGHT_HEADERS } from '../http/headers.ts';
import { type MediaFile, parseMediaFile, pathOfUrl } from '../http/media-file.ts';
import { methodNotAllowed, notFound, uploadsOnly, videoUnknown, videoWithdrawn } from '../http/problems.ts';
import {
  onceClosed,
  type ResponseState,
  respondFromCache,
  respondFromStream,
  respondProblem,
} from './respond.ts';
import type { BufferRights } from './rights.ts';
import type { ViewerReports } from './viewer-reports.ts';

/** Where the handler gets files. */
export interface Shelf {
  /** In memory. */
  find(key: string): CacheEntry | undefined;
  hasOnDisk(file: MediaFile): boolean;
  /** On disk; undefined without waiting where it is not there. */
  read(file: MediaFile): Promise<CacheEntry | undefined> | undefined;
  /** From upstream: the fill under way, a new one, or why there is none. */
  fill(file: MediaFile, mayAskOthers: boolean, hasRight: boolean): Fill | Problem;
  isWithdrawn(video: VideoId): boolean;
  isPrivate(video: VideoId): boolean;
  /** A viewer was given this: what follows it may be wanted soon. */
  noteViewed(file: MediaFile, kept?: CacheEntry): void;
}

/** Counts that only grow, but for `activeResponses`. */
export interface Counts {
  hits: number;
  misses: number;
  activeResponses: number;
}

export interface ServeOptions {
  readonly shelf: Shelf;
  readonly counts: Counts;
  readonly egress: Egress;
  /** Whether this viewer is served from here. */
  readonly servesViewer: (request: IncomingMessage) => boolean;
  readonly reports: ViewerReports;
  readonly rights: BufferRights;
  readonly log: Log;
}

/** RFC 9218, section 4.1: 3 is usual, larger is less urgent. */
const isUrgent = (request: IncomingMessage): boolean =>
  !/^u=[4-7]\b/.test(String(request.headers.priority ?? ''));

export function createHandler(
  options: ServeOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  const { shelf, counts, egress, reports, rights, log } = options;

  function open(request: IncomingMessage, response: ServerResponse, hasRight: boolean): ResponseState {
    const isFill = request.headers[FILL_HEADER] !== undefined;
    const kind: TrafficClass = isFill ? 'fills' : 'viewers';
    const outflow = egress.open(kind, request.socket);
    counts.activeResponses++;
    onceClosed(request, response, () => {
      counts.activeResponses--;
      outflow.close();
    });
    return {
      request,
      response,
      egress: outflow,
      isFill,
      hasToken: hasRight,
      checkEgress: egress.isFree ? noRefusal : bytes => egress.check(kind, bytes, isUrgent(request)),
    };
  }

  function hit(reply: ResponseState, kept: CacheEntry): void {
    counts.hits++;
    respondFromCache(reply, kept);
  }

  function fill(reply: ResponseState, file: MediaFile): void {
    counts.misses++;
    // What another buffer asks for comes from this site alone: nobody waits in a circle.
    const found = reply.checkEgress(0) ?? shelf.fill(file, !reply.isFill, reply.hasToken);
    if (found instanceof Problem) respondProblem(reply.response, found);
    else respondFromStream(reply, found);
  }

  async function readOrFill(
    reply: ResponseState,
    file: MediaFile,
    reading: Promise<CacheEntry | undefined>,
  ): Promise<void> {
    const kept = await reading;
    const { request, response } = reply;
    if (response.destroyed || request.socket.destroyed) return;
    if (shelf.isWithdrawn(file.video)) respondProblem(response, videoWithdrawn());
    // It may have become private meanwhile.
    else if (!reply.hasToken && shelf.isPrivate(file.video)) respondProblem(response, videoUnknown());
    else if (kept) hit(reply, kept);
    else fill(reply, file);
  }

  function refuseToken(token: string, key: string): Problem | undefined {
    const file = parseMediaFile(key);
    return file ? rights.checkToken(token, file.video) : notFound();
  }

  return (request, response) => {
    const { method } = request;
    if (method !== 'GET' && method !== 'HEAD') {
      if (method === 'OPTIONS') response.writeHead(204, [...PREFLIGHT_HEADERS]).end();
      else respondProblem(response, methodNotAllowed());
      return;
    }
    const url = request.url ?? '';
    const { token, target } = splitToken(url);
    const reply = open(request, response, token !== undefined);
    if (!reply.isFill && !options.servesViewer(request)) return respondProblem(response, uploadsOnly());
    const key = pathOfUrl(target);
    // Before anything is looked up: who has no right learns nothing of what is here.
    const refused = token === undefined ? undefined : refuseToken(token, key);
    if (refused) return respondProblem(response, refused);
    if (!reply.isFill)
      reports.note(request.socket.remoteAddress ?? '', url, request.headers['cmcd-request']?.toString());
    // Only what was parsed once is ever kept, so what is found needs no parsing.
    const kept = shelf.find(key);
    if (kept && (reply.hasToken || !kept.isPrivate)) {
      if (kept.isPrefetched && !reply.isFill) shelf.noteViewed(kept.file, kept);
      return hit(reply, kept);
    }
    const file = kept?.file ?? parseMediaFile(key);
    if (!file) return respondProblem(response, notFound());
    if (!reply.hasToken && shelf.isPrivate(file.video)) return respondProblem(response, videoUnknown());
    if (shelf.isWithdrawn(file.video)) return respondProblem(response, videoWithdrawn());
    if (!reply.isFill) {
      shelf.noteViewed(file);
      reports.noteVideo(file.video);
    }
    const reading = shelf.read(file);
    if (!reading) return fill(reply, file);
    readOrFill(reply, file, reading).catch(error => {
      log.error({ err: error, key }, 'a viewer could not be answered');
      respondProblem(response, problem('internal', 'This site could not answer.', { cause: error }));
    });
  };
}

const noRefusal = (): undefined => undefined;
