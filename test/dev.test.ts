/** `npm run dev`: a change of a source restarts the part; an error in a source does not end it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { watchAndRestart } from '../scripts/watch-and-restart.mjs';

let directory: string;
let stop: (() => Promise<void>) | undefined;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tributary-dev-'));
});
afterEach(async () => {
  await stop?.();
  rmSync(directory, { recursive: true, force: true });
});

/** A program that appends its version to a file when it starts, and "end" when it receives a stop signal. */
const program = (version: string): string => `
  import { appendFileSync } from 'node:fs';
  const log = text => appendFileSync(process.argv[2], text + ' ');
  log('${version}');
  const timer = setInterval(() => {}, 1_000);
  process.on('SIGTERM', () => { log('end'); clearInterval(timer); });
`;

it('stops the old program and starts the new one after a change', async () => {
  const [source, log] = [join(directory, 'program.ts'), join(directory, 'log')];
  writeFileSync(source, program('first'));
  writeFileSync(log, '');
  const printed: string[] = [];
  const waitFor = (text: string) =>
    vi.waitFor(() => expect(readFileSync(log, 'utf8').trim()).toBe(text), { timeout: 20_000 });
  stop = await watchAndRestart({
    buildOptions: {
      entryPoints: [source],
      outfile: join(directory, 'program.mjs'),
      platform: 'node',
      format: 'esm',
      logLevel: 'silent',
    },
    args: [join(directory, 'program.mjs'), log],
    print: line => printed.push(line),
  });
  await waitFor('first');

  writeFileSync(source, 'this is not TypeScript');
  await vi.waitFor(() => expect(printed).toContain('build failed; waiting for a change'), {
    timeout: 20_000,
  });
  expect(readFileSync(log, 'utf8').trim()).toBe('first');

  writeFileSync(source, program('second'));
  await waitFor('first end second');
  await stop();
  stop = undefined;
  expect(readFileSync(log, 'utf8').trim()).toBe('first end second end');
});

it.each([
  { args: [], status: 0 },
  { args: ['--help'], status: 0 },
  { args: ['buffer'], status: 2 },
  { args: ['ui', 'tracker'], status: 2 },
])('prints its usage for $args', ({ args, status }) => {
  const run = spawnSync(process.execPath, ['scripts/dev.mjs', ...args], { encoding: 'utf8' });
  expect([run.status, run.stdout]).toEqual([status, expect.stringContaining('Usage: npm run dev -- PART')]);
});
