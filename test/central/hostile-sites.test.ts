/** Sites that lie, stall or flood: each is refused by a named error on the signal desk, and nobody else notices. */
import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { it as base, describe } from 'vitest';
import * as z from 'zod';
import { call } from '../../src/kernel/http/client.ts';
import { sha256Hex } from '../../src/kernel/identity/keys.ts';
import { signRequest, splitUrl } from '../../src/kernel/identity/signatures.ts';

import { canonicalJson } from '../../src/protocol/publication/canonical.ts';
import {
  type CentralHarness,
  startCentralHarness,
  type TestSite,
  until,
  videoRecord,
} from '../support/central-harness.ts';

const DAY_MS = 24 * 3_600_000;

/** Each test has its own central and one sound site: they run together, because some wait for time limits of half a minute. */
const it = base.extend<{ stand: CentralHarness; sound: TestSite }>({
  // biome-ignore lint/correctness/noEmptyPattern: the runner reads the names of the fixtures that one needs from its parameter
  async stand({}, use) {
    const stand = await startCentralHarness();
    await use(stand);
    await stand.stop();
  },
  async sound({ stand }, use) {
    await use(await stand.addSite('sound'));
  },
});

const rowOf = async (site: TestSite) =>
  (await stand.request('GET', '/api/sites')).body.sites.find((row: { id: string }) => row.id === site.id);
const signalsOf = async (site: TestSite) =>
  (await stand.request('GET', '/api/signals')).body.signals.filter(
    (signal: { site: { id: string } }) => signal.site.id === site.id,
  );

/** A sound site publishes while whatever goes on goes on. */
async function expectSoundPublishes(): Promise<void> {
  const { video } = sound.put(videoRecord());
  await sound.signal();
  await until(async () => (await stand.request('GET', `/api/videos/${video}`)).status === 200, 3_000);
  expect((await rowOf(sound)).lastErrorCode).toBeUndefined();
}

