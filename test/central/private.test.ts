/** Private videos at central: nobody finds them without a right, and members learn of them (docs/private-videos.md). */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { call, type Signer } from '../../src/kernel/http/client.ts';
import { deriveSiteKey, deriveTrackersKey, verifyRight } from '../../src/kernel/rights/rights-token.ts';
import { newVideoId, type VideoId } from '../../src/protocol/ids.ts';
import { grantSchema, rightsPageSchema } from '../../src/protocol/rights.ts';
import { type CentralHarness, startCentralHarness } from '../support/central-harness.ts';
import { tombstone, videoRecord } from '../support/records.ts';

let stand: CentralHarness;
beforeEach(async () => {
  stand = await startCentralHarness();
});
afterEach(() => stand.stop());

const namesFor = async (token: string | null | undefined, query = ''): Promise<string[]> =>
  (await stand.request('GET', `/api/videos${query}`, { token: token as string | null })).body.videos.map(
    (video: { name: string }) => video.name,
  );
const statusFor = async (video: VideoId, token?: null): Promise<number> =>
  (await stand.request('GET', `/api/videos/${video}`, token === null ? { token } : {})).status;

describe('a private video', () => {
  it('is in no list, search or answer of strangers, and in all of an operator’s, marked', async () => {
    const site = await stand.addSite('a');
    const open = site.put(videoRecord({ name: 'Open lecture' }));
    const closed = site.put(videoRecord({ name: 'Closed lecture', visibility: 'private' }));
    await site.collect();
    expect(await namesFor(null)).toEqual(['Open lecture']);
    expect(await namesFor(null, '?q=closed')).toEqual([]);
    expect(await namesFor(null, `?site=${site.id}`)).toEqual(['Open lecture']);
    expect(await namesFor('a-wrong-token')).toEqual(['Open lecture']);
    expect((await namesFor(undefined)).sort()).toEqual(['Closed lecture', 'Open lecture']);
    const unknown = await stand.request('GET', `/api/videos/${open.video.replace(/.$/, 'f')}`, {
      token: null,
    });
    const refused = await stand.request('GET', `/api/videos/${closed.video}`, { token: null });
    // Nothing tells it from one that does not exist.
    expect([refused.status, refused.body]).toEqual([404, unknown.body]);
    expect((await stand.request('GET', `/api/videos/${closed.video}`)).body).toMatchObject({
      name: 'Closed lecture',
      visibility: 'private',
    });
    expect((await stand.request('GET', `/api/videos/${open.video}`)).body.visibility).toBeUndefined();
  });

  it('is told to trackers as one, and by its next version it may be public, and private again', async () => {
    const site = await stand.addSite('a');
    const tracker = await stand.addTracker('tracker');
    const record = videoRecord({ visibility: 'private' });
    site.put(record);
    await site.collect();
    const isPrivate = async () =>
      (await tracker.changesOf(0))
        .map(change => change.kind === 'video' && (change.isPrivate ?? false))
        .at(-1);
    expect([await isPrivate(), await statusFor(record.video, null)]).toEqual([true, 404]);
    const { visibility: _, ...open } = record;
    site.put({ ...open, version: 2 });
    await site.collect();
    expect([await isPrivate(), await statusFor(record.video, null)]).toEqual([false, 200]);
    site.put({ ...record, version: 3 });
    await site.collect();
    expect([await isPrivate(), await statusFor(record.video, null)]).toEqual([true, 404]);
  });

  it('does not come into sight by being withdrawn', async () => {
    const site = await stand.addSite('a');
    const record = videoRecord({ visibility: 'private' });
    site.put(record);
    await site.collect();
    site.put(tombstone(record.video, 2));
    await site.collect();
    expect(await statusFor(record.video, null)).toBe(404);
    expect(await statusFor(record.video)).toBe(410);
  });
});

const rightsOf = (signer: Signer, query = 'after=0') =>
  call(`${stand.central.url}/api/rights?${query}`, {
    signer,
    timeoutMs: 30_000,
    maxBytes: 2 ** 20,
    response: rightsPageSchema,
  });
const mastersOf = async (tracker: { readonly signer: Signer }) =>
  new Map(
    (await rightsOf(tracker.signer)).keys.map(({ generation, key }) => [
      generation,
      Buffer.from(key, 'base64url'),
    ]),
  );

