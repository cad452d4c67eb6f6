import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type CentralSchema, migrations } from '../../src/central/database/schema.ts';
import { enrol, insertMember } from '../../src/central/database/sites.ts';
import { RejectionLog } from '../../src/central/rejection-log.ts';
import { Links } from '../../src/central/site-reader/links.ts';
import { readEitherWay, readOverLink } from '../../src/central/site-reader/read-over-link.ts';
import { addLinkCalls } from '../../src/central/web/members/links.ts';
import { socketAuthorities } from '../../src/kernel/http/own-names.ts';
import { createHttp } from '../../src/kernel/http/server.ts';
import { readOrMakeKey } from '../../src/kernel/identity/keys.ts';
import { NonceMemory } from '../../src/kernel/identity/signatures.ts';
import { silentLog } from '../../src/kernel/log.ts';
import type { MemberIdentity } from '../../src/kernel/membership/member.ts';
import { problem } from '../../src/kernel/problem.ts';
import { openDatabase } from '../../src/kernel/sql/sql.ts';
import { newSiteId } from '../../src/protocol/base/ids.ts';
import { type SiteSchema, siteMigrations } from '../../src/site/database/tables/schema.ts';
import { createGateway, serveGateway } from '../../src/site/http/gateway.ts';
import { centralOf } from '../../src/site/publication/central-client.ts';
import { startLink } from '../../src/site/publication/link.ts';
import { describeSiteReader } from './site-reader.contract.ts';

/** A central that listens, and a site that only opens its link. */
async function openLinked() {
  const directory = await mkdtemp(join(tmpdir(), 'tributary-link-'));
  const db = await openDatabase<SiteSchema>(join(directory, 'site.sqlite'), siteMigrations);
  const centralDb = await openDatabase<CentralSchema>(join(directory, 'central.sqlite'), migrations);
  const centralKey = await readOrMakeKey(join(directory, 'central.key'));
  const key = await readOrMakeKey(join(directory, 'site.key'));
  const id = newSiteId();
  const baseUrl = 'http://127.0.0.1:9';
  await insertMember(
    centralDb,
    { id, role: 'site', name: 'Hidden', baseUrl, zone: [] },
    { tokenHash: 'x', expiresAt: Date.now() + 60_000 },
    Date.now(),
  );
  await enrol(centralDb, 'x', key.publicKey, Date.now());

  const links = new Links();
  const central = await createHttp({ part: 'central', log: silentLog, ready: () => undefined });
  addLinkCalls(central.app, {
    db: centralDb,
    recipient: {
      nonces: new NonceMemory(),
      authorities: ({ socket }) => socketAuthorities(socket),
    },
    rejections: new RejectionLog(centralDb),
    links,
    changes: { closed: false },
    collector: { wake() {} },
  });
  await central.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = central.app.server.address() as AddressInfo;

  const identity: MemberIdentity = {
    key,
    membership: {
      centralUrl: `http://127.0.0.1:${port}`,
      role: 'site',
      id,
      name: 'Hidden',
      baseUrl,
      centralPublicKey: centralKey.publicKey,
      trackers: [],
    },
  };
  const site = await createHttp({ part: 'site', log: silentLog, ready: () => undefined });
  serveGateway(site.app, {
    gateway: createGateway(db, () => {}),
    identity: () => identity,
    names: { baseUrl, hosts: [] },
    nonces: new NonceMemory(),
  });
  const link = startLink({
    app: site.app,
    central: () => centralOf(identity),
    wanted: () => ({ preferred: true }),
    log: silentLog,
  });
  while (!links.find(id)) await new Promise(resolve => setTimeout(resolve, 5));
  const signer = { key: centralKey, keyId: 'central' };
  const member = { id, base_url: baseUrl, database_url: null };
  return {
    db,
    reader: readOverLink(signer, links)(member),
    async end() {
      await link.stop();
      links.close();
      await central.app.close();
      await site.app.close();
      await Promise.all([db.destroy(), centralDb.destroy()]);
      await rm(directory, { recursive: true });
    },
  };
}

describeSiteReader('over the link that it opened', openLinked);

it('a link is closed if its site has not polled for five seconds, and then accepts no request', async () => {
  let nowMs = 0;
  const links = new Links(() => nowMs);
  const site = newSiteId();
  const url = new URL(`http://${site}.link/gateway/digest`);
  const { signal: abort } = new AbortController();
  const send = () => links.sendTo(site)({ url, method: 'GET', headers: {}, body: '', abort, maxBytes: 9 });
  await expect(send()).rejects.toMatchObject({ code: 'link-closed' });
  await links.poll(site, false, 0, abort);
  nowMs = 4_999;
  expect(links.find(site)).toBeDefined();
  nowMs = 5_001;
  expect(links.find(site)).toBeUndefined();
  await expect(send()).rejects.toMatchObject({ code: 'link-closed' });
});

