import { mkdir, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeCertificate } from '../../test/support/certificate.ts';
import { freePort } from '../../test/support/free-port.ts';
import { ConfigError } from '../kernel/config/config-error.ts';
import { requireCertificate } from '../kernel/http/certificate.ts';
import { createHttp } from '../kernel/http/server.ts';
import { silentLog } from '../kernel/log.ts';
import { openDatabase, sql } from '../kernel/sql/sql.ts';
import {
  checkClock,
  checkDatabase,
  checkDirectory,
  checkNode,
  checkPeer,
  checkPort,
  checkPostgres,
  type Room,
} from './checks.ts';
import { type PartSettings, runDoctor } from './doctor.ts';

let directory: string;
const closers: (() => unknown)[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-doctor-'));
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  await rm(directory, { recursive: true, force: true });
});

const listen = (server: Server | HttpServer): Promise<number> =>
  new Promise(resolve => {
    closers.push(() => new Promise(done => server.close(done)));
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
async function startPart(): Promise<number> {
  const { app } = await createHttp({ part: 'site', log: silentLog, ready: () => undefined });
  closers.push(() => app.close());
  await app.listen({ host: '127.0.0.1', port: 0 });
  return (app.server.address() as AddressInfo).port;
}

describe('Node', () => {
  it.each([
    ['18.20.0', 'bad'],
    ['20.18.9', 'bad'],
    ['20.19.0', 'ok'],
    ['22.1.0', 'ok'],
  ])('%s is %s', (version, verdict) => {
    expect(checkNode(version).verdict).toBe(verdict);
  });
});

describe('a port', () => {
  it('is free, in use by a running part, or by something else', async () => {
    const host = '127.0.0.1';
    expect((await checkPort({ host, port: await freePort() })).verdict).toBe('ok');
    const running = await checkPort({ host, port: await startPart() });
    expect(running).toMatchObject({ verdict: 'ok', text: expect.stringContaining('running Tributary') });
    const taken = await checkPort({ host, port: await listen(createHttpServer((_q, a) => a.end('hello'))) });
    expect(taken).toMatchObject({ verdict: 'bad', text: expect.stringContaining('another program') });
  });

  it('of a part that speaks TLS by itself', async () => {
    const certificate = await requireCertificate(makeCertificate(directory));
    const { app } = await createHttp({
      part: 'site',
      log: silentLog,
      ready: () => undefined,
      server: { certificate },
    });
    closers.push(() => app.close());
    await app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = app.server.address() as AddressInfo;
    expect(await checkPort({ host: '127.0.0.1', port }, true)).toMatchObject({
      verdict: 'ok',
      text: expect.stringContaining('running Tributary'),
    });
  });

  it('of an address that this machine has not', async () => {
    expect((await checkPort({ host: '192.0.2.1', port: await freePort() })).verdict).toBe('bad');
  });
});

describe('a database on a server', () => {
  it('is out of reach, and its password is not told', async () => {
    const found = await checkPostgres(`postgres://me:secret@127.0.0.1:${await freePort()}/films`);
    expect(found).toMatchObject({ verdict: 'bad', text: expect.stringContaining('films at 127.0.0.1') });
    expect(found.text).toContain('ECONNREFUSED');
    expect(JSON.stringify(found)).not.toContain('secret');
  });
});

describe('a data directory', () => {
  it('is measured, and left as it was', async () => {
    const found = await checkDirectory(join(directory, 'not', 'yet'), 1);
    expect(found).toMatchObject({
      verdict: 'ok',
      text: expect.stringMatching(/free, a durable write takes/),
    });
    expect(await readdir(directory)).toEqual([]);
  });

  it('without the room that has to stay free', async () => {
    expect(await checkDirectory(directory, 2 ** 60)).toMatchObject({
      verdict: 'bad',
      advice: expect.stringContaining('keepFree'),
    });
  });

  it('that cannot be one', async () => {
    await writeFile(join(directory, 'file'), '');
    expect((await checkDirectory(join(directory, 'file', 'data'), 0)).verdict).toBe('bad');
  });
});

describe('a database', () => {
  it('is sound, damaged, none, or not there yet', async () => {
    const path = join(directory, 'site.sqlite');
    expect(checkDatabase(path).verdict).toBe('ok');
    const db = await openDatabase<{ t: { text: string } }>(path, {});
    await sql`create table t (text text)`.execute(db);
    await db
      .insertInto('t')
      .values(Array.from({ length: 2_000 }, (_, i) => ({ text: `${i}`.repeat(20) })))
      .execute();
    await sql`pragma wal_checkpoint(truncate)`.execute(db);
    await db.destroy();
    expect(checkDatabase(path)).toMatchObject({ verdict: 'ok', text: expect.stringContaining('sound') });
    await truncate(path, 3 * 4_096);
    expect(checkDatabase(path).verdict).toBe('bad');
    const none = join(directory, 'none.sqlite');
    await writeFile(none, 'this is no database '.repeat(500));
    expect(checkDatabase(none).verdict).toBe('bad');
  });
});

describe('another part', () => {
  it('answers, and its clock agrees', async () => {
    const found = await checkPeer('The centre', `http://127.0.0.1:${await startPart()}`);
    expect(found.map(({ verdict }) => verdict)).toEqual(['ok', 'ok']);
  });

  it('is not there, or is no Tributary', async () => {
    const gone = await checkPeer('The centre', `http://127.0.0.1:${await freePort()}`);
    expect(gone).toMatchObject([{ verdict: 'bad', text: expect.stringContaining('ECONNREFUSED') }]);
    const other = createHttpServer((_q, answer) => answer.writeHead(404).end());
    const found = await checkPeer('The centre', `http://127.0.0.1:${await listen(other)}`);
    expect(found).toMatchObject([{ verdict: 'bad', text: expect.stringContaining('404') }]);
  });

  it.each([
    [0, 'ok'],
    [5_000, 'warn'],
    [-5_000, 'warn'],
    [86_400_000, 'bad'],
  ])('whose clock is %i ms off: %s', (offsetMs, verdict) => {
    const there = Date.parse('2026-01-01T00:00:00Z');
    const [found] = checkClock(new Date(there).toUTCString(), there + 500 + offsetMs, 'The centre');
    expect(found?.verdict).toBe(verdict);
    if (offsetMs === 86_400_000) expect(found?.text).toContain('86400.0 s ahead');
  });
});

describe('the whole', () => {
  const run = async (
    read: () => PartSettings,
    {
      part = 'site',
      room = { isolation: 'bubblewrap', hasLimits: true },
    }: { part?: 'site' | 'tracker'; room?: Room } = {},
  ): Promise<{ bad: number; text: string }> => {
    const lines: string[] = [];
    const bad = await runDoctor({
      parts: [{ part, read }],
      nodeVersion: '20.19.0',
      findRoom: async () => room,
      print: line => lines.push(line),
    });
    return { bad, text: lines.join('\n') };
  };

  it('counts what has to be mended', async () => {
    await mkdir(join(directory, 'data'));
    const settings = {
      listen: { host: '127.0.0.1', port: await freePort() },
      dataDirectory: join(directory, 'data'),
      databasePath: join(directory, 'data', 'site.sqlite'),
    };
    expect((await run(() => settings)).bad).toBe(0);
    const lost = await run(() => ({ ...settings, central: 'http://127.0.0.1:1' }));
    expect(lost).toMatchObject({ bad: 1, text: expect.stringContaining('✗ The centre') });
  });

  it('looks at ffmpeg and its room where there is a site, and nowhere else', async () => {
    const settings = {
      listen: { host: '127.0.0.1', port: await freePort() },
      dataDirectory: directory,
    };
    expect((await run(() => settings)).text).toContain('✓ ffmpeg runs in a room of its own (bubblewrap)');
    const open = await run(() => settings, { room: { isolation: 'none', hasLimits: true } });
    expect(open).toMatchObject({ bad: 0, text: expect.stringContaining('apt-get install bubblewrap') });
    expect((await run(() => settings, { part: 'tracker' })).text).not.toContain('ffmpeg');
  });

  it('tells the faults of a configuration', async () => {
    const faulty = await run(() => {
      throw new ConfigError('it has a fault');
    });
    expect(faulty).toMatchObject({ bad: 1, text: expect.stringContaining('✗ it has a fault') });
  });
});
