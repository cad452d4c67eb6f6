/** Counts how each answer to a player ended: `ok`, or the code of its problem. */
import { Counter, type Registry as Metrics } from 'prom-client';
import { Problem } from '../../kernel/problem.ts';

export type AnswerKind = 'json' | 'hls' | 'redirect' | 'steering';
export type Counted = <T>(kind: AnswerKind, run: () => T) => T;

export function createCounted(metrics: Metrics): Counted {
  const played = new Counter({
    name: 'tributary_play_answers_total',
    help: 'Answers to play requests.',
    labelNames: ['kind', 'outcome'],
    registers: [metrics],
  });
  return (kind, run) => {
    let outcome = 'internal';
    try {
      const answer = run();
      outcome = 'ok';
      return answer;
    } catch (error) {
      if (error instanceof Problem) outcome = error.code;
      throw error;
    } finally {
      played.inc({ kind, outcome });
    }
  };
}
