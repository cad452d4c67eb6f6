import { chmod, mkdir, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
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
  checkExampleAddresses,
  checkNode,
  checkObjectStore,
  checkPeer,
  checkPort,
  checkPostgres,
  findNamespaceRestriction,
  type Sandbox,
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
    ['18.20.0', 'error'],
    ['20.18.9', 'error'],
    ['20.19.0', 'ok'],
    ['22.1.0', 'ok'],
  ])('%s is %s', (version, verdict) => {
    expect(checkNode(version).verdict).toBe(verdict);
  });
});

describe('a port', () => {
  it('is free, in use by a running part, or in use by another program', async () => {
    const host = '127.0.0.1';
    expect((await checkPort({ host, port: await freePort() })).verdict).toBe('ok');
    const running = await checkPort({ host, port: await startPart() });
    expect(running).toMatchObject({
      verdict: 'ok',
      text: expect.stringContaining('a running part of Tributary'),
    });
    const taken = await checkPort({ host, port: await listen(createHttpServer((_q, a) => a.end('hello'))) });
    expect(taken).toMatchObject({ verdict: 'error', text: expect.stringContaining('another program') });
  });

  it('is in use by a part that serves TLS', async () => {
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
      text: expect.stringContaining('a running part of Tributary'),
    });
  });

  it('is an error if the machine does not have its address', async () => {
    expect((await checkPort({ host: '192.0.2.1', port: await freePort() })).verdict).toBe('error');
  });
});

describe('a PostgreSQL database', () => {
  it('is unreachable, and the finding does not reveal its password', async () => {
    const found = await checkPostgres(`postgres://me:secret@127.0.0.1:${await freePort()}/videos`);
    expect(found).toMatchObject({ verdict: 'error', text: expect.stringContaining('videos at 127.0.0.1') });
    expect(found.text).toContain('refuses connections');
    expect(JSON.stringify(found)).not.toContain('secret');
  });
});

describe('a data directory', () => {
  it('is measured without a change', async () => {
    const found = await checkDirectory(join(directory, 'not', 'yet'), 1);
    expect(found).toMatchObject({
      verdict: 'ok',
      text: expect.stringMatching(/free, a durable write takes/),
    });
    expect(await readdir(directory)).toEqual([]);
  });

  it('is an error without the space that must stay free', async () => {
    expect(await checkDirectory(directory, 2 ** 60)).toMatchObject({
      verdict: 'error',
      advice: expect.stringContaining('keepFree'),
    });
  });

  it('is an error if it is below a file', async () => {
    await writeFile(join(directory, 'file'), '');
    expect((await checkDirectory(join(directory, 'file', 'data'), 0)).verdict).toBe('error');
  });
});

describe('a database', () => {
  it('is intact, damaged, no database, or missing', async () => {
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
    expect(checkDatabase(path)).toMatchObject({ verdict: 'ok', text: expect.stringContaining('intact') });
    await truncate(path, 3 * 4_096);
    expect(checkDatabase(path).verdict).toBe('error');
    const none = join(directory, 'none.sqlite');
    await writeFile(none, 'this is not a database '.repeat(500));
    expect(checkDatabase(none).verdict).toBe('error');
  });
});

describe('an address', () => {
  it.each([
    'https://video.example.edu',
    'http://example.com:8080',
    'https://media.example',
    '192.0.2.7:443',
    'http://203.0.113.9',
    '[2001:db8::7]:443',
  ])('of an example is an error: %s', address => {
    expect(checkExampleAddresses({ central: address })).toMatchObject([
      { verdict: 'error', text: expect.stringContaining('`central`') },
    ]);
  });
  it.each(['https://video.examples.edu', 'http://10.192.0.2:8080', '192.168.0.2:1', undefined])(
    'that is real is no error: %s',
    address => expect(checkExampleAddresses({ central: address })).toEqual([]),
  );
});

