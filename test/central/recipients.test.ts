/** Signed requests that somebody recorded and sends to another part, at another name, or again after a restart: each is refused. */
import { createServer, type IncomingHttpHeaders, request as sendRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHttp } from '../../src/kernel/http/server.ts';
import { type KeyPair, readOrMakeKey } from '../../src/kernel/identity/keys.ts';
import { openNonces } from '../../src/kernel/identity/nonce-files.ts';
import { NonceMemory, signRequest, splitUrl } from '../../src/kernel/identity/signatures.ts';
import { createLifetime } from '../../src/kernel/lifecycle/lifetime.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { newSiteId, newVideoId } from '../../src/protocol/base/ids.ts';
import { newTrackerResponseSchema } from '../../src/protocol/central.ts';
import { linkAuthority } from '../../src/protocol/link.ts';
import { trackerStatusSchema } from '../../src/protocol/tracker.ts';
import { type Gateway, serveGateway } from '../../src/site/http/gateway.ts';
import { trackerConfigSchema } from '../../src/tracker/config.ts';
import { startTracker } from '../../src/tracker/tracker.ts';
import { type CentralHarness, startCentralHarness } from '../support/central-harness.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { videoRecord } from '../support/records.ts';
import { makeTemporaryDirectory, removeDirectory } from '../support/temporary-directory.ts';

let directory: string;
const closers: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  directory = await makeTemporaryDirectory('recipients');
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await removeDirectory(directory);
});

interface Recorded {
  readonly key: KeyPair;
  readonly keyId: string;
  readonly method?: string;
  /** The URL that the signer calls. */
  readonly url: string;
  readonly body?: string;
}

/** The headers of a request as its signer sends it. */
const record = ({ key, keyId, method = 'GET', url, body = '' }: Recorded) => ({
  ...signRequest(key, keyId, { method, ...splitUrl(new URL(url)), body }, Date.now()),
  ...(body ? { 'content-type': 'application/json' } : {}),
});

interface Sent {
  readonly method?: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The Host header; without it, that of the URL. */
  readonly host?: string;
  readonly body?: string;
}

/** fetch cannot set the Host header. */
const send = (url: string, { method = 'GET', headers, host, body = '' }: Sent) =>
  new Promise<{ status: number; code: string | undefined }>((resolve, reject) => {
    const request = sendRequest(
      url,
      { method, headers: { ...headers, ...(host ? { host } : {}) } },
      response => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', chunk => {
          text += chunk;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, code: text ? JSON.parse(text).code : undefined }),
        );
      },
    );
    request.on('error', reject);
    request.end(body);
  });

