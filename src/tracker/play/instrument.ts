/** Counts how each answer to a player ended: `ok`, or the code of its problem. */
import { Counter, type Registry as Metrics } from 'prom-client';
import { Problem } from '../../kernel/problem.ts';

export type AnswerKind = 'json' | 'hls' | 'dash' | 'relay' | 'redirect' | 'steering';
export type Counted = <T>(kind: AnswerKind, run: () => T) => T;

export function createCounted(metrics: Metrics): Counted {
  /** What went well, and is not yet in the counter: to count there takes longer than to find a video. */
  const well = new Map<AnswerKind, number>();
  const played = new Counter({
    name: 'tributary_play_responses_total',
    help: 'Answers to play requests.',
    labelNames: ['kind', 'outcome'],
    registers: [metrics],
    collect() {
      for (const [kind, count] of well) this.inc({ kind, outcome: 'ok' }, count);
      well.clear();
    },
  });
  const countWell = (kind: AnswerKind): void => void well.set(kind, (well.get(kind) ?? 0) + 1);
  const codeOf = (error: unknown): string => (error instanceof Problem ? error.code : 'internal');
  return (kind, run) => {
    try {
      const answer = run();
      if (answer instanceof Promise) {
        answer.then(
          () => countWell(kind),
          error => played.inc({ kind, outcome: codeOf(error) }),
        );
      } else {
        countWell(kind);
      }
      return answer;
    } catch (error) {
      played.inc({ kind, outcome: codeOf(error) });
      throw error;
    }
  };
}
