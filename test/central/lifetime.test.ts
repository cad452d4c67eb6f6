/** A start of central that fails leaves nothing behind, and a stop completes even if one of its steps fails. */
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startCentral } from '../../src/central/central.ts';
import { type CentralConfig, centralConfigSchema } from '../../src/central/config.ts';
import { Links } from '../../src/central/site-reader/links.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { ENGINE, makeDatabase, type TestDatabase } from '../support/postgres/databases.ts';
import { makeTemporaryDirectory, removeDirectory } from '../support/temporary-directory.ts';

let directory: string;
let database: TestDatabase;
let port: number;
beforeEach(async () => {
  directory = await makeTemporaryDirectory('central-lifetime');
  database = await makeDatabase();
  port = await freePort();
});
afterEach(async () => {
  await database.drop();
  await removeDirectory(directory);
});

const config = (changes: Record<string, unknown> = {}): CentralConfig =>
  centralConfigSchema.parse({
    dataDirectory: directory,
    listen: `127.0.0.1:${port}`,
    operatorToken: 'a-token-for-this-test',
    ...(ENGINE === 'postgres' ? { database: database.place } : {}),
    ...changes,
  });
const start = (changes?: Record<string, unknown>) => startCentral(config(changes), { log: silentLog });

/** Sockets, servers and timers that keep this process running. */
const openResources = (): string[] =>
  process.getActiveResourcesInfo().filter(name => /^(TCP|Timeout|FS)/.test(name));
const expectNothingLeft = async (before: readonly string[]): Promise<void> => {
  await eventually('everything is released', () => openResources().length <= before.length);
};

const listen = (): Promise<Server> =>
  new Promise(resolve => {
    const server = createServer().listen(port, '127.0.0.1', () => resolve(server));
  });

describe('a start that fails', () => {
  it('releases everything when its port is in use, and succeeds once the port is free', async () => {
    const other = await listen();
    expect((other.address() as AddressInfo).port).toBe(port);
    const before = openResources();
    await expect(start()).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await expectNothingLeft(before);
    await new Promise(resolve => other.close(resolve));
    const central = await start();
    await central.stop();
  });

  it('releases everything when its database is unusable', async () => {
    const before = openResources();
    if (ENGINE === 'postgres') {
      await expect(start({ database: 'postgres://a:b@127.0.0.1:1/none' })).rejects.toThrow(/Could not open/);
    } else {
      await writeFile(join(directory, 'central.sqlite'), 'this is not a database '.repeat(500));
      await expect(start()).rejects.toThrow(/central\.sqlite/);
    }
    await expectNothingLeft(before);
  });

  it('releases everything when its key is unreadable', async () => {
    await writeFile(join(directory, 'central.key'), 'no key');
    const before = openResources();
    await expect(start()).rejects.toThrow();
    await expectNothingLeft(before);
  });

  it('releases everything when the database belongs to a central with another key', async () => {
    const key = join(directory, 'central.key');
    await (await start()).stop();
    await mkdir(join(directory, 'backup'));
    await copyFile(key, join(directory, 'backup', 'central.key'));
    await rm(key);
    const before = openResources();
    await expect(start()).rejects.toThrow(`a key other than ${key}. Copy central.key from`);
    await expectNothingLeft(before);
    await copyFile(join(directory, 'backup', 'central.key'), key);
    await (await start()).stop();
  });
});

describe('a stop', () => {
  it('completes although one step fails, and frees the port', async () => {
    const before = openResources();
    const central = await start();
    const close = vi.spyOn(Links.prototype, 'close').mockImplementationOnce(() => {
      throw new Error('this step fails');
    });
    await Promise.all([central.stop(), central.stop()]);
    expect(close).toHaveBeenCalledOnce();
    close.mockRestore();
    await expectNothingLeft(before);
    const server = await listen();
    await new Promise(resolve => server.close(resolve));
  });
});
