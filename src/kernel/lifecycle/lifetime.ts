/**
 * The lifetime of a part: every resource it opens is registered here with the function that releases it. A start that fails
 * releases everything it has opened; a stop releases everything, even if one step of it fails or hangs.
 */
import type { Log } from '../log.ts';
import { messageOf } from '../problem.ts';
import { withinLimit } from './time-limit.ts';

/** A step that takes longer is abandoned, so that the steps after it still run. */
const STEP_LIMIT_MS = 10_000;

export interface Lifetime {
  /**
   * Registers `stop` under a name for the log. Steps run in reverse order of their registration. A step that needs more than
   * `limitMs` is abandoned.
   */
  add(name: string, stop: () => unknown, limitMs?: number): void;
  /** Runs every step once and never rejects. A second call returns the promise of the first. */
  stop(): Promise<void>;
}

export interface LifetimeOptions {
  readonly stepLimitMs?: number;
}

export function createLifetime(log: Log, { stepLimitMs = STEP_LIMIT_MS }: LifetimeOptions = {}): Lifetime {
  const steps: { readonly name: string; readonly stop: () => unknown; readonly limitMs: number }[] = [];
  let stopping: Promise<void> | undefined;

  async function stopAll(): Promise<void> {
    // A step may be added while an earlier one runs, by a start that is still running.
    for (let step = steps.pop(); step; step = steps.pop()) {
      const { name, stop, limitMs } = step;
      try {
        await withinLimit(limitMs, undefined, async () => stop());
      } catch (error) {
        log.error({ step: name, reason: messageOf(error) }, 'a step of the stop failed');
      }
    }
  }

  return {
    add(name, stop, limitMs = stepLimitMs) {
      steps.push({ name, stop, limitMs });
    },
    stop() {
      stopping ??= stopAll();
      return stopping;
    },
  };
}

export interface NamedPart {
  /** For the log: "site has stopped". */
  readonly part: string;
  readonly log: Log;
}

/**
 * Runs `start` with a new lifetime and adds `stop` to its result. After the stop of a part that had started, the log says so.
 *
 * @throws the error of `start`, after everything that it registered has been released.
 */
export async function startPart<Started extends object>(
  { part, log }: NamedPart,
  start: (lifetime: Lifetime) => Promise<Started>,
): Promise<Started & { readonly stop: () => Promise<void> }> {
  const lifetime = createLifetime(log);
  let hasStarted = false;
  // Registered first, so it runs last.
  lifetime.add('end of the log', () => hasStarted && log.info({}, `${part} has stopped`));
  try {
    const started = await start(lifetime);
    hasStarted = true;
    return { ...started, stop: lifetime.stop };
  } catch (error) {
    await lifetime.stop();
    throw error;
  }
}
