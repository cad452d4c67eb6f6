/** Entry of the worker thread that prepares a source. It posts one result to `prepare-in-worker.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import * as z from 'zod';
import { SourceRejected } from '../source-rejected.ts';
import { type PreparedSource, prepareSource } from './prepare.ts';

export type WorkerResult =
  | { readonly kind: 'prepared'; readonly prepared: PreparedSource }
  | {
      readonly kind: 'rejected';
      readonly error: Pick<SourceRejected, 'code' | 'message' | 'videoTrack' | 'isCutOff'>;
    };

const inputSchema = z.object({
  sourcePath: z.string(),
  indexPath: z.string(),
});

async function prepare(): Promise<WorkerResult> {
  const { sourcePath, indexPath } = inputSchema.parse(workerData);
  try {
    return { kind: 'prepared', prepared: await prepareSource(sourcePath, indexPath) };
  } catch (error) {
    if (error instanceof SourceRejected)
      return {
        kind: 'rejected',
        error: {
          code: error.code,
          message: error.message,
          videoTrack: error.videoTrack,
          isCutOff: error.isCutOff,
        },
      };
    throw error;
  }
}

// Any other error ends the worker, and the main thread receives it.
parentPort?.postMessage(await prepare());
