/** The first hour of an operator: what `init` writes and what the admin page shows starts without a change. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { StatusReport } from '../../../src/status/status.ts';
import { formatJoinLines } from '../../../src/ui/admin/sites/join-lines.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/free-port.ts';
import { COMMAND, runProgram } from '../../support/programs.ts';

let directory: string;
const running: ChildProcess[] = [];
const logs = new Map<ChildProcess, string>();
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-first-start-'));
});
afterAll(async () => {
  for (const part of running) part.kill('SIGKILL');
  await rm(directory, { recursive: true, force: true });
});

const tributary = (...args: string[]) => runProgram(process.execPath, [COMMAND, ...args], 20_000);
const readStatus = (file: string): StatusReport =>
  JSON.parse(tributary('status', '--json', '--config', file).stdout) as StatusReport;
const newUrl = async (): Promise<string> => `http://127.0.0.1:${await freePort()}`;
const start = (part: string, file: string): void => {
  const started = spawn(process.execPath, [COMMAND, part, '--config', file], {
    cwd: directory,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  started.stderr
    .setEncoding('utf8')
    .on('data', (text: string) => logs.set(started, (logs.get(started) ?? '') + text));
  running.push(started);
};
/** Stops a part and returns its exit code and the last message of its log. */
async function stop(part: ChildProcess, signal: NodeJS.Signals): Promise<readonly [number | null, string]> {
  const closed = once(part, 'close');
  part.kill(signal);
  await closed;
  const last = JSON.parse(logs.get(part)?.trim().split('\n').at(-1) ?? '') as { msg: string };
  return [part.exitCode, last.msg];
}
const untilReady = (url: string) =>
  eventually('it is ready', async () => (await fetch(`${url}/readyz`)).ok || undefined, 30_000);

it('central, a tracker and a site start with what init and the page give', async () => {
  const central = await newUrl();
  const centralFile = join(directory, 'central.toml');
  const data = join(directory, 'central-data');
  expect(
    tributary('init', 'central', '--base-url', central, '--data-directory', data, '--config', centralFile)
      .status,
  ).toBe(0);
  expect(readStatus(centralFile).parts).toMatchObject([{ part: 'central', state: 'stopped' }]);
  start('central', centralFile);
  await untilReady(central);
  const config = parse(await readFile(centralFile, 'utf8')) as { central: { operatorToken: string } };
  const invite = async (path: string, name: string, baseUrl: string): Promise<string> => {
    const response = await fetch(`${central}${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${config.central.operatorToken}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ name, baseUrl }),
    });
    return ((await response.json()) as { joinToken: string }).joinToken;
  };

  const site = await newUrl();
  const siteFile = join(directory, 'site.toml');
  const joinToken = await invite('/api/sites', 'Hangzhou', site);
  const lines = formatJoinLines(
    { role: 'site', name: 'Hangzhou', baseUrl: site, joinToken, central, member: 'new' },
    { operatorToken: '4f7c0e9ab31d52867f2c', others: [] },
  );
  await writeFile(siteFile, lines);
  start('site', siteFile);

  const tracker = await newUrl();
  const trackerFile = join(directory, 'tracker.toml');
  const options = ['--base-url', tracker, '--central', central, '--join-token'];
  options.push(
    await invite('/api/trackers', 'Tracker', tracker),
    '--data-directory',
    join(directory, 'tracker'),
  );
  expect(tributary('init', 'tracker', ...options, '--config', trackerFile).status).toBe(0);
  start('tracker', trackerFile);
  await Promise.all([untilReady(site), untilReady(tracker)]);

  // The data directory in the lines of the page is relative to the directory of the start.
  const member = join(directory, 'data', `site-127.0.0.1-${new URL(site).port}`, 'member.json');
  await eventually('the site has joined', () => readFile(member, 'utf8').catch(() => undefined), 30_000);
  expect(readStatus(trackerFile)).toMatchObject({
    version: expect.stringMatching(/^\d/),
    parts: [{ part: 'tracker', state: 'ready', joined: central }],
  });
  const status = tributary('status', '--config', siteFile);
  expect([status.status, status.stdout]).toEqual([0, expect.stringContaining('running and ready')]);

  const [centralPart, sitePart, trackerPart] = running;
  if (!centralPart || !sitePart || !trackerPart) throw new Error('a part was not started');
  expect(await stop(trackerPart, 'SIGINT')).toEqual([0, 'tracker has stopped']);
  expect(await stop(sitePart, 'SIGTERM')).toEqual([0, 'site has stopped']);
  expect(await stop(centralPart, 'SIGINT')).toEqual([0, 'central has stopped']);
}, 120_000);
