import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { freePort } from '../../test/support/free-port.ts';
import { ConfigError } from '../kernel/config/config-error.ts';
import { createHttp } from '../kernel/http/server.ts';
import { silentLog } from '../kernel/log.ts';
import { VERSION } from '../kernel/version.ts';
import { findStatus, formatStatus, type PartSettings } from './status.ts';

let dataDirectory: string;
const closers: (() => unknown)[] = [];
beforeEach(async () => {
  dataDirectory = await mkdtemp(join(tmpdir(), 'tributary-status-'));
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  await rm(dataDirectory, { recursive: true, force: true });
});

async function startPart(part: string, missing?: string): Promise<number> {
  const { app } = await createHttp({ part, log: silentLog, ready: () => missing });
  closers.push(() => app.close());
  await app.listen({ host: '127.0.0.1', port: 0 });
  return (app.server.address() as AddressInfo).port;
}

async function statusOf(port: number, settings: Partial<PartSettings> = {}, version = VERSION) {
  const read = (): PartSettings => ({ listen: { host: '127.0.0.1', port }, dataDirectory, ...settings });
  const report = await findStatus([{ part: 'site', read }], version);
  return { status: report.parts[0], text: formatStatus(report).join('\n') };
}

it('a part that runs is ready, with its version, its start and the central that it joined', async () => {
  await writeFile(join(dataDirectory, 'member.json'), '{"centralUrl":"https://central.test"}');
  const port = await startPart('site');
  const { status, text } = await statusOf(port, {
    listen: { host: '0.0.0.0', port },
    central: 'https://central.test',
  });
  expect(status).toMatchObject({
    part: 'site',
    state: 'ready',
    version: VERSION,
    joined: 'https://central.test',
  });
  expect(Date.parse(status?.startedAt ?? '')).toBeGreaterThan(0);
  expect(text).toContain('site  ✓ running and ready');
});

it('a part that is not ready says why', async () => {
  const { status, text } = await statusOf(await startPart('site', 'The catalogue is not loaded yet.'));
  expect(status).toMatchObject({ state: 'not-ready', reason: 'The catalogue is not loaded yet.' });
  expect(text).toContain('  The catalogue is not loaded yet.');
});

it('a part of another version must be restarted', async () => {
  expect((await statusOf(await startPart('site'), {}, '9.9.9')).text).toContain(
    `version ${VERSION}, started`,
  );
  expect((await statusOf(await startPart('site'), {}, '9.9.9')).text).toContain(
    '(installed: 9.9.9; restart this part)',
  );
});

it('a part that does not run is stopped', async () => {
  const { status } = await statusOf(await freePort());
  expect(status).toMatchObject({ state: 'stopped', reason: expect.stringContaining('refuses connections') });
});

it('another part or program on the port is named', async () => {
  expect((await statusOf(await startPart('tracker'))).status).toMatchObject({
    state: 'unknown',
    reason: expect.stringContaining('the tracker of another configuration'),
  });
  const server = createServer((_request, response) => response.end('hello'));
  closers.push(() => server.close());
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  expect((await statusOf((server.address() as AddressInfo).port)).status).toMatchObject({
    state: 'unknown',
    reason: expect.stringContaining('another program'),
  });
});

it('another site on the port is named, by its id, or by its base URL before it has joined', async () => {
  const startSite = async (info: object): Promise<number> => {
    const { app } = await createHttp({ part: 'site', log: silentLog, ready: () => undefined });
    closers.push(() => app.close());
    app.get('/api/site', { schema: { hide: true } }, () => ({
      name: 'Beijing',
      baseUrl: 'http://b.test',
      ...info,
    }));
    await app.listen({ host: '127.0.0.1', port: 0 });
    return (app.server.address() as AddressInfo).port;
  };
  const [joined, unjoined] = [await startSite({ id: 'b' }), await startSite({})];
  const other = {
    state: 'unknown',
    reason: expect.stringContaining('the site "Beijing" (http://b.test) of another configuration'),
  };
  expect((await statusOf(joined, { baseUrl: 'http://a.test' })).status).toMatchObject(other);
  expect((await statusOf(unjoined, { baseUrl: 'http://a.test' })).status).toMatchObject(other);
  expect((await statusOf(unjoined, { baseUrl: 'http://b.test' })).status).toMatchObject({ state: 'ready' });
  await writeFile(join(dataDirectory, 'member.json'), '{"id":"a"}');
  expect((await statusOf(joined, { baseUrl: 'http://b.test' })).status).toMatchObject(other);
  await writeFile(join(dataDirectory, 'member.json'), '{"id":"b"}');
  expect((await statusOf(joined, { baseUrl: 'http://edited.test' })).status).toMatchObject({
    state: 'ready',
  });
});

it('a section with an error is reported', async () => {
  const read = (): never => {
    throw new ConfigError('1 error in site.toml');
  };
  expect(await findStatus([{ part: 'site', read }], VERSION)).toEqual({
    version: VERSION,
    parts: [{ part: 'site', state: 'misconfigured', reason: '1 error in site.toml' }],
  });
});