describe('another part', () => {
  it('responds, and the clocks agree', async () => {
    const found = await checkPeer('Central', `http://127.0.0.1:${await startPart()}`);
    expect(found.map(({ verdict }) => verdict)).toEqual(['ok', 'ok']);
  });

  it('is unreachable, or another program', async () => {
    const gone = await checkPeer('Central', `http://127.0.0.1:${await freePort()}`);
    expect(gone).toMatchObject([{ verdict: 'error', text: expect.stringContaining('refuses connections') }]);
    const other = createHttpServer((_q, answer) => answer.writeHead(404).end());
    const found = await checkPeer('Central', `http://127.0.0.1:${await listen(other)}`);
    expect(found).toMatchObject([{ verdict: 'error', text: expect.stringContaining('404') }]);
  });

  it.each([
    [0, 'ok'],
    [5_000, 'warning'],
    [-5_000, 'warning'],
    [86_400_000, 'error'],
  ])('with a clock offset of %i ms gives: %s', (offsetMs, verdict) => {
    const there = Date.parse('2026-01-01T00:00:00Z');
    const [found] = checkClock(new Date(there).toUTCString(), there + 500 + offsetMs, 'Central');
    expect(found?.verdict).toBe(verdict);
    if (offsetMs === 86_400_000) expect(found?.text).toContain('86400.0 s ahead');
  });
});

const TOKEN = '0f3c9ab27d514e8610ff';

