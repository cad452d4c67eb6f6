/** `npm run players`: four players in two settings each and our own page, three faults, a quarter of an hour. Not among the tests of every change. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['test/players/*.test.ts'], testTimeout: 300_000, hookTimeout: 300_000 },
});
