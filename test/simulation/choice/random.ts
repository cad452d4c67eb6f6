/** Seeded random numbers, so that a run can be reproduced (mulberry32). */
export interface Random {
  /** 0–1 */
  next(): number;
  between(least: number, most: number): number;
  /** Normal distribution with mean 0 and standard deviation 1. */
  normal(): number;
  /** Exponential distribution: the time until an event that occurs every `mean` on average. */
  exponential(mean: number): number;
}

export function createRandom(seed: number): Random {
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    between: (least, most) => least + next() * (most - least),
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    exponential: mean => -mean * Math.log(1 - next()),
  };
}
