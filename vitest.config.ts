import { defineConfig } from 'vitest/config';

/** What keeps something in a database: these suites run on both engines. */
const ON_DATABASES = [
  'src/kernel/sql/sql.test.ts',
  'src/kernel/sql/rows.test.ts',
  'src/central/**/*.test.ts',
  'test/central/*.test.ts',
  'src/site/database/**/*.test.ts',
  'test/readers/*.test.ts',
];
/** Real browsers, encoders and promises in seconds on a busy machine: CI gives each test a second try. */
const retry = process.env.CI ? 1 : 0;
/** Two files at once: they wait for half of their time, for encoders, disks and each other's answers. */
const unit = { testTimeout: 60_000, hookTimeout: 60_000, retry, maxWorkers: 2 };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'test/*.test.ts', 'test/{central,site,readers}/*.test.ts'],
          // One project after another: end-to-end tests hold promises in seconds, and want the machine for themselves.
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
          // A clock of its own: nothing in it takes time but computing.
          maxWorkers: 2,
          sequence: { groupOrder: 3 },
          testTimeout: 180_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 240_000,
          fileParallelism: false,
          retry,
          sequence: { groupOrder: 2 },
          globalSetup: ['test/support/postgres/global.ts'],
        },
      },
    ],
  },
});
