/** Removes old entries from the network memory once a minute. */
import { type Repeating, repeat } from '../../kernel/lifecycle/repeat.ts';
import type { NetworkMemory } from '../memory/network-memory.ts';

const EVERY_MS = 60_000;

export const startSweeping = (memory: Pick<NetworkMemory, 'sweep'>): Repeating =>
  repeat(async () => {
    memory.sweep(Date.now());
    return EVERY_MS;
  });
