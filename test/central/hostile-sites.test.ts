/** Sites that lie, stall or flood: each is refused with a named error in the signal log, and no other site is affected. */
import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { it as base, describe, expect } from 'vitest';
import * as z from 'zod';
import { call } from '../../src/kernel/http/client.ts';
import { sha256Hex } from '../../src/kernel/identity/keys.ts';
import { signRequest, splitUrl } from '../../src/kernel/identity/signatures.ts';
import { canonicalJson } from '../../src/protocol/base/canonical.ts';
import { type CentralHarness, startCentralHarness } from '../support/central-harness.ts';
import { eventually } from '../support/eventually.ts';
import { videoRecord } from '../support/records.ts';
import type { TestSite } from '../support/test-site.ts';

const DAY_MS = 24 * 3_600_000;

/** A central with one honest site. */
interface Scene {
  readonly harness: CentralHarness;
  readonly honest: TestSite;
}

/** Each test has its own central, so that they can run together: two of them wait for time limits of 10 and 30 s. */
const it = base.extend<{ scene: Scene }>({
  // biome-ignore lint/correctness/noEmptyPattern: the runner reads from this pattern which fixtures the fixture needs
  scene: async ({}, use) => {
    const harness = await startCentralHarness();
    await use({ harness, honest: await harness.addSite('honest') });
    await harness.stop();
  },
});

const rowOf = async ({ harness }: Scene, site: TestSite) =>
  (await harness.request('GET', '/api/sites')).body.sites.find((row: { id: string }) => row.id === site.id);
const signalsOf = async ({ harness }: Scene, site: TestSite) =>
  (await harness.request('GET', '/api/signals')).body.signals.filter(
    (signal: { site: { id: string } }) => signal.site.id === site.id,
  );
const untilListed = ({ harness }: Scene, video: string, withinMs?: number) =>
  eventually(
    'the video is in the catalogue',
    async () => (await harness.request('GET', `/api/videos/${video}`)).status === 200,
    withinMs,
  );

/** The honest site publishes, whatever the other sites do at the same time. */
async function expectHonestPublishes(scene: Scene): Promise<void> {
  const { video } = scene.honest.put(videoRecord());
  await scene.honest.signal();
  await untilListed(scene, video, 3_000);
  expect((await rowOf(scene, scene.honest)).lastErrorCode).toBeUndefined();
}

async function expectRefused(scene: Scene, site: TestSite, code: string, withinMs = 30_000): Promise<void> {
  await site.signal();
  await eventually(
    'the error is shown',
    async () => (await rowOf(scene, site)).lastErrorCode === code,
    withinMs,
  );
  const [signal] = await signalsOf(scene, site);
  expect(signal).toMatchObject({ errorCode: code, attempts: expect.any(Number) });
  expect(signal.attempts).toBeGreaterThan(0);
  expect(signal.lastError.length).toBeGreaterThan(10);
  expect(site.acknowledged).toEqual([]);
}

const pageOf = (site: TestSite, record: object) => ({
  site: site.id,
  epoch: site.epoch,
  records: [{ record, hash: sha256Hex(canonicalJson(record as never)) }],
  more: false,
});

/** Signs a signal of the site as of `offMs` from now. */
const signSignal = ({ harness }: Scene, key: TestSite['key'], id: TestSite['id'], offMs = 0) => {
  const url = new URL(`${harness.url}/api/signals`);
  const headers = signRequest(key, id, { method: 'POST', ...splitUrl(url), body: '' }, Date.now() + offMs);
  return { url, headers };
};

