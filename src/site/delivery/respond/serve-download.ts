/**
 * Sends a download: a file that consists of spans of other files, in the order of its plan. It loads one file while it sends the
 * one before, so it holds two segments at most. Playback comes first: the next bytes wait until the uplink has room for them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../../kernel/log.ts';
import { Problem, problem } from '../../../kernel/problem.ts';
import { type DownloadPlan, parseDownloadPlan } from '../../../protocol/media/download-plan.ts';
import type { Cache } from '../cache/cache.ts';
import { type Egress, MAX_TLS_WRITE_BYTES } from '../egress/egress.ts';
import { completeBody } from '../fill/fill.ts';
import type { Fills } from '../fill/fills.ts';
import { matchesEtag } from '../http/etags.ts';
import { formatContentDisposition, safeFileName } from '../http/file-name.ts';
import { CORS_HEADERS } from '../http/headers.ts';
import { type MediaFile, parseMediaFile } from '../http/media-file.ts';
import { fileUnknown, rangeUnsatisfiable, videoWithdrawn } from '../http/problems.ts';
import { type Span, selectRange } from '../http/ranges.ts';
import { BodyFollower, type BodySink, completeStream } from './follow-body.ts';
import { respondProblem } from './problem-response.ts';
import { onceClosed } from './respond.ts';
import type { ResponseState } from './response-sink.ts';

/** How long a download waits before it asks again whether the uplink has room. */
const YIELD_MS = 200;
/** Files that are sent in one piece. */
const PIECE_BYTES = MAX_TLS_WRITE_BYTES;

interface DownloadHandlerDeps {
  readonly cache: Pick<Cache, 'find' | 'read' | 'isWithdrawn'>;
  readonly fills: Pick<Fills, 'start'>;
  readonly egress: Pick<Egress, 'check' | 'isUnlimited'>;
  readonly log: Log;
}

interface DownloadDeps {
  /** Loads a file from memory, disk or by a fill. @throws Problem */
  readonly load: (file: MediaFile) => Promise<Buffer>;
  /** Why the uplink has no room for this many bytes that no viewer waits for; undefined if it has. */
  readonly checkIdleEgress: (bytes: number) => Problem | undefined;
}

/** Returns a function that sends the download with this plan. */
export function createDownloadHandler({ cache, fills, egress, log }: DownloadHandlerDeps) {
  async function load(file: MediaFile, { isFill, hasToken }: ResponseState): Promise<Buffer> {
    const entry = cache.find(file.key) ?? (await cache.read(file));
    if (entry && (hasToken || !entry.isPrivate)) return entry.body;
    const found = fills.start(file, { mayAskOthers: !isFill, hasToken });
    if (found instanceof Problem) throw found;
    return completeBody(found);
  }

  return (state: ResponseState, planFile: MediaFile): void => {
    const { response } = state;
    const refusal = cache.isWithdrawn(planFile.video) ? videoWithdrawn() : state.checkEgress(0);
    if (refusal) {
      respondProblem(response, refusal);
      return;
    }
    const deps: DownloadDeps = {
      load: file => load(file, state),
      checkIdleEgress: bytes => (egress.isUnlimited ? undefined : egress.check('viewers', bytes, false)),
    };
    respondWithDownload(deps, state, planFile).catch((error: unknown) => {
      if (!(error instanceof Problem))
        log.error({ err: error, key: planFile.key }, 'could not send a download');
      if (response.headersSent) response.destroy();
      else
        respondProblem(
          response,
          error instanceof Problem ? error : problem('internal', undefined, { cause: error }),
        );
    });
  };
}

/** @throws Problem before anything was sent */
async function respondWithDownload(
  deps: DownloadDeps,
  state: ResponseState,
  planFile: MediaFile,
): Promise<void> {
  const { request, response } = state;
  const plan = readPlan(await deps.load(planFile));
  const span = beginResponse(state, planFile, plan);
  if (!span) return;
  const abort = new AbortController();
  onceClosed(request, response, () => abort.abort());
  try {
    await sendSpan(deps, state, { planFile, plan, span, abort: abort.signal });
  } catch (error) {
    // The client notices that the file is incomplete, and resumes.
    if (!abort.signal.aborted) throw error;
  }
}

function readPlan(bytes: Buffer): DownloadPlan {
  try {
    return parseDownloadPlan(bytes);
  } catch {
    throw fileUnknown();
  }
}