async function expectRefused(site: TestSite, code: string, withinMs = 10_000): Promise<void> {
  await site.signal();
  await until(async () => (await rowOf(site)).lastErrorCode === code, withinMs);
  const [signal] = await signalsOf(site);
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

describe('a hostile site', () => {
  it.each([
    [
      'a record of 1 MB',
      'peer-malformed',
      (site: TestSite) => pageOf(site, videoRecord({ description: 'x'.repeat(2 ** 20) })),
    ],
    ['JSON a million deep', 'peer-malformed', () => `${'['.repeat(1e6)}${']'.repeat(1e6)}`],
    [
      'a record with JSON a million deep',
      'peer-malformed',
      (site: TestSite) =>
        `{"site":"${site.id}","epoch":${JSON.stringify(site.epoch)},"more":false,"records":[{"hash":"${'a'.repeat(64)}","record":{"kind":"video","name":${'['.repeat(1e6)}${']'.repeat(1e6)}}}]}`,
    ],
    [
      'rows of another site',
      'peer-site-mismatch',
      (site: TestSite) => ({ ...pageOf(site, videoRecord()), site: sound.id }),
    ],
    ['more bytes than a page may have', 'peer-too-large', () => 'x'.repeat(9 * 2 ** 20)],
    [
      'more rows than a page may have',
      'peer-malformed',
      (site: TestSite) => ({ ...pageOf(site, videoRecord()), records: Array(501).fill({}) }),
    ],
  ])('that sends %s is refused as %s', async (_what, code, page) => {
    const hostile = await stand.addSite('hostile');
    hostile.page = () => page(hostile);
    await expectRefused(hostile, code);
    await expectSoundPublishes();
  });

  it('that answers one byte a minute, or accepts and never answers, is given up after 30 s', async () => {
    const slow = await stand.addSite('slow');
    slow.page = () => Readable.from(drip());
    const silent = await stand.addSite('silent');
    silent.hangs = true;
    const startedMs = performance.now();
    const refused = Promise.all([
      expectRefused(slow, 'peer-unreachable', 45_000),
      expectRefused(silent, 'peer-unreachable', 45_000),
    ]);
    for (let count = 0; count < 5; count++) await expectSoundPublishes();
    await refused;
    expect(performance.now() - startedMs).toBeGreaterThan(25_000);
    expect((await rowOf(slow)).lastError).toContain('no answer within 30000 ms');
    await expectSoundPublishes();
  });

  it('that cannot be connected to is given up after 10 s', async () => {
    const { child, url, clog } = await startDeafServer();
    try {
      const deaf = await stand.addSite('deaf');
      await stand.request('PATCH', `/api/sites/${deaf.id}`, { body: { baseUrl: url } });
      const startedMs = performance.now();
      const refused = expectRefused(deaf, 'peer-unreachable', 25_000);
      await expectSoundPublishes();
      await refused;
      const tookMs = performance.now() - startedMs;
      expect(tookMs).toBeGreaterThan(8_000);
      expect(tookMs).toBeLessThan(20_000);
    } finally {
      for (const socket of clog) socket.destroy();
      child.kill('SIGKILL');
    }
  });

  it.each([
    ['ahead of', DAY_MS],
    ['behind', -DAY_MS],
  ])('whose clock is a day %s ours is told by how much, and loses nothing', async (how, offMs) => {
    const site = await stand.addSite('off');
    const { video } = site.put(videoRecord());
    const url = new URL(`${stand.central.url}/api/signals`);
    const signed = signRequest(
      site.key,
      site.id,
      { method: 'POST', ...splitUrl(url), body: '' },
      Date.now() + offMs,
    );
    const answer = await fetch(url, { method: 'POST', headers: signed });
    expect(answer.status).toBe(401);
    const told = expect.stringMatching(new RegExp(`clock is 8(6399|6400|6401) s ${how} ours`));
    expect(await answer.json()).toMatchObject({ code: 'clock-off', detail: told });
    expect(await rowOf(site)).toMatchObject({ lastErrorCode: 'clock-off', lastError: told });
    expect(await signalsOf(site)).toMatchObject([{ errorCode: 'clock-off', lastError: told, attempts: 0 }]);
    // The clock is set right: what was written meanwhile is published.
    await site.signal();
    await until(async () => (await stand.request('GET', `/api/videos/${video}`)).status === 200);
    await until(async () => (await rowOf(site)).lastErrorCode === undefined);
    await expectSoundPublishes();
  });

  it('whose words are replayed by somebody is not harmed, and it is seen', async () => {
    const site = await stand.addSite('overheard');
    const url = new URL(`${stand.central.url}/api/signals`);
    const headers = signRequest(
      site.key,
      site.id,
      { method: 'POST', ...splitUrl(url), body: '' },
      Date.now(),
    );
    const send = () => fetch(url, { method: 'POST', headers });
    expect((await send()).status).toBe(202);
    await until(async () => (await rowOf(site)).pendingSignals === 0);
    for (let again = 0; again < 5; again++) {
      const answer = await send();
      expect(answer.status).toBe(401);
      expect(await answer.json()).toMatchObject({ code: 'signature-replayed' });
    }
    // Once, however often: a flood of refusals would drown the desk.
    const refused = (await signalsOf(site)).filter(
      (signal: { errorCode?: string }) => signal.errorCode === 'signature-replayed',
    );
    expect(refused).toHaveLength(1);
    await expectSoundPublishes();
  });

  it('whose name somebody uses without its key is not accused', async () => {
    const site = await stand.addSite('innocent');
    const headers = signRequest(
      sound.key,
      site.id,
      { method: 'POST', ...splitUrl(new URL(`${stand.central.url}/api/signals`)), body: '' },
      Date.now() - DAY_MS,
    );
    const answer = await fetch(`${stand.central.url}/api/signals`, { method: 'POST', headers });
    expect(answer.status).toBe(401);
    expect((await rowOf(site)).lastErrorCode).toBeUndefined();
    expect(await signalsOf(site)).toEqual([]);
  });
});

describe('a replayed acknowledgement', () => {
  it('reported by the site that refused it is on the signal desk', async () => {
    const site = await stand.addSite('watchful');
    const report = (code: string) =>
      call(`${stand.central.url}/api/refusals`, {
        method: 'POST',
        body: { code, detail: 'This signed request was received before.' },
        signer: site.signer,
        timeoutMs: 5_000,
        maxBytes: 2 ** 16,
        answer: z.unknown(),
      });
    await report('signature-replayed');
    expect(await signalsOf(site)).toMatchObject([
      { errorCode: 'signature-replayed', lastError: expect.stringContaining('received before'), attempts: 0 },
    ]);
    await expectSoundPublishes();
  });
});

async function* drip(): AsyncGenerator<string> {
  yield '{';
  await new Promise(resolve => setTimeout(resolve, 60_000).unref());
}

/** A server that is stopped and whose queue is full: the system drops further requests to connect without a word. */
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
