/** Prepares a source in a worker thread with limits on time and memory, because an upload may be crafted to exhaust them. */
import { rm } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { SourceRejected } from '../source-rejected.ts';
import type { PreparedSource } from './prepare.ts';
import type { WorkerResult } from './prepare-worker.ts';

const DEFAULT_TIME_LIMIT_MS = 120_000;
/** Limit of the JavaScript heap. The columns of samples lie outside it; `MAX_SAMPLES` bounds them. */
const MAX_HEAP_MB = 512;

interface PrepareInWorkerOptions {
  /** URL of the bundled `prepare-worker.js`. */
  readonly workerUrl?: URL;
  readonly timeLimitMs?: number;
  readonly abort?: AbortSignal;
}

/**
 * Does what `prepareSource` does, in a worker thread.
 *
 * @throws SourceRejected as `prepareSource` does, and with `check-exceeded` if time or memory run out
 * @throws the reason of `abort` when it fires
 */
export async function prepareInWorker(
  sourcePath: string,
  indexPath: string,
  options: PrepareInWorkerOptions = {},
): Promise<PreparedSource> {
  const { abort, timeLimitMs = DEFAULT_TIME_LIMIT_MS } = options;
  abort?.throwIfAborted();
  const worker = new Worker(options.workerUrl ?? new URL('./prepare-worker.js', import.meta.url), {
    workerData: { sourcePath, indexPath },
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    execArgv: [],
  });
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  let isDone = false;
  try {
    const result = await new Promise<WorkerResult>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', (error: Error & { readonly code?: string }) => {
        reject(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? exceeded('needed too much memory', error) : error);
      });
      worker.once('exit', code =>
        reject(new Error(`the indexing worker ended with code ${code} and without a result`)),
      );
      timer = setTimeout(() => reject(exceeded('took too long')), timeLimitMs);
      onAbort = () => reject(abort?.reason);
      abort?.addEventListener('abort', onAbort, { once: true });
    });
    if (result.kind === 'rejected') {
      const { code, message, ...facts } = result.error;
      throw new SourceRejected(code, message, facts);
    }
    isDone = true;
    return result.prepared;
  } finally {
    clearTimeout(timer);
    if (onAbort) abort?.removeEventListener('abort', onAbort);
    await worker.terminate();
    // A worker that is stopped while it writes leaves the temporary file of `writeSourceIndex`.
    if (!isDone) await rm(`${indexPath}.new`, { force: true });
  }
}

const exceeded = (how: string, cause?: unknown): SourceRejected =>
  new SourceRejected(
    'check-exceeded',
    `Checking this file ${how}. Export the video again as a standard MP4, and upload it again.`,
    { cause },
  );
