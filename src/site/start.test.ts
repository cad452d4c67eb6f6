/** A failed start leaves nothing open, whichever form the site has; and a stop completes although a step of it fails. */
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Kysely } from 'kysely';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { eventually } from '../../test/support/eventually.ts';
import { freePort } from '../../test/support/free-port.ts';
import { ENGINE, makeDatabase } from '../../test/support/postgres/databases.ts';
import { makeTemporaryDirectory, removeDirectory } from '../../test/support/temporary-directory.ts';
import { readIdentity } from '../kernel/membership/member.ts';
import { RightsState } from '../kernel/rights/rights-state.ts';
import type { RunningSite } from './compose/running-site.ts';
import { siteConfigSchema } from './config.ts';
import { startStandaloneWorker } from './standalone/standalone-worker.ts';
import { startSite } from './start.ts';

const FILES = { uiDirectory: '/nonexistent', prepareWorker: new URL('file:///nonexistent.js') };
const UNREACHABLE_DATABASE = 'postgres://nobody@127.0.0.1:9/nothing';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

let directory: string;
let dataDirectory: string;
let before: Resources;

beforeEach(async () => {
  directory = await makeTemporaryDirectory('start');
  dataDirectory = join(directory, 'data');
  before = listResources();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await removeDirectory(directory);
});

interface Resources {
  /** Sockets, timers, workers and child processes of this process, by their kind. */
  readonly counts: Readonly<Record<string, number>>;
  /** Open files in the directory of the test. */
  readonly files: readonly string[];
}

function listResources(): Resources {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) {
    // Requests to the file system end by themselves.
    if (!kind.startsWith('FSReq')) counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return { counts, files: openFiles() };
}

function openFiles(): readonly string[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc/self/fd').flatMap(fd => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(`${directory}/`) ? [path] : [];
    } catch {
      return [];
    }
  });
}

const expectNothingOpen = (): Promise<unknown> =>
  eventually('everything is closed', () => {
    // On Node 20 the engine closes a database file when the last statement has been collected.
    collectGarbage();
    const { counts, files } = listResources();
    const left = Object.entries(counts).filter(([kind, count]) => count > (before.counts[kind] ?? 0));
    if (left.length > 0 || files.length > 0) throw new Error(JSON.stringify({ left, files }));
    return true;
  });

const configure = (settings: object = {}) =>
  siteConfigSchema.parse({
    name: 'Test',
    listen: '127.0.0.1:0',
    baseUrl: 'http://127.0.0.1:9',
    sourceAddress: '127.0.0.1:9',
    dataDirectory,
    operatorToken: 'operator-token-of-these-tests',
    logLevel: 'silent',
    workers: 0,
    ...settings,
  });

const start = (settings?: object): Promise<RunningSite> => startSite(configure(settings), FILES);

async function expectToStart(settings?: object): Promise<void> {
  const site = await start(settings);
  await site.stop();
  await expectNothingOpen();
}

/** Runs `work` while another server uses the port. */
async function withPortInUse(work: (address: string) => Promise<void>): Promise<void> {
  const port = await freePort();
  const server = await new Promise<Server>(resolve => {
    const listening = createServer().listen(port, '127.0.0.1', () => resolve(listening));
  });
  before = listResources();
  await work(`127.0.0.1:${port}`);
  await new Promise(resolve => server.close(resolve));
  before = listResources();
}

