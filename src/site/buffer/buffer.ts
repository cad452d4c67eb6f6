/**
 * The buffer (CP): the only thing that viewers talk to. Memory first, then disk, then a fill; concurrent misses of one file
 * make one fill.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { LRUCache } from 'lru-cache';
import type { Log } from '../../kernel/log.ts';
import { Problem } from '../../kernel/problem.ts';
import type { VideoId } from '../../protocol/ids.ts';
import { DiskTier } from './disk-tier.ts';
import { Fill } from './fill.ts';
import { PREFLIGHT } from './headers.ts';
import { type MediaFile, parseMediaFile } from './media-file.ts';
import { type Kept, makeKept, respondFilling, respondKept, respondProblem } from './respond.ts';
import { createUpstreams, FILL_HEADER } from './upstream.ts';

const MAX_FILLS = 256;
const REMEMBER_REFUSAL_MS = 2_000;
/** What an entry costs in memory beside its body. */
const ENTRY_BYTES = 1_024;

export interface BufferOptions {
  readonly siteId: () => string | undefined;
  readonly directory: string;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  /** This site's own origin. */
  readonly origin: { readonly url: string };
  readonly trackerUrl: () => string | undefined;
  readonly log: Log;
}

export interface BufferStats {
  readonly hits: number;
  readonly misses: number;
  readonly fills: number;
  readonly egressBytes: number;
  readonly activeResponses: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
}

export interface StreamBuffer {
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Forgets a withdrawn video and answers 410 for it from now on. */
  drop(video: VideoId): Promise<void>;
  stats(): BufferStats;
  stop(): Promise<void>;
}

const METHOD_NOT_ALLOWED = new Problem(405, 'method-not-allowed', 'Streams can be read only.', {
  headers: { allow: 'GET, HEAD, OPTIONS' },
});
const NOT_FOUND = new Problem(404, 'not-found', 'There is no such file.');
const WITHDRAWN = new Problem(410, 'video-withdrawn', 'This video was withdrawn.');
const BUSY = new Problem(503, 'busy', 'Too much is being fetched at once. Try again in a moment.', {
  headers: { 'retry-after': '1' },
});

export async function createStreamBuffer(options: BufferOptions): Promise<StreamBuffer> {
  const { log } = options;
  const disk = await DiskTier.open(options.directory, options.diskBytes, log);
  const memory = new LRUCache<string, Kept>({
    maxSize: Math.max(1, options.memoryBytes),
    maxEntrySize: Math.max(1, Math.floor(options.memoryBytes / 2)),
    sizeCalculation: kept => kept.body.length + ENTRY_BYTES,
  });
  const upstreams = createUpstreams({ ...options, originUrl: options.origin.url });
  const fills = new Map<string, Fill>();
  const refusals = new LRUCache<string, Problem>({ max: 10_000, ttl: REMEMBER_REFUSAL_MS });
  const dropped = new Set<VideoId>();
  const counts = { hits: 0, misses: 0, fills: 0, egressBytes: 0, activeResponses: 0 };

  function startFill(fillKey: string, file: MediaFile, mayAskOthers: boolean): Fill {
    const fill = new Fill();
    fills.set(fillKey, fill);
    counts.fills++;
    void fill.run(upstreams, file, mayAskOthers).then(() => {
      fills.delete(fillKey);
      if (fill.body && fill.isWhole && !fill.failure) keep(file, fill.body);
      else if (fill.failure && fill.failure.status < 500) refusals.set(fillKey, fill.failure);
    });
    return fill;
  }

  function keep(file: MediaFile, body: Buffer): void {
    if (dropped.has(file.video)) return;
    memory.set(file.key, makeKept(file, body));
    disk.keep(file, body);
  }

  async function answerMiss(
    request: IncomingMessage,
    response: ServerResponse,
    file: MediaFile,
  ): Promise<void> {
    const mayAskOthers = request.headers[FILL_HEADER] === undefined;
    // Requests of other buffers are kept apart: they must never wait for a fill that may be waiting for them.
    const fillKey = mayAskOthers ? file.key : `own ${file.key}`;
    let fill = fills.get(fillKey);
    if (!fill) {
      const body = await disk.read(file);
      if (body) {
        const kept = makeKept(file, body);
        memory.set(file.key, kept);
        counts.hits++;
        counts.egressBytes += respondKept(request, response, kept);
        return;
      }
      const refusal = refusals.get(fillKey);
      if (refusal) return respondProblem(response, refusal);
      fill = fills.get(fillKey);
    }
    counts.misses++;
    if (!fill && fills.size >= MAX_FILLS) return respondProblem(response, BUSY);
    fill ??= startFill(fillKey, file, mayAskOthers);
    counts.egressBytes += await respondFilling(request, response, file, fill);
  }

  return {
    handle(request, response) {
      const { method } = request;
      if (method === 'OPTIONS') return void response.writeHead(204, [...PREFLIGHT]).end();
      if (method !== 'GET' && method !== 'HEAD') return respondProblem(response, METHOD_NOT_ALLOWED);
      const file = parseMediaFile(request.url ?? '');
      if (!file) return respondProblem(response, NOT_FOUND);
      if (dropped.has(file.video)) return respondProblem(response, WITHDRAWN);
      counts.activeResponses++;
      response.once('close', () => counts.activeResponses--);
      const kept = memory.get(file.key);
      if (kept) {
        counts.hits++;
        counts.egressBytes += respondKept(request, response, kept);
        return;
      }
      answerMiss(request, response, file).catch(error => {
        log.error({ err: error, key: file.key }, 'a viewer could not be answered');
        respondProblem(
          response,
          new Problem(500, 'internal', 'This site could not answer.', { cause: error }),
        );
      });
    },
    async drop(video) {
      dropped.add(video);
      for (const key of [...memory.keys()]) if (key.startsWith(`/v/${video}/`)) memory.delete(key);
      await disk.drop(video);
    },
    stats: () => ({ ...counts, memoryBytes: memory.calculatedSize, diskBytes: disk.bytes }),
    async stop() {
      for (const fill of fills.values()) fill.stop();
      upstreams.stop();
      await disk.settle();
    },
  };
}
