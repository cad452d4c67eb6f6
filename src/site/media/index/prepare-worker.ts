/** Entry of the worker thread in which a source is prepared. Its answer goes to `prepare-in-worker.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import * as z from 'zod';
import { type RejectionCode, SourceRejected } from '../source-rejected.ts';
import { type PreparedSource, prepareSource } from './prepare.ts';

export type WorkerResult =
  | { readonly kind: 'prepared'; readonly prepared: PreparedSource }
  | { readonly kind: 'refused'; readonly code: RejectionCode; readonly message: string };

const inputSchema = z.object({
  sourcePath: z.string(),
  indexPath: z.string(),
});

async function answer(): Promise<WorkerResult> {
  const { sourcePath, indexPath } = inputSchema.parse(workerData);
  try {
    return { kind: 'prepared', prepared: await prepareSource(sourcePath, indexPath) };
  } catch (error) {
    if (error instanceof SourceRejected) return { kind: 'refused', code: error.code, message: error.message };
    throw error;
  }
}

// What is not a refusal ends the worker with its error, which the other side receives.
parentPort?.postMessage(await answer());