it('a request fails at once when its site dies while handling it', async () => {
  let nowMs = 0;
  const links = new Links(() => nowMs);
  const site = newSiteId();
  const url = new URL(`http://${site}.link/gateway/digest`);
  const never = new AbortController().signal;
  await links.poll(site, false, 0, never);
  const asked = links.sendTo(site)({ url, method: 'GET', headers: {}, body: '', abort: never, maxBytes: 9 });
  expect(await links.poll(site, false, 0, never)).toHaveLength(1);
  nowMs = 6_000;
  await expect(asked).rejects.toMatchObject({ code: 'link-closed' });
});

it('a site that opens its link again has lost its earlier requests', async () => {
  const links = new Links();
  const site = newSiteId();
  const url = new URL(`http://${site}.link/gateway/digest`);
  const never = new AbortController().signal;
  await links.poll(site, false, 0, never);
  const asked = links.sendTo(site)({ url, method: 'GET', headers: {}, body: '', abort: never, maxBytes: 9 });
  const lost = expect(asked).rejects.toMatchObject({ code: 'link-closed' });
  expect(await links.poll(site, false, 1_000, never)).toHaveLength(1);
  await links.poll(site, false, 0, never);
  await lost;
  expect(links.find(site)).toBeDefined();
});

it('a site gets a limited number of requests at once', async () => {
  const links = new Links();
  const site = newSiteId();
  const url = new URL(`http://${site}.link/gateway/digest`);
  const abort = new AbortController();
  await links.poll(site, false, 0, abort.signal);
  const ask = () =>
    links.sendTo(site)({ url, method: 'GET', headers: {}, body: '', abort: abort.signal, maxBytes: 9 });
  const asked = Array.from({ length: 16 }, ask);
  await expect(ask()).rejects.toMatchObject({ code: 'link-busy' });
  abort.abort();
  for (const { status } of await Promise.allSettled(asked)) expect(status).toBe('rejected');
  // Aborted requests are not sent any more.
  expect(await links.poll(site, false, 0, new AbortController().signal)).toEqual([]);
});

it('a link is closed at once when its site disconnects, and a request that nobody fetches is given up', async () => {
  const links = new Links();
  const site = newSiteId();
  const url = new URL(`http://${site}.link/gateway/digest`);
  const { signal: abort } = new AbortController();
  const send = () => links.sendTo(site)({ url, method: 'GET', headers: {}, body: '', abort, maxBytes: 9 });
  const gone = new AbortController();
  const poll = links.poll(site, false, 25_000, gone.signal);
  expect(links.find(site)).toBeDefined();
  gone.abort();
  expect(await poll).toEqual([]);
  expect(links.find(site)).toBeUndefined();
  // The site polls once more, and never again.
  await links.poll(site, false, 0, abort);
  const startedMs = performance.now();
  await expect(send()).rejects.toMatchObject({ code: 'link-closed' });
  expect(performance.now() - startedMs).toBeLessThan(15_000);
  expect(await links.poll(site, false, 0, abort)).toEqual([]);
});

it('a site can respond only to its own requests', async () => {
  const links = new Links();
  const [a, b] = [newSiteId(), newSiteId()];
  const never = new AbortController().signal;
  await links.poll(a, false, 0, never);
  await links.poll(b, false, 0, never);
  const url = new URL(`http://${a}.link/gateway/digest`);
  const asked = links.sendTo(a)({ url, method: 'GET', headers: {}, body: '', abort: never, maxBytes: 9 });
  const [question] = await links.poll(a, false, 1_000, never);
  expect(await links.poll(b, false, 0, never)).toEqual([]);
  expect(links.respond(b, question?.id ?? '', { status: 200, text: 'of b' })).toBe(false);
  expect(links.respond(a, question?.id ?? '', { status: 200, text: 'of a' })).toBe(true);
  // A replayed response has no request.
  expect(links.respond(a, question?.id ?? '', { status: 200, text: 'again' })).toBe(false);
  expect(await asked).toEqual({ status: 200, text: 'of a' });
});

it('an unreachable gateway is not tried while a link is open', async () => {
  const tried: string[] = [];
  const reader = (name: string, fails: boolean) => () => ({
    readRecords: () => Promise.reject(new Error('not asked')),
    acknowledge: () => Promise.reject(new Error('not asked')),
    readCaptions: () => Promise.reject(new Error('not asked')),
    async readDigest() {
      tried.push(name);
      if (fails) throw problem('peer-unreachable', 'gone');
      return name as never;
    },
  });
  let nowMs = 0;
  let open = false;
  const way = readEitherWay(
    reader('gateway', true),
    reader('link', false),
    { find: () => (open ? { preferred: false } : undefined) },
    { now: () => nowMs },
  );
  const site = { id: newSiteId(), base_url: 'http://192.0.2.1', database_url: null };
  const ask = () => way(site).readDigest(new AbortController().signal);
  await expect(ask()).rejects.toMatchObject({ code: 'peer-unreachable' });
  open = true;
  await ask();
  expect(tried).toEqual(['gateway', 'link']);
  await ask();
  expect(tried).toEqual(['gateway', 'link', 'link']);
  nowMs = 11 * 60_000;
  await ask();
  expect(tried).toEqual(['gateway', 'link', 'link', 'gateway', 'link']);
});
