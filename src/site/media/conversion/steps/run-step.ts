/** Runs one step of a job by its kind. */
import { makeCaptions } from './captions-step.ts';
import { encodeChunk } from './encode-step.ts';
import { inspectSource } from './inspect-step.ts';
import { publishChunks } from './publish-step.ts';
import { remux } from './remux-step.ts';
import type { StepDeps, StepRun } from './step.ts';

interface StepResult {
  /** Stored with the step, as JSON. */
  readonly result: unknown;
  /** A record was written. */
  readonly isPublished: boolean;
}

/** @throws any error; the step may be tried again */
export async function runStep(deps: StepDeps, run: StepRun): Promise<StepResult> {
  const { kind } = run.claimed.step;
  switch (kind) {
    case 'encode':
      return { result: await encodeChunk(deps, run), isPublished: false };
    case 'remux':
      return { result: null, isPublished: await remux(deps, run) };
    case 'captions':
      await makeCaptions(deps, run);
      return { result: null, isPublished: false };
    case 'inspect':
      await inspectSource(deps, run);
      return { result: null, isPublished: false };
    case 'publish':
      return { result: null, isPublished: await publishChunks(deps, run) };
    default:
      throw new Error(`this version does not know the step "${kind}"`);
  }
}
