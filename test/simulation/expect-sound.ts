/** Runs a slice of the seeds, so that slices can run in parallel. */
import { describe, expect, it } from 'vitest';
import { simulate } from './simulate.ts';

const SEEDS_A_TEST = 100;

export function expectSound(from: number, seeds: number): void {
  describe('publication under faults', () => {
    for (let first = from; first < from + seeds; first += SEEDS_A_TEST) {
      it(`seeds ${first} to ${first + SEEDS_A_TEST - 1}`, async () => {
        for (let seed = first; seed < first + SEEDS_A_TEST; seed++) {
          const { violation, history } = await simulate(seed);
          expect(
            violation,
            `npm run simulate -- --from ${seed} --seeds 1\n${history.join('\n')}`,
          ).toBeUndefined();
        }
      });
    }
  });
}
