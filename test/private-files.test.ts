/** Other users of a machine cannot read the data of a part: directories have mode 0700, and databases, keys and settings 0600. */
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startCentral } from '../src/central/central.ts';
import { centralConfigSchema } from '../src/central/config.ts';
import { checkAccess, checkConfigAccess } from '../src/doctor/checks.ts';
import { silentLog } from '../src/kernel/log.ts';
import { siteConfigSchema } from '../src/site/config.ts';
import { startSite } from '../src/site/start.ts';
import { trackerConfigSchema } from '../src/tracker/config.ts';
import { startTracker } from '../src/tracker/tracker.ts';
import { freePort } from './support/free-port.ts';
import { makeTemporaryDirectory, removeDirectory } from './support/temporary-directory.ts';

const TOKEN = 'operator-token-of-this-test';
let directory: string;
beforeEach(async () => {
  directory = await makeTemporaryDirectory('private-files');
});
afterEach(() => removeDirectory(directory));

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

const PARTS: Readonly<Record<string, (dataDirectory: string) => Promise<{ stop(): Promise<void> }>>> = {
  central: dataDirectory =>
    startCentral(centralConfigSchema.parse({ listen: '127.0.0.1:0', dataDirectory, operatorToken: TOKEN }), {
      log: silentLog,
    }),
  tracker: async dataDirectory =>
    startTracker(
      trackerConfigSchema.parse({
        listen: `127.0.0.1:${await freePort()}`,
        baseUrl: 'http://127.0.0.1:9',
        central: 'http://127.0.0.1:9',
        dataDirectory,
        operatorToken: TOKEN,
        logLevel: 'silent',
      }),
    ),
  site: dataDirectory =>
    startSite(
      siteConfigSchema.parse({
        name: 'a',
        listen: '127.0.0.1:0',
        baseUrl: 'http://127.0.0.1:9',
        sourceAddress: '127.0.0.1:9',
        dataDirectory,
        operatorToken: TOKEN,
        logLevel: 'silent',
        workers: 0,
      }),
      { uiDirectory: '/nonexistent', prepareWorker: new URL('file:///nonexistent.js') },
    ),
};

it.each(Object.keys(PARTS))('%s keeps its data to itself, also that of an earlier version', async part => {
  const data = join(directory, 'data');
  mkdirSync(data);
  chmodSync(data, 0o755);
  writeFileSync(join(data, 'earlier.sqlite'), '');
  chmodSync(join(data, 'earlier.sqlite'), 0o644);
  const running = await (PARTS[part] ?? expect.fail())(data);
  expect(modeOf(data)).toBe('700');
  const files = readdirSync(data, { withFileTypes: true }).filter(entry => entry.isFile());
  expect(files.length).toBeGreaterThan(1);
  for (const { name } of files) expect([name, modeOf(join(data, name))]).toEqual([name, '600']);
  await running.stop();
});

it('doctor reports what others can read', async () => {
  const config = join(directory, 'tributary.toml');
  writeFileSync(config, '');
  for (const [mode, verdict] of [
    [0o600, 'ok'],
    [0o640, 'ok'],
    [0o644, 'warning'],
  ] as const) {
    chmodSync(config, mode);
    expect(await checkConfigAccess(config)).toMatchObject([{ verdict }]);
  }
  for (const [mode, verdict] of [
    [0o700, 'ok'],
    [0o750, 'warning'],
    [0o755, 'warning'],
  ] as const) {
    chmodSync(directory, mode);
    expect(await checkAccess(directory)).toMatchObject([{ verdict }]);
  }
  chmodSync(directory, 0o700);
  expect(await checkAccess(join(directory, 'none'))).toEqual([]);
});
