/** The only source of randomness of a simulated run, so that its seed determines everything. */

export interface Random {
  /** At least 0, less than 1. */
  next(): number;
  chance(probability: number): boolean;
  /** Of 0 … below - 1. */
  int(below: number): number;
  pick<T>(from: readonly T[]): T;
  /** A value with the form of a UUIDv7. */
  uuid(): string;
  nonce(): string;
}

/** mulberry32: small, fast, and good enough to choose the next fault. */
export function seededRandom(seed: number): Random {
  let state = (seed * 0x9e3779b1 + 0x85ebca6b) >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (below: number): number => Math.floor(next() * below);
  const hex = (digits: number): string => Array.from({ length: digits }, () => int(16).toString(16)).join('');
  return {
    next,
    int,
    chance: probability => next() < probability,
    pick: from => from[int(from.length)]!,
    uuid: () => `${hex(8)}-${hex(4)}-7${hex(3)}-8${hex(3)}-${hex(12)}`,
    nonce: () => hex(22),
  };
}
