/** Counts the responses to players by their outcome: `ok`, or the code of the problem. */
import { Counter, type Registry as Metrics } from 'prom-client';
import { Problem } from '../../kernel/problem.ts';

export type ResponseKind = 'json' | 'hls' | 'dash' | 'relay' | 'redirect' | 'steering';

export interface Instrument {
  /** Runs `work` and counts its outcome. */
  count<T>(kind: ResponseKind, work: () => T): T;
  succeeded(kind: ResponseKind): void;
  failed(kind: ResponseKind, error: unknown): void;
}

export function createInstrument(metrics: Metrics): Instrument {
  /** Successes that are not in the counter yet: incrementing the counter takes longer than finding a video. */
  const pending = new Map<ResponseKind, number>();
  const responses = new Counter({
    name: 'tributary_play_responses_total',
    help: 'Responses to players, by kind and outcome.',
    labelNames: ['kind', 'outcome'],
    registers: [metrics],
    collect() {
      for (const [kind, count] of pending) this.inc({ kind, outcome: 'ok' }, count);
      pending.clear();
    },
  });
  const succeeded = (kind: ResponseKind): void => void pending.set(kind, (pending.get(kind) ?? 0) + 1);
  const failed = (kind: ResponseKind, error: unknown): void =>
    responses.inc({ kind, outcome: error instanceof Problem ? error.code : 'internal' });
  return {
    succeeded,
    failed,
    count(kind, work) {
      try {
        const result = work();
        if (result instanceof Promise) {
          result.then(
            () => succeeded(kind),
            error => failed(kind, error),
          );
        } else {
          succeeded(kind);
        }
        return result;
      } catch (error) {
        failed(kind, error);
        throw error;
      }
    },
  };
}