describe('the report', () => {
  const run = async (
    read: () => PartSettings,
    {
      part = 'site',
      sandbox = { isolation: 'bubblewrap', hasLimits: true },
      ffprobe = '/usr/bin/ffprobe',
    }: { part?: 'site' | 'tracker'; sandbox?: Sandbox; ffprobe?: string } = {},
  ): Promise<{ errors: number; text: string }> => {
    const lines: string[] = [];
    const errors = await runDoctor({
      parts: [{ part, read }],
      nodeVersion: '20.19.0',
      environment: process.env,
      findSandbox: async () => sandbox,
      findFfprobe: async () => ffprobe,
      print: line => lines.push(line),
    });
    return { errors, text: lines.join('\n') };
  };

  it('counts the errors', async () => {
    await mkdir(join(directory, 'data'));
    const settings = {
      listen: { host: '127.0.0.1', port: await freePort() },
      dataDirectory: join(directory, 'data'),
      databasePath: join(directory, 'data', 'site.sqlite'),
    };
    expect((await run(() => settings)).errors).toBe(0);
    const lost = await run(() => ({ ...settings, central: 'http://127.0.0.1:1', joinToken: TOKEN }));
    expect(lost).toMatchObject({ errors: 1, text: expect.stringContaining('✗ Central') });
  });

  it('says whether a member has joined, and how it can join', async () => {
    const settings = {
      listen: { host: '127.0.0.1', port: await freePort() },
      dataDirectory: directory,
      central: `http://127.0.0.1:${await startPart()}`,
    };
    const withToken = () => ({ ...settings, joinToken: TOKEN });
    expect(await run(() => settings, { part: 'tracker' })).toMatchObject({
      errors: 1,
      text: expect.stringMatching(/✗ It has not joined central, and no `joinToken` is set.*\n.*"New token"/),
    });
    expect(await run(withToken, { part: 'tracker' })).toMatchObject({
      errors: 0,
      text: expect.stringContaining('✓ It will join central at its first start.'),
    });
    await writeFile(join(directory, 'member.key'), '');
    expect(await run(withToken, { part: 'tracker' })).toMatchObject({
      errors: 1,
      text: expect.stringMatching(/✗ It has started, but has not joined central.*\n.*"New token"/),
    });
    await writeFile(join(directory, 'member.json'), '{"id":"a"}');
    expect(await run(withToken, { part: 'tracker' })).toMatchObject({
      errors: 0,
      text: expect.stringContaining('✓ It has joined central.'),
    });
  });

  it('names the part of another configuration that uses the port', async () => {
    const port = await startPart();
    const settings = { listen: { host: '127.0.0.1', port }, dataDirectory: directory };
    expect(await run(() => settings, { part: 'tracker' })).toMatchObject({
      errors: 1,
      text: expect.stringContaining(`✗ 127.0.0.1:${port} is in use by the site of another configuration.`),
    });
    expect((await run(() => settings)).errors).toBe(0);
  });

  it('does not expect its own address to respond while the part is stopped', async () => {
    const baseUrl = `http://127.0.0.1:${await freePort()}`;
    const stopped = { host: '127.0.0.1', port: await freePort() };
    expect((await run(() => ({ listen: stopped, dataDirectory: directory, baseUrl }))).text).not.toContain(
      'Its own address',
    );
    const running = { host: '127.0.0.1', port: await startPart() };
    expect((await run(() => ({ listen: running, dataDirectory: directory, baseUrl }))).text).toContain(
      '! Its own address',
    );
  });

  it('warns about a missing ffprobe', async () => {
    const settings = { listen: { host: '127.0.0.1', port: await freePort() }, dataDirectory: directory };
    expect((await run(() => settings, { ffprobe: '' })).text).toContain('! There is no ffprobe');
    expect((await run(() => settings)).text).toContain('✓ ffprobe: /usr/bin/ffprobe.');
  });

  it.each([
    [0o600, '✓ FILE: only you can read it.'],
    [0o640, '✓ FILE: only you and its group can read it.'],
    [0o644, '! FILE: everyone on this machine can read'],
  ])('says who can read a configuration of mode %i', async (mode, expected) => {
    const configPath = join(directory, 'site.toml');
    await writeFile(configPath, '');
    await chmod(configPath, mode);
    const lines: string[] = [];
    await runDoctor({
      parts: [],
      configPath,
      nodeVersion: '20.19.0',
      environment: {},
      findSandbox: async () => ({ isolation: 'bubblewrap', hasLimits: true }),
      findFfprobe: async () => undefined,
      print: line => lines.push(line),
    });
    expect(lines.join('\n')).toContain(expected.replace('FILE', configPath));
  });

  it('checks ffmpeg and its sandbox only if there is a site', async () => {
    const settings = {
      listen: { host: '127.0.0.1', port: await freePort() },
      dataDirectory: directory,
    };
    expect((await run(() => settings)).text).toContain(
      '✓ ffmpeg is sandboxed (bubblewrap) with resource limits.',
    );
    const open = await run(() => settings, { sandbox: { isolation: 'none', hasLimits: true } });
    expect(open).toMatchObject({ errors: 0, text: expect.stringContaining('apt-get install bubblewrap') });
    expect((await run(() => settings, { part: 'tracker' })).text).not.toContain('ffmpeg');
  });

  it('shows the AppArmor profile that lets bubblewrap work, if AppArmor prevents it', async () => {
    const settings = { listen: { host: '127.0.0.1', port: await freePort() }, dataDirectory: directory };
    const restricted = { isolation: 'none', hasLimits: true, isRestricted: true };
    const { text } = await run(() => settings, { sandbox: restricted });
    expect(text).toContain('→ AppArmor does not let bubblewrap create user namespaces.');
    expect(text).toContain('      profile bwrap /usr/bin/bwrap flags=(unconfined) {\n        userns,');
    // Where the sandbox works, the restriction does not matter.
    const works = await run(() => settings, { sandbox: { ...restricted, isolation: 'bubblewrap' } });
    expect(works.text).not.toContain('AppArmor');
  });

  it.each([
    ['1\n', true],
    ['0\n', false],
    [undefined, false],
  ])('reads the restriction of the kernel: %j', async (content, expected) => {
    const path = join(directory, 'restriction');
    if (content !== undefined) await writeFile(path, content);
    expect(await findNamespaceRestriction(path)).toBe(expected);
  });

  it('lists the errors of a configuration', async () => {
    const faulty = await run(() => {
      throw new ConfigError('it has an error');
    });
    expect(faulty).toMatchObject({ errors: 1, text: expect.stringContaining('✗ it has an error') });
  });
});

describe('an object store', () => {
  const place = { endpoint: 'https://s3.example', bucket: 'media' };
  it('that works is reported so', async () => {
    expect(await checkObjectStore({ ...place, test: async () => {} })).toEqual({
      verdict: 'ok',
      text: 'The object store https://s3.example (bucket media) stores, returns and deletes files.',
    });
  });

  it('that does not work is an error that names the settings', async () => {
    const test = () => Promise.reject(new Error('AccessDenied'));
    expect(await checkObjectStore({ ...place, test })).toMatchObject({
      verdict: 'error',
      text: expect.stringContaining('cannot be used: AccessDenied.'),
      advice: expect.stringContaining('pathStyle = false'),
    });
  });
});
