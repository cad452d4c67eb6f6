/** Prepares a source in a worker thread with bounds on time and memory: an upload may be made to exhaust either. */
import { rm } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { SourceRejected } from '../source-rejected.ts';
import type { PreparedSource } from './prepare.ts';
import type { WorkerResult } from './prepare-worker.ts';

const DEFAULT_TIME_LIMIT_MS = 120_000;
/** Of the JavaScript heap; the columns of samples lie outside it and are bounded by `MAX_SAMPLES`. */
const MAX_HEAP_MB = 512;

export interface PrepareInWorkerOptions {
  /** Of the bundled `prepare-worker.js`. */
  readonly workerUrl?: URL;
  readonly timeLimitMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * As `prepareSource`.
 *
 * @throws SourceRejected as `prepareSource` does, and with `check-exceeded` when time or memory run out
 * @throws the signal's reason when it is aborted
 */
export async function prepareInWorker(
  sourcePath: string,
  indexPath: string,
  options: PrepareInWorkerOptions = {},
): Promise<PreparedSource> {
  const { signal, timeLimitMs = DEFAULT_TIME_LIMIT_MS } = options;
  signal?.throwIfAborted();
  const worker = new Worker(options.workerUrl ?? new URL('./prepare-worker.js', import.meta.url), {
    workerData: { sourcePath, indexPath },
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    execArgv: [],
  });
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  let isDone = false;
  try {
    const answer = await new Promise<WorkerResult>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', (error: Error & { readonly code?: string }) => {
        reject(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? exceeded('needs too much memory', error) : error);
      });
      worker.once('exit', code => reject(new Error(`the checker ended with code ${code} and no answer`)));
      timer = setTimeout(() => reject(exceeded('took too long')), timeLimitMs);
      onAbort = () => reject(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
    if (answer.kind === 'refused') throw new SourceRejected(answer.code, answer.message);
    isDone = true;
    return answer.prepared;
  } finally {
    clearTimeout(timer);
    if (onAbort) signal?.removeEventListener('abort', onAbort);
    await worker.terminate();
    // Stopped in the middle of writing, it leaves what `writeSourceIndex` had begun.
    if (!isDone) await rm(`${indexPath}.new`, { force: true });
  }
}

const exceeded = (how: string, cause?: unknown): SourceRejected =>
  new SourceRejected(
    'check-exceeded',
    `Checking this file ${how}. Export the film again, in an ordinary form, and upload it anew.`,
    { cause },
  );
