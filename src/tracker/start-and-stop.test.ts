/** A start that fails leaves nothing behind, and a stop completes even if one of its steps fails. */
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { trackerConfigSchema } from './config.ts';
import { startTracker } from './tracker.ts';

let directory: string;
let occupied: Server;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-start-'));
  occupied = createServer();
  await new Promise<void>(resolve => occupied.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  await new Promise(resolve => occupied.close(resolve));
  await chmod(directory, 0o700);
  await rm(directory, { recursive: true, force: true });
});

const configOf = (changes: object = {}) =>
  trackerConfigSchema.parse({
    listen: '127.0.0.1:0',
    baseUrl: 'http://127.0.0.1',
    dataDirectory: join(directory, 'data'),
    // No central listens there, so its loops keep retrying.
    central: 'http://127.0.0.1:9',
    joinToken: 'a-join-token-of-some-length',
    operatorToken: 'an-operator-token',
    logLevel: 'silent',
    ...changes,
  });
const occupiedPort = (): { listen: string } => ({
  listen: `127.0.0.1:${(occupied.address() as AddressInfo).port}`,
});

/** Timers, sockets, servers, child processes and file operations of this process. */
const resources = (): readonly string[] =>
  process
    .getActiveResourcesInfo()
    .filter(name => /Timeout|TCP|Server|Process|Pipe|FSReq|FSEvent|StatWatcher/.test(name))
    .sort();

/** Timers and file operations of the test runner end by themselves, so only lasting resources of it are expected. */
async function expectNothingLeft(before: readonly string[]): Promise<void> {
  const lasting = before.filter(name => !/Timeout|FSReq/.test(name));
  await expect.poll(resources, { timeout: 5_000 }).toEqual(lasting);
  const files = await readdir(directory, { recursive: true });
  expect(files.filter(name => /\.(new|tmp|part)$/.test(name))).toEqual([]);
}

describe('a start that fails leaves nothing behind', () => {
  test('if the port is in use', async () => {
    const before = resources();
    await expect(startTracker(configOf(occupiedPort()))).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await expectNothingLeft(before);
  });

  test('if the port is in use and the zone file and the address databases are invalid', async () => {
    const zonesFile = join(directory, 'zones.txt');
    const cityDatabase = join(directory, 'city.mmdb');
    await writeFile(zonesFile, 'rubbish\n');
    await writeFile(cityDatabase, 'rubbish');
    const before = resources();
    const config = configOf({ ...occupiedPort(), zonesFile, cityDatabase, asnDatabase: directory });
    await expect(startTracker(config)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await expectNothingLeft(before);
  });

  test('if the data directory cannot be created', async () => {
    await writeFile(join(directory, 'file'), '');
    const before = resources();
    const config = configOf({ dataDirectory: join(directory, 'file', 'data') });
    await expect(startTracker(config)).rejects.toThrow('cannot be used');
    await expectNothingLeft(before);
  });

  test('if the membership file is damaged', async () => {
    await writeFile(join(directory, 'member.json'), '{');
    const before = resources();
    await expect(startTracker(configOf({ dataDirectory: directory }))).rejects.toThrow();
    await expectNothingLeft(before);
  });
});

describe('an invalid zone file or address database', () => {
  test('does not prevent the start, and the stop releases everything', async () => {
    const zonesFile = join(directory, 'zones.txt');
    const cityDatabase = join(directory, 'city.mmdb');
    await writeFile(zonesFile, 'rubbish\n');
    await writeFile(cityDatabase, 'rubbish');
    const before = resources();
    const tracker = await startTracker(configOf({ zonesFile, cityDatabase }));
    expect((await fetch(`${tracker.url}/healthz`)).status).toBe(200);
    await tracker.stop();
    await expect(fetch(`${tracker.url}/healthz`)).rejects.toThrow();
    await expectNothingLeft(before);
  });
});

test('a stop completes even if the data directory is gone', async () => {
  const before = resources();
  const tracker = await startTracker(configOf());
  await rm(join(directory, 'data'), { recursive: true, maxRetries: 5, retryDelay: 20 });
  await Promise.all([tracker.stop(), tracker.stop()]);
  await expect(fetch(`${tracker.url}/healthz`)).rejects.toThrow();
  await expectNothingLeft(before);
});
