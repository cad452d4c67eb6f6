/**
 * Entry of this folder: which work a source needs so that it plays everywhere, and the workers that do it. Jobs are in the site's
 * database; a worker needs nothing but that database and the storage.
 */
export { type Converter, createConverter, type PlayablePlan, type ProbeResult } from './plan/converter.ts';
export { CAPTIONS_NEED } from './plan/plan-captions.ts';
export { inspectJob, playsEverywhere } from './plan/plan-encode.ts';
export { isConvertible } from './plan/plan-remux.ts';
export { findCaptionsJob, hasAudio, queueCaptions, queueCaptionsIfNone } from './queue-captions.ts';
export type { StepDeps } from './steps/step.ts';
export {
  REMOTE_STEP_KINDS,
  type RunningWorker,
  SITE_STEP_KINDS,
  startWorker,
  type WorkerDeps,
} from './worker.ts';