/** Sends the head of the response. @returns the bytes to send; undefined if no body follows */
function beginResponse(state: ResponseState, { video }: MediaFile, plan: DownloadPlan): Span | undefined {
  const { request, response, checkEgress } = state;
  const { headers, method, url = '' } = request;
  const { etag, contentType, extension, sizeBytes } = plan;
  const name = new URLSearchParams(url.slice(url.indexOf('?') + 1)).get('name') ?? '';
  const common = [
    ...CORS_HEADERS,
    'Content-Type',
    contentType,
    'Content-Disposition',
    formatContentDisposition(safeFileName(name, extension, `video-${video}`)),
    'ETag',
    etag,
    'Accept-Ranges',
    'bytes',
    // What may be downloaded can change, and no shared cache needs files of this size.
    'Cache-Control',
    'private, no-cache',
    'X-Robots-Tag',
    'noindex',
    'Referrer-Policy',
    'no-referrer',
  ];
  if (matchesEtag(headers['if-none-match'], etag)) {
    response.writeHead(304, common).end();
    return undefined;
  }
  const range = method === 'GET' ? headers.range : undefined;
  const ifRange = headers['if-range'];
  const selection = selectRange(range, typeof ifRange === 'string' ? ifRange : undefined, etag, sizeBytes);
  if (selection.kind === 'unsatisfiable') {
    respondProblem(response, rangeUnsatisfiable(sizeBytes));
    return undefined;
  }
  const span = selection.kind === 'part' ? selection : { start: 0, end: sizeBytes };
  if (method === 'HEAD') {
    response.writeHead(200, [...common, 'Content-Length', String(sizeBytes)]).end();
    return undefined;
  }
  const refusal = checkEgress(Math.min(PIECE_BYTES, span.end - span.start));
  if (refusal) {
    respondProblem(response, refusal);
    return undefined;
  }
  if (selection.kind === 'part')
    common.push('Content-Range', `bytes ${span.start}-${span.end - 1}/${sizeBytes}`);
  common.push('Content-Length', String(span.end - span.start));
  response.writeHead(selection.kind === 'part' ? 206 : 200, common);
  return span;
}

interface Sending {
  readonly planFile: MediaFile;
  readonly plan: DownloadPlan;
  readonly span: Span;
  readonly abort: AbortSignal;
}

async function sendSpan(deps: DownloadDeps, state: ResponseState, sending: Sending): Promise<void> {
  const { planFile, plan, span, abort } = sending;
  const load = async (index: number): Promise<Buffer> => {
    const { file, start, end } = plan.partAt(index);
    const found = parseMediaFile(`/v/${planFile.video}/${planFile.revision}/${file}`);
    if (!found) throw fileUnknown();
    const body = await deps.load(planFile.isDecoy ? { ...found, isDecoy: true } : found);
    if (body.length < end) throw new Error(`${file} is shorter than the plan of the download says`);
    return body.subarray(start, end);
  };
  let next: Promise<Buffer> | undefined;
  for (let index = plan.findPart(span.start); index < plan.partCount; index++) {
    const { at } = plan.partAt(index);
    if (at >= span.end) break;
    const body = await (next ?? load(index));
    const isLast = at + body.length >= span.end;
    next = isLast || index + 1 >= plan.partCount ? undefined : load(index + 1);
    // Its failure is reported when its turn comes.
    next?.catch(() => undefined);
    const from = Math.max(0, span.start - at);
    const to = Math.min(body.length, span.end - at);
    for (let start = from; start < to; start += PIECE_BYTES) {
      const piece = body.subarray(start, Math.min(to, start + PIECE_BYTES));
      await waitForUplink(deps, piece.length, abort);
      await sendPiece(state, piece, abort);
    }
  }
  state.response.end();
}

/** @throws Problem `budget-used`, which ends the download */
async function waitForUplink(deps: DownloadDeps, bytes: number, abort: AbortSignal): Promise<void> {
  for (;;) {
    const refusal = deps.checkIdleEgress(bytes);
    if (!refusal) return;
    if (refusal.code !== 'link-full') throw refusal;
    await sleep(YIELD_MS, undefined, { signal: abort });
  }
}

/** Resolves when the connection has taken the whole piece. */
function sendPiece({ egress, response }: ResponseState, piece: Buffer, abort: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    abort.throwIfAborted();
    const onAbort = (): void => {
      follower.stop();
      reject(abort.reason);
    };
    const finish = (): void => {
      abort.removeEventListener('abort', onAbort);
      resolve();
    };
    const resume = (): void => {
      if (!egress.resume()) response.destroy();
    };
    const sink: BodySink = {
      maxWriteBytes: PIECE_BYTES,
      get needsDrain() {
        return response.writableNeedDrain;
      },
      schedule: egress.schedule,
      begin(length) {
        egress.reserve(length);
        return { start: 0, end: length };
      },
      reject,
      write(bytes, isLast) {
        egress.noteSent(bytes.length);
        const isTaken = response.write(bytes);
        if (!isTaken) {
          egress.pause();
          response.once('drain', resume);
        }
        if (!isLast) return;
        if (isTaken) finish();
        else response.once('drain', finish);
      },
      onDrain: listener => void response.on('drain', listener),
      offDrain: listener => void response.off('drain', listener),
      abort: () => response.destroy(),
    };
    const follower = new BodyFollower(completeStream(piece), sink);
    abort.addEventListener('abort', onAbort, { once: true });
    follower.start();
  });
}