describe.concurrent('a hostile site', () => {
  it.for<[string, string, (site: TestSite, honest: TestSite) => unknown]>([
    [
      'a record of 1 MB',
      'peer-malformed',
      site => pageOf(site, videoRecord({ description: 'x'.repeat(2 ** 20) })),
    ],
    ['JSON a million levels deep', 'peer-malformed', () => `${'['.repeat(1e6)}${']'.repeat(1e6)}`],
    [
      'a record with JSON a million levels deep',
      'peer-malformed',
      site =>
        `{"site":"${site.id}","epoch":${JSON.stringify(site.epoch)},"more":false,"records":[{"hash":"${'a'.repeat(64)}","record":{"kind":"video","name":${'['.repeat(1e6)}${']'.repeat(1e6)}}}]}`,
    ],
    [
      'rows of another site',
      'peer-site-mismatch',
      (site, honest) => ({ ...pageOf(site, videoRecord()), site: honest.id }),
    ],
    ['more bytes than a page may have', 'peer-too-large', () => 'x'.repeat(9 * 2 ** 20)],
    [
      'more rows than a page may have',
      'peer-malformed',
      site => ({ ...pageOf(site, videoRecord()), records: Array(501).fill({}) }),
    ],
  ])('that sends %s is refused with %s', async ([, code, page], { scene }) => {
    const hostile = await scene.harness.addSite('hostile');
    hostile.page = () => page(hostile, scene.honest);
    await expectRefused(scene, hostile, code);
    await expectHonestPublishes(scene);
  });

  it('that sends one byte a minute, or accepts and never responds, is given up after 30 s', async ({
    scene,
  }) => {
    const slow = await scene.harness.addSite('slow');
    slow.page = () => Readable.from(drip());
    const silent = await scene.harness.addSite('silent');
    silent.hangs = true;
    const startedMs = performance.now();
    const refused = Promise.all([
      expectRefused(scene, slow, 'peer-unreachable', 45_000),
      expectRefused(scene, silent, 'peer-unreachable', 45_000),
    ]);
    for (let count = 0; count < 5; count++) await expectHonestPublishes(scene);
    await refused;
    expect(performance.now() - startedMs).toBeGreaterThan(25_000);
    expect((await rowOf(scene, slow)).lastError).toContain('no response within 30000 ms');
    await expectHonestPublishes(scene);
  });

  it('that cannot be connected to is given up after 10 s', async ({ scene }) => {
    const { child, url, clog } = await startDeafServer();
    try {
      const deaf = await scene.harness.addSite('deaf');
      await scene.harness.request('PATCH', `/api/sites/${deaf.id}`, { body: { baseUrl: url } });
      const startedMs = performance.now();
      const refused = expectRefused(scene, deaf, 'peer-unreachable', 25_000);
      await expectHonestPublishes(scene);
      await refused;
      const tookMs = performance.now() - startedMs;
      expect(tookMs).toBeGreaterThan(8_000);
      expect(tookMs).toBeLessThan(20_000);
    } finally {
      for (const socket of clog) socket.destroy();
      child.kill('SIGKILL');
    }
  });

  it.for([
    ['ahead of', DAY_MS],
    ['behind', -DAY_MS],
  ] as const)(
    'whose clock is a day %s ours learns the difference, and loses nothing',
    async ([how, offMs], { scene }) => {
      const site = await scene.harness.addSite('off');
      const { video } = site.put(videoRecord());
      const { url, headers } = signSignal(scene, site.key, site.id, offMs);
      const response = await fetch(url, { method: 'POST', headers });
      expect(response.status).toBe(401);
      const detail = expect.stringMatching(new RegExp(`clock is 8(6399|6400|6401) s ${how} ours`));
      expect(await response.json()).toMatchObject({ code: 'clock-off', detail });
      expect(await rowOf(scene, site)).toMatchObject({ lastErrorCode: 'clock-off', lastError: detail });
      expect(await signalsOf(scene, site)).toMatchObject([
        { errorCode: 'clock-off', lastError: detail, attempts: 0 },
      ]);
      // Once the clock is right, everything written in the meantime is published.
      await site.signal();
      await untilListed(scene, video);
      await eventually(
        'no error is shown',
        async () => (await rowOf(scene, site)).lastErrorCode === undefined,
      );
      await expectHonestPublishes(scene);
    },
  );

  it('whose requests somebody replays is not harmed, and the replay is shown', async ({ scene }) => {
    const site = await scene.harness.addSite('overheard');
    const { url, headers } = signSignal(scene, site.key, site.id);
    const send = () => fetch(url, { method: 'POST', headers });
    expect((await send()).status).toBe(202);
    await eventually('no signal is pending', async () => (await rowOf(scene, site)).pendingSignals === 0);
    for (let again = 0; again < 5; again++) {
      const response = await send();
      expect(response.status).toBe(401);
      expect(await response.json()).toMatchObject({ code: 'signature-replayed' });
    }
    // One entry, however many replays: otherwise a flood of refusals would fill the log.
    const refused = (await signalsOf(scene, site)).filter(
      (signal: { errorCode?: string }) => signal.errorCode === 'signature-replayed',
    );
    expect(refused).toHaveLength(1);
    await expectHonestPublishes(scene);
  });

  it('whose name somebody uses without its key is not accused', async ({ scene }) => {
    const site = await scene.harness.addSite('innocent');
    const { url, headers } = signSignal(scene, scene.honest.key, site.id, -DAY_MS);
    const response = await fetch(url, { method: 'POST', headers });
    expect(response.status).toBe(401);
    expect((await rowOf(scene, site)).lastErrorCode).toBeUndefined();
    expect(await signalsOf(scene, site)).toEqual([]);
  });
});

describe('a replayed acknowledgement', () => {
  it('is in the signal log when the site that refused it reports it', async ({ scene }) => {
    const site = await scene.harness.addSite('watchful');
    await call(`${scene.harness.url}/api/refusals`, {
      method: 'POST',
      body: { code: 'signature-replayed', detail: 'This signed request was received before.' },
      signer: site.signer,
      timeoutMs: 5_000,
      maxBytes: 2 ** 16,
      response: z.unknown(),
    });
    expect(await signalsOf(scene, site)).toMatchObject([
      { errorCode: 'signature-replayed', lastError: expect.stringContaining('received before'), attempts: 0 },
    ]);
    await expectHonestPublishes(scene);
  });
});

async function* drip(): AsyncGenerator<string> {
  yield '{';
  await new Promise(resolve => setTimeout(resolve, 60_000).unref());
}

/** A server that is stopped and whose backlog is full: the system drops further requests to connect silently. */
async function startDeafServer(): Promise<{ child: ChildProcess; url: string; clog: { destroy(): void }[] }> {
  const child = spawn(
    process.execPath,
    [
      '-e',
      "const s=require('net').createServer();s.listen(0,'127.0.0.1',1,()=>console.log(s.address().port))",
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const port = await new Promise<number>(resolve =>
    child.stdout?.once('data', data => resolve(Number(String(data)))),
  );
  child.kill('SIGSTOP');
  const clog = Array.from({ length: 8 }, () => connect(port, '127.0.0.1').on('error', () => {}));
  await new Promise(resolve => setTimeout(resolve, 200));
  return { child, url: `http://127.0.0.1:${port}`, clog };
}