describe('a grant', () => {
  const publishPrivate = async () => {
    const site = await stand.addSite('a');
    const tracker = await stand.addTracker('tracker');
    const { video } = site.put(videoRecord({ visibility: 'private' }));
    await site.collect();
    return { site, tracker, video };
  };
  const give = async (video: VideoId, body: object = { lifetimeS: 600 }) =>
    stand.request('POST', `/api/videos/${video}/grants`, { body });

  it('is given by an operator, genuine to trackers, shown while it holds, and taken back', async () => {
    const { tracker, video } = await publishPrivate();
    const given = await give(video, { lifetimeS: 3_600, note: '给同事' });
    expect(given.status).toBe(201);
    const { id, grant, link, players } = grantSchema.parse(given.body);
    expect(link).toBe(`${stand.central.url}/watch/${video}#grant=${grant}`);
    expect(players?.hls).toMatch(new RegExp(`/play/${video}.m3u8\\?grant=${grant}$`));
    const masters = await mastersOf(tracker);
    const claims = verifyRight(grant, video, generation => {
      const master = masters.get(generation);
      return master && deriveTrackersKey(master);
    });
    expect(claims).toMatchObject({ kind: 'grant', subject: id });
    const seen = await stand.request('GET', `/api/videos/${video}?grant=${grant}`, { token: null });
    expect([seen.status, seen.headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect((await stand.request('GET', `/api/videos/${video}/grants`)).body.grants).toEqual([given.body]);

    const { position } = await rightsOf(tracker.signer);
    const waiting = rightsOf(tracker.signer, `after=${position}&generation=1&wait=20`);
    const startedMs = performance.now();
    expect((await stand.request('DELETE', `/api/videos/${video}/grants/${id}`)).body).toEqual({ revoked: 1 });
    expect((await waiting).revoked).toEqual([
      { grant: id, expiresS: Math.ceil(Date.parse(given.body.expiresAt) / 1_000) },
    ]);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    const refused = await stand.request('GET', `/api/videos/${video}?grant=${grant}`, { token: null });
    expect([refused.status, refused.body.code]).toEqual([403, 'grant-revoked']);
    expect((await stand.request('GET', `/api/videos/${video}/grants`)).body.grants).toEqual([]);
    // Again, or of one that there never was.
    expect((await stand.request('DELETE', `/api/videos/${video}/grants/${id}`)).body).toEqual({ revoked: 0 });
    expect((await stand.request('DELETE', `/api/videos/${video}/grants/${'0'.repeat(16)}`)).status).toBe(404);
  });

  it('is one of several, which are taken back together', async () => {
    const { tracker, video } = await publishPrivate();
    const ids = [(await give(video)).body.id, (await give(video)).body.id];
    expect((await stand.request('DELETE', `/api/videos/${video}/grants`)).body).toEqual({ revoked: 2 });
    expect((await rightsOf(tracker.signer)).revoked.map(({ grant }) => grant).sort()).toEqual(ids.sort());
  });

  it('is for operators to give, for private videos alone, and for a bounded time', async () => {
    const { site, video } = await publishPrivate();
    const open = site.put(videoRecord());
    await site.collect();
    for (const [method, path] of [
      ['POST', `/api/videos/${video}/grants`],
      ['GET', `/api/videos/${video}/grants`],
      ['DELETE', `/api/videos/${video}/grants`],
      ['POST', '/api/rights/rotate'],
    ] as const) {
      const body = method === 'POST' ? { lifetimeS: 600 } : undefined;
      expect((await stand.request(method, path, { token: null, body })).status).toBeGreaterThanOrEqual(400);
    }
    expect((await give(open.video)).body.code).toBe('video-public');
    expect((await give(newVideoId())).status).toBe(404);
    for (const body of [{}, { lifetimeS: 1 }, { lifetimeS: 1e9 }, { lifetimeS: 600, note: 'x'.repeat(201) }])
      expect((await give(video, body)).status).toBe(400);
  });

  it('that is another video’s, or of nobody, tells nothing', async () => {
    const { site, video } = await publishPrivate();
    const other = site.put(videoRecord({ visibility: 'private' }));
    await site.collect();
    const { grant } = (await give(other.video)).body;
    for (const text of [grant, 'A'.repeat(40), 'nonsense'])
      expect((await stand.request('GET', `/api/videos/${video}?grant=${text}`, { token: null })).status).toBe(
        404,
      );
  });
});

describe('rights', () => {
  it('give each site a key of its own, trackers the master, and strangers nothing', async () => {
    const [a, b] = [await stand.addSite('a'), await stand.addSite('b')];
    const tracker = await stand.addTracker('tracker');
    const keyOf = async (signer: Signer) => (await rightsOf(signer)).keys[0]?.key ?? '';
    const master = Buffer.from(await keyOf(tracker.signer), 'base64url');
    for (const site of [a, b])
      expect(await keyOf(site.signer)).toBe(deriveSiteKey(master, site.id).toString('base64url'));
    expect((await stand.request('GET', '/api/rights?after=0')).status).toBe(401);
    await stand.restart();
    expect(await keyOf(tracker.signer)).toBe(master.toString('base64url'));
    await stand.request('DELETE', `/api/sites/${a.id}`);
    await expect(rightsOf(a.signer)).rejects.toThrow();
  });

  it('tell sites which videos are private, in what is asked for and what waits', async () => {
    const site = await stand.addSite('a');
    const other = await stand.addSite('b');
    const tracker = await stand.addTracker('tracker');
    const record = videoRecord({ visibility: 'private' });
    site.put(record);
    site.put(videoRecord());
    await site.collect();
    const first = await rightsOf(other.signer);
    expect(first.videos).toEqual([{ video: record.video, isPrivate: true }]);
    expect((await rightsOf(tracker.signer)).videos).toEqual([]);
    const waiting = rightsOf(other.signer, `after=${first.position}&generation=1&wait=20`);
    const { visibility: _, ...open } = record;
    site.put({ ...open, version: 2 });
    await site.collect();
    expect((await waiting).videos).toEqual([{ video: record.video, isPrivate: false }]);
  });

  it('are signed by a new master once the operator says so, and by the old one for a while', async () => {
    const tracker = await stand.addTracker('tracker');
    const { position } = await rightsOf(tracker.signer);
    const waiting = rightsOf(tracker.signer, `after=${position}&generation=1&wait=20`);
    await stand.request('POST', '/api/rights/rotate', { body: { keepS: 3_600 } });
    const { keys } = await waiting;
    expect(keys.map(({ generation, untilS }) => [generation, untilS !== undefined])).toEqual([
      [2, false],
      [1, true],
    ]);
    expect(keys[0]?.key).not.toBe(keys[1]?.key);
    await stand.request('POST', '/api/rights/rotate', { body: { keepS: 0 } });
    expect((await rightsOf(tracker.signer)).keys.map(({ generation }) => generation)).toEqual([3]);
  });
});
