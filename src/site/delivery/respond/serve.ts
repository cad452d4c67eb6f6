/** Serves `/v/…` and `/t/{token}/v/…` through node:http: checks method, address and token, and then memory, disk or a fill. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { acceptsGzip } from '../../../kernel/http/coding/gzip.ts';
import type { Log } from '../../../kernel/log.ts';
import { Problem, problem } from '../../../kernel/problem.ts';
import { splitToken } from '../../../protocol/media/media-address.ts';
import type { Cache } from '../cache/cache.ts';
import { type CacheEntry, gzipEntry } from '../cache/memory-tier.ts';
import type { Egress } from '../egress/egress.ts';
import type { TrafficClass } from '../egress/pacer.ts';
import type { Fills } from '../fill/fills.ts';
import { FILL_HEADER, PREFLIGHT_HEADERS } from '../http/headers.ts';
import { type MediaFile, parseDownload, parseMediaFile, pathOfUrl } from '../http/media-file.ts';
import { methodNotAllowed, notFound, uploadsOnly, videoUnknown, videoWithdrawn } from '../http/problems.ts';
import type { BufferRights, HidePrivate } from './buffer-rights.ts';
import type { ResponseCounts } from './fast-connection.ts';
import { respondProblem } from './problem-response.ts';
import { onceClosed, respondFromCache, respondFromStream } from './respond.ts';
import type { ResponseState } from './response-sink.ts';
import { createDownloadHandler } from './serve-download.ts';
import type { ViewerReports } from './viewer-reports.ts';

interface ServeDeps {
  readonly cache: Cache;
  readonly fills: Fills;
  readonly counts: ResponseCounts;
  readonly egress: Egress;
  /** False if this site does not serve this viewer. */
  readonly servesViewer: (request: IncomingMessage) => boolean;
  readonly reports: ViewerReports;
  readonly rights: BufferRights;
  /** Replaces a private file by one that does not exist, for a request without a token. */
  readonly hide: HidePrivate;
  readonly log: Log;
}

/** RFC 9218, section 4.1: the default urgency is 3, and larger values are less urgent. */
const isUrgent = (request: IncomingMessage): boolean =>
  !/^u=[4-7]\b/.test(String(request.headers.priority ?? ''));

/** A range is a part of the plain form, and another buffer stores the plain form. */
const takesGzip = ({ request: { headers }, isFill }: ResponseState): boolean =>
  !isFill && headers.range === undefined && acceptsGzip(headers['accept-encoding']?.toString());

const acceptAll = (): undefined => undefined;

function checkToken(rights: BufferRights, token: string, key: string): Problem | undefined {
  const file = parseMediaFile(key) ?? parseDownload(key);
  return file ? rights.checkToken(token, file.video, key) : notFound();
}

export function createHandler(deps: ServeDeps): (request: IncomingMessage, response: ServerResponse) => void {
  const { cache, fills, counts, egress, reports, rights, hide, log } = deps;
  const download = createDownloadHandler(deps);

  function open(request: IncomingMessage, response: ServerResponse, hasToken: boolean): ResponseState {
    const isFill = request.headers[FILL_HEADER] !== undefined;
    const kind: TrafficClass = isFill ? 'fills' : 'viewers';
    const slot = egress.open(kind, request.socket);
    counts.activeResponses++;
    onceClosed(request, response, () => {
      counts.activeResponses--;
      slot.close();
    });
    return {
      request,
      response,
      egress: slot,
      isFill,
      hasToken,
      checkEgress: egress.isUnlimited ? acceptAll : bytes => egress.check(kind, bytes, isUrgent(request)),
    };
  }

  function hit(state: ResponseState, entry: CacheEntry): void {
    counts.hits++;
    respondFromCache(state, takesGzip(state) ? gzipEntry(entry) : entry);
  }

  function fill(state: ResponseState, file: MediaFile): void {
    counts.misses++;
    const { isFill, hasToken } = state;
    // Other buffers get only files of this site, so that no two sites wait for each other.
    const found = state.checkEgress(0) ?? fills.start(file, { mayAskOthers: !isFill, hasToken });
    if (found instanceof Problem) respondProblem(state.response, found);
    else respondFromStream(state, found);
  }

  async function readOrFill(
    state: ResponseState,
    file: MediaFile,
    reading: Promise<CacheEntry | undefined>,
  ): Promise<void> {
    const entry = await reading;
    const { request, response, hasToken } = state;
    if (response.destroyed || request.socket.destroyed) return;
    if (cache.isWithdrawn(file.video)) respondProblem(response, videoWithdrawn());
    // It may have become private during the read.
    else if (!hasToken && rights.isPrivate(file.video)) respondProblem(response, videoUnknown());
    else if (entry) hit(state, entry);
    else fill(state, file);
  }

  return (request, response) => {
    const { method, url = '' } = request;
    if (method !== 'GET' && method !== 'HEAD') {
      if (method === 'OPTIONS') response.writeHead(204, [...PREFLIGHT_HEADERS]).end();
      else respondProblem(response, methodNotAllowed());
      return;
    }
    const { token, target } = splitToken(url);
    const state = open(request, response, token !== undefined);
    const { isFill, hasToken } = state;
    if (!isFill && !deps.servesViewer(request)) return respondProblem(response, uploadsOnly());
    const key = pathOfUrl(target);
    // The token is checked before anything is looked up, so that an invalid one reveals nothing.
    const rejection = token === undefined ? undefined : checkToken(rights, token, key);
    if (rejection) return respondProblem(response, rejection);
    if (!isFill)
      reports.note(request.socket.remoteAddress ?? '', url, request.headers['cmcd-request']?.toString());
    // Only files with a valid address are ever cached, so the key needs no parsing before this.
    const entry = cache.find(key);
    if (entry && (hasToken || !entry.isPrivate)) {
      if (entry.isPrefetched && !isFill) {
        entry.isPrefetched = false;
        fills.prefetchAfter(entry.file);
      }
      return hit(state, entry);
    }
    const requested = parseMediaFile(key);
    const plan = requested ? undefined : parseDownload(key);
    if (plan) return download(state, hide(plan, hasToken));
    if (!requested) return respondProblem(response, notFound());
    const file = hide(requested, hasToken);
    if (cache.isWithdrawn(file.video)) return respondProblem(response, videoWithdrawn());
    if (!isFill) {
      fills.prefetchAfter(file);
      reports.noteVideo(file.video);
    }
    const reading = cache.read(file);
    if (!reading) return fill(state, file);
    readOrFill(state, file, reading).catch(error => {
      log.error({ err: error, key }, 'could not respond to a viewer');
      respondProblem(response, problem('internal', 'This site could not respond.', { cause: error }));
    });
  };
}
