/** Time as a thing that is passed in, so that the simulation of the publication protocol can hold it in its hand. */

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Runs `work` once, `ms` later. Returns what calls it off. */
  after(ms: number, work: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, work) {
    const timer = setTimeout(work, ms);
    return () => clearTimeout(timer);
  },
};
