/** Counts how each answer to a player ended: `ok`, or the code of its problem. */
import { Counter, type Registry as Metrics } from 'prom-client';
import { Problem } from '../../kernel/problem.ts';

export type AnswerKind = 'json' | 'hls' | 'dash' | 'relay' | 'redirect' | 'steering';
export type Counted = <T>(kind: AnswerKind, run: () => T) => T;

export function createCounted(metrics: Metrics): Counted {
  const played = new Counter({
    name: 'tributary_play_answers_total',
    help: 'Answers to play requests.',
    labelNames: ['kind', 'outcome'],
    registers: [metrics],
  });
  /** Finding a counter by its labels takes longer than counting. */
  const well = new Map<AnswerKind, Counter.Internal>();
  const countWell = (kind: AnswerKind): void => {
    const counter = well.get(kind) ?? played.labels(kind, 'ok');
    well.set(kind, counter);
    counter.inc();
  };
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