/** Forwards to `target` with its own Host header, as some proxies do by default. */
async function startProxy(
  target: string,
  host: string,
  received: IncomingHttpHeaders[] = [],
): Promise<string> {
  const server = createServer((incoming, outgoing) => {
    received.push(incoming.headers);
    const forwarded = sendRequest(
      target + incoming.url,
      { method: incoming.method, headers: { ...incoming.headers, host } },
      response => {
        outgoing.writeHead(response.statusCode ?? 0, response.headers);
        response.pipe(outgoing);
      },
    );
    incoming.pipe(forwarded);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  closers.push(async () => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const REFUSED = { status: 401, code: 'signature-misdirected' };
const host = (url: string): string => new URL(url).host;

describe('from central to a site', () => {
  /** A gateway at its own address, which expects calls of `central`. */
  async function startGateway(central: KeyPair, names: { baseUrl?: string; hosts?: string[] } = {}) {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const id = newSiteId();
    const key = await readOrMakeKey(join(directory, `${id}.key`));
    const { app } = await createHttp({ part: 'site', log: silentLog, ready: () => undefined });
    const gateway = {
      readRecords: async () => ({
        site: id,
        epoch: { number: 1, start: 'a-start-of-this-test' },
        records: [],
        more: false,
      }),
      acknowledge: async () => ({ matched: 1 }),
      readDigest: async () => ({
        site: id,
        epoch: { number: 1, start: 'a-start-of-this-test' },
        unpublished: 0,
        records: 0,
        digest: 'a'.repeat(64),
      }),
    } as Gateway;
    const membership = {
      centralUrl: 'http://127.0.0.1:9',
      role: 'site' as const,
      id,
      name: 'a',
      baseUrl: names.baseUrl ?? url,
      centralPublicKey: central.publicKey,
      trackers: [],
    };
    serveGateway(app, {
      gateway,
      identity: () => ({ key, membership }),
      names: { baseUrl: names.baseUrl ?? url, hosts: names.hosts ?? [] },
      nonces: new NonceMemory(),
    });
    await app.listen({ host: '127.0.0.1', port });
    closers.push(() => app.close());
    return { id, url };
  }
  const acknowledgement = JSON.stringify({
    epoch: { number: 1, start: 'a-start-of-this-test' },
    published: [{ video: newVideoId(), version: 1, hash: 'a'.repeat(64) }],
  });

  it.each([
    ['GET', '/gateway/records?limit=10', ''],
    ['GET', '/gateway/digest', ''],
    ['POST', '/gateway/published', acknowledgement],
  ])(
    '%s %s of one site is refused by another, with the Host header of the first',
    async (method, path, body) => {
      const central = await readOrMakeKey(join(directory, 'central.key'));
      const [a, b] = [await startGateway(central), await startGateway(central)];
      const headers = record({ key: central, keyId: 'central', method, url: a.url + path, body });
      expect(await send(b.url + path, { method, headers, host: host(a.url), body })).toEqual(REFUSED);
      expect(await send(b.url + path, { method, headers, body })).toMatchObject({ status: 401 });
      // The recorded request itself is valid.
      expect((await send(a.url + path, { method, headers, body })).status).toBe(200);
    },
  );

  it('a request for the link of one site is refused by another', async () => {
    const central = await readOrMakeKey(join(directory, 'central.key'));
    const [a, b] = [await startGateway(central), await startGateway(central)];
    const url = `http://${linkAuthority(a.id)}/gateway/digest`;
    const headers = record({ key: central, keyId: 'central', url });
    expect(await send(`${b.url}/gateway/digest`, { headers, host: host(url) })).toEqual(REFUSED);
  });

  it('is accepted behind a proxy that rewrites the Host header, and at the other names in the settings', async () => {
    const central = await readOrMakeKey(join(directory, 'central.key'));
    const names = { baseUrl: 'https://site.example', hosts: ['site.internal:8090'] };
    const site = await startGateway(central, names);
    const proxy = await startProxy(site.url, 'upstream');
    for (const base of [names.baseUrl, 'http://site.internal:8090']) {
      const headers = record({ key: central, keyId: 'central', url: `${base}/gateway/digest` });
      expect((await send(`${proxy}/gateway/digest`, { headers, host: host(base) })).status).toBe(200);
    }
    const headers = record({ key: central, keyId: 'central', url: 'https://other.example/gateway/digest' });
    const replayed = await send(`${proxy}/gateway/digest`, { headers, host: 'other.example' });
    expect(replayed).toEqual({ status: 401, code: 'signature-invalid' });
  });
});

describe('from a member to central', () => {
  let harness: CentralHarness;
  afterEach(() => harness.stop());

  it('what a site or a tracker signed for another name is refused, also behind a proxy that rewrites the Host header', async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const proxy = await startProxy(`http://${address}`, 'upstream');
    const internal = 'http://central.internal:8080';
    harness = await startCentralHarness({ listen: address, baseUrl: proxy, hosts: [host(internal)] });
    const site = await harness.addSite('a');
    const tracker = await harness.addTracker('t');
    const calls = [
      { ...site.signer, method: 'POST', path: '/api/signals', status: 202 },
      { ...tracker.signer, method: 'GET', path: '/api/changes?after=0', status: 200 },
    ];
    for (const { path, status, ...signed } of calls) {
      const { method } = signed;
      for (const base of [proxy, internal, `http://${address}`]) {
        const headers = record({ ...signed, url: base + path });
        expect((await send(proxy + path, { method, headers })).status).toBe(status);
      }
      const headers = record({ ...signed, url: `https://other.example${path}` });
      const direct = await send(`http://${address}${path}`, { method, headers, host: 'other.example' });
      expect(direct).toEqual(REFUSED);
      const proxied = await send(proxy + path, { method, headers, host: 'other.example' });
      expect(proxied).toEqual({ status: 401, code: 'signature-invalid' });
    }
  });

  it('a request is refused if something was added to its query', async () => {
    harness = await startCentralHarness();
    const tracker = await harness.addTracker('t');
    const headers = record({ ...tracker.signer, url: `${harness.url}/api/changes?after=0&x=1` });
    expect(await send(`${harness.url}/api/changes?after=0&x=1?y=2`, { headers })).toMatchObject({
      status: 401,
    });
  });

  it('a request that was accepted is refused after a restart', async () => {
    harness = await startCentralHarness();
    const site = await harness.addSite('a');
    const url = `${harness.url}/api/signals`;
    const headers = record({ ...site.signer, method: 'POST', url });
    expect((await send(url, { method: 'POST', headers })).status).toBe(202);
    await harness.restart();
    expect(await send(url, { method: 'POST', headers })).toEqual({ status: 401, code: 'signature-replayed' });
  });
});

/** A tracker that has joined `harness`, with its own operator token. */
async function startTrackerAt(harness: CentralHarness, baseUrl: string, listen: string) {
  const invited = await harness.request('POST', '/api/trackers', { body: { name: 't', baseUrl } });
  const { joinToken } = newTrackerResponseSchema.parse(invited.body);
  const config = trackerConfigSchema.parse({
    listen,
    baseUrl,
    dataDirectory: join(directory, `tracker ${listen.replace(':', ' ')}`),
    central: harness.url,
    joinToken,
    operatorToken: 'the-own-token-of-this-tracker',
    logLevel: 'silent',
  });
  let tracker = await startTracker(config);
  closers.push(() => tracker.stop());
  return {
    url: tracker.url,
    async restart() {
      await tracker.stop();
      tracker = await startTracker(config);
    },
    untilKnown: (site: string) =>
      eventually('the tracker knows the site', async () => {
        const response = await fetch(`${tracker.url}/status`);
        return trackerStatusSchema.parse(await response.json()).sites.some(each => each.site === site);
      }),
  };
}

describe('from a site to a tracker', () => {
  it('what a site signed for another tracker is refused, and so is a replay after a restart', async () => {
    const harness = await startCentralHarness();
    closers.push(() => harness.stop());
    const site = await harness.addSite('a');
    const baseUrl = 'https://tracker.example';
    const tracker = await startTrackerAt(harness, baseUrl, `127.0.0.1:${await freePort()}`);
    await tracker.untilKnown(site.id);

    const body = JSON.stringify({ viewers: [], videos: [] });
    const report = { ...site.signer, method: 'POST', body };
    const play = `/play/${newVideoId()}?fill=${site.id}`;
    const good = record({ ...report, url: `${baseUrl}/reports` });
    const elsewhere = record({ ...report, url: 'https://other.example/reports' });
    const signedPlay = record({ ...site.signer, url: `https://other.example${play}` });
    const sendReport = (headers: Record<string, string>, name = 'upstream') =>
      send(`${tracker.url}/reports`, { method: 'POST', headers, host: name, body });
    expect((await sendReport(good)).status).toBe(204);
    expect(await sendReport(elsewhere, 'other.example')).toEqual(REFUSED);
    expect(await send(tracker.url + play, { headers: signedPlay, host: 'other.example' })).toEqual(REFUSED);

    await tracker.restart();
    await tracker.untilKnown(site.id);
    expect(await sendReport(good)).toEqual({ status: 401, code: 'signature-replayed' });
  });
});

describe('from central to a tracker', () => {
  it("an operator's question arrives without central's token, and no other tracker accepts its signature", async () => {
    const harness = await startCentralHarness();
    closers.push(() => harness.stop());
    const address = `127.0.0.1:${await freePort()}`;
    const received: IncomingHttpHeaders[] = [];
    const proxy = await startProxy(`http://${address}`, 'upstream', received);
    expect((await harness.request('GET', `/api/explain/${newVideoId()}`)).body.code).toBe('tracker-missing');
    const tracker = await startTrackerAt(harness, proxy, address);
    const site = await harness.addSite('a');
    await tracker.untilKnown(site.id);
    const { video } = site.put(videoRecord());
    await site.collect();
    const path = `/api/explain/${video}?client=10.0.0.1`;
    const explanation = await eventually('the tracker knows the video', async () => {
      const response = await harness.request('GET', path);
      return response.status === 200 ? response.body : undefined;
    });
    expect(explanation).toMatchObject({ video, client: '10.0.0.1', ranking: [{ site: site.id }] });
    const plan = { body: { sites: [{ site: site.id, down: true }] } };
    expect((await harness.request('POST', '/api/dry-run', plan)).body).toMatchObject({ movedShare: 0 });
    for (const token of [null, 'wrong'])
      expect((await harness.request('GET', path, { token })).status).toBe(401);

    const sent = received.at(0) ?? expect.fail();
    expect(received.map(({ authorization }) => authorization)).toEqual(received.map(() => undefined));
    const other = await startTrackerAt(harness, 'https://other.example', `127.0.0.1:${await freePort()}`);
    const headers = {
      'content-digest': String(sent['content-digest']),
      'signature-input': String(sent['signature-input']),
      signature: String(sent.signature),
    };
    const replayed = await send(`${other.url}/explain/${video}?client=10.0.0.1`, {
      headers,
      host: host(proxy),
    });
    expect(replayed.status).toBe(401);
  });
});

it('the files of nonces keep what can still be replayed, and only that', async () => {
  const lifetime = createLifetime(silentLog);
  const nonces = openNonces(directory, silentLog, lifetime);
  const nowMs = Date.now();
  expect(nonces.claim('site:expired', nowMs - 1, nowMs - 1_000)).toBe(true);
  expect(nonces.claim('site:valid', nowMs + 60_000, nowMs)).toBe(true);
  await lifetime.stop();
  const next = createLifetime(silentLog);
  const again = openNonces(directory, silentLog, next);
  expect(again.claim('site:valid', nowMs + 60_000, nowMs)).toBe(false);
  expect(again.claim('site:expired', nowMs + 60_000, nowMs)).toBe(true);
  await next.stop();
});
