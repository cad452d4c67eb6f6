/** `npm run players`: six players, three faults, four minutes on a quiet machine. Not among the tests of every change. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['test/players/*.test.ts'], testTimeout: 300_000, hookTimeout: 300_000 },
});