describe('a start that fails leaves nothing open, and the next one succeeds', () => {
  it('if its port is in use', async () => {
    let settings = {};
    await withPortInUse(async listen => {
      settings = { listen };
      await expect(start(settings)).rejects.toMatchObject({ code: 'EADDRINUSE' });
      await expectNothingOpen();
    });
    await expectToStart(settings);
  });

  it('if the port of its origin is in use', async () => {
    let settings = {};
    await withPortInUse(async originListen => {
      settings = { originListen };
      await expect(start(settings)).rejects.toMatchObject({ code: 'EADDRINUSE' });
      await expectNothingOpen();
    });
    await expectToStart(settings);
  });

  it('if its database is unavailable', async () => {
    await expect(start({ database: UNREACHABLE_DATABASE })).rejects.toThrow(
      'Could not open the PostgreSQL database',
    );
    await expectNothingOpen();
    await expectToStart();
  });

  it('if its certificate is invalid', async () => {
    const [tlsCertificate, tlsKey] = [join(directory, 'a.pem'), join(directory, 'a.key')];
    for (const path of [tlsCertificate, tlsKey]) writeFileSync(path, 'not PEM');
    await expect(start({ tlsCertificate, tlsKey })).rejects.toThrow(/certificate/);
    await expectNothingOpen();
    await expectToStart();
  });

  it('if its disk cannot be used', async () => {
    writeFileSync(dataDirectory, 'a file instead of a directory');
    await expect(start()).rejects.toThrow();
    await expectNothingOpen();
    rmSync(dataDirectory);
    await expectToStart();
  });

  it('if its data directory or a disk is in a file system of the kernel', async () => {
    await expect(start({ dataDirectory: '/proc/tributary' })).rejects.toThrow('where no files can be stored');
    await expect(start({ disks: ['/sys/tributary'] })).rejects.toThrow('where no files can be stored');
    await expectNothingOpen();
    await expectToStart();
  });

  it('if its rights cannot be read', async () => {
    mkdirSync(dataDirectory);
    writeFileSync(join(dataDirectory, 'rights.json'), '{');
    await expect(start()).rejects.toThrow('rights.json');
    await expectNothingOpen();
    rmSync(join(dataDirectory, 'rights.json'));
    await expectToStart();
  });

  it('if its database is damaged and its port is in use, too', async () => {
    mkdirSync(dataDirectory);
    writeFileSync(join(dataDirectory, 'site.sqlite'), 'no database '.repeat(1_000));
    let settings = {};
    await withPortInUse(async listen => {
      settings = { listen };
      await expect(start(settings)).rejects.toMatchObject({ code: 'EADDRINUSE' });
      await expectNothingOpen();
    });
    const site = await start(settings);
    expect(await (await fetch(`${site.url}/api/site`)).json()).toMatchObject({ code: 'site-read-only' });
    await site.stop();
    await expectNothingOpen();
  });
});

describe('a standalone buffer that fails to start leaves nothing open', () => {
  const parts = { parts: ['buffer'], originUrl: 'http://127.0.0.1:9', webUrl: 'http://127.0.0.1:9' };

  it('if its port is in use', async () => {
    let settings = {};
    await withPortInUse(async listen => {
      settings = { ...parts, listen };
      await expect(start(settings)).rejects.toMatchObject({ code: 'EADDRINUSE' });
      await expectNothingOpen();
    });
    await expectToStart(settings);
  });

  it('if its rights cannot be read', async () => {
    mkdirSync(dataDirectory);
    writeFileSync(join(dataDirectory, 'buffer-rights.json'), '{');
    await expect(start(parts)).rejects.toThrow('buffer-rights.json');
    await expectNothingOpen();
    rmSync(join(dataDirectory, 'buffer-rights.json'));
    await expectToStart(parts);
  });
});

describe('a standalone origin that fails to start leaves nothing open', () => {
  beforeEach(async () => {
    await readIdentity(dataDirectory);
    await RightsState.open(join(dataDirectory, 'rights.json')).save();
  });

  it('if its database is unavailable', async () => {
    await expect(start({ parts: ['origin'], database: UNREACHABLE_DATABASE })).rejects.toThrow(
      'Could not open the PostgreSQL database',
    );
    await expectNothingOpen();
  });

  // Not `skipIf`, because tests of the other engine must not count as skipped.
  if (ENGINE === 'postgres') {
    it('if its port is in use', async () => {
      expect(inject('postgresUrl')).toBeDefined();
      const database = await makeDatabase();
      await withPortInUse(async originListen => {
        const settings = { parts: ['origin'], database: database.place, originListen };
        await expect(start(settings)).rejects.toMatchObject({ code: 'EADDRINUSE' });
        await expectNothingOpen();
      });
      await expectToStart({ parts: ['origin'], database: database.place });
      await database.drop();
    });
  }
});

it('a worker that fails to start leaves nothing open', async () => {
  mkdirSync(dataDirectory);
  await expect(startStandaloneWorker(configure({ database: UNREACHABLE_DATABASE }), FILES)).rejects.toThrow();
  await expectNothingOpen();
  const worker = await startStandaloneWorker(configure(), FILES);
  await worker.stop();
  await expectNothingOpen();
});

describe('a stop', () => {
  it('completes although a step of it fails, and runs the others', async () => {
    const listen = `127.0.0.1:${await freePort()}`;
    const site = await start({ listen });
    const destroy = vi.spyOn(Kysely.prototype, 'destroy').mockRejectedValueOnce(new Error('no'));
    const save = vi.spyOn(RightsState.prototype, 'save').mockRejectedValue(new Error('no'));
    await site.stop();
    expect(destroy).toHaveBeenCalledOnce();
    save.mockRestore();
    // The port and the database can be used again.
    const again = await start({ listen });
    expect(await (await fetch(`${again.url}/healthz`)).text()).toBeTruthy();
    await again.stop();
  });

  it('leaves nothing open, and its identity stays', async () => {
    await expectToStart();
    const key = readFileSync(join(dataDirectory, 'member.key'), 'utf8');
    await expectToStart();
    expect(readFileSync(join(dataDirectory, 'member.key'), 'utf8')).toBe(key);
  });
});
