import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';

/** Suites that use a database: they run on SQLite in the project `unit` and on PostgreSQL in the project `postgres`. */
const ON_DATABASES = [
  'src/kernel/sql/sql.test.ts',
  'src/kernel/sql/rows.test.ts',
  'src/central/**/*.test.ts',
  'test/central/*.test.ts',
  'src/site/database/**/*.test.ts',
  'src/site/http/studio/studio.test.ts',
  'src/site/start.test.ts',
  'test/readers/*.test.ts',
  'test/site/people.test.ts',
];
/** A busy machine may take seconds for what usually takes milliseconds. */
const PATIENT = { poll: { timeout: 15_000 } };
/** More files at once than cores: on two cores, two files together use only a third of the time for computing. */
const unit = { testTimeout: 60_000, hookTimeout: 60_000, maxWorkers: 3, expect: PATIENT };
const endToEnd = {
  expect: PATIENT,
  testTimeout: 180_000,
  hookTimeout: 240_000,
  globalSetup: ['test/support/postgres/global.ts'],
};
/** End-to-end tests that check limits in seconds, or play in a browser while sites fail: each needs the machine for itself. */
const TIMED = [
  'test/e2e/pages/pages.test.ts',
  'test/e2e/playback/failover.test.ts',
  'test/e2e/playback/growing.test.ts',
  'test/e2e/playback/networks.test.ts',
  'test/e2e/playback/relay.test.ts',
  'test/e2e/publication/time-limits.test.ts',
];

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    // The groups run one after another; the projects of one group share its workers.
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'test/*.test.ts', 'test/{access,central,readers,site}/*.test.ts'],
          sequence: { groupOrder: 0 },
          ...unit,
        },
      },
      {
        test: {
          name: 'postgres',
          include: ON_DATABASES,
          env: { TRIBUTARY_TEST_ENGINE: 'postgres' },
          globalSetup: ['test/support/postgres/global.ts'],
          sequence: { groupOrder: 1 },
          ...unit,
        },
      },
      {
        test: {
          name: 'simulation',
          include: ['test/simulation/*.test.ts'],
          // It only computes, on its own clock, while the tests of `postgres` wait.
          sequence: { groupOrder: 1 },
          testTimeout: 180_000,
          maxWorkers: unit.maxWorkers,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: TIMED,
          maxWorkers: unit.maxWorkers,
          sequence: { groupOrder: 2 },
          ...endToEnd,
        },
      },
      {
        test: {
          name: 'e2e-timed',
          include: TIMED,
          maxWorkers: 1,
          sequence: { groupOrder: 3 },
          ...endToEnd,
        },
      },
    ],
  },
});
