/** Private videos at central: nobody finds them without a grant, and members know which they are (docs/private-videos.md). */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { call, type Signer } from '../../src/kernel/http/client.ts';
import { deriveSiteKey, deriveTrackersKey, verifyRight } from '../../src/kernel/rights/rights-token.ts';
import { newVideoId, type VideoId } from '../../src/protocol/base/ids.ts';
import { grantSchema, rightsPageSchema } from '../../src/protocol/rights.ts';
import { type CentralHarness, startCentralHarness } from '../support/central-harness.ts';
import { tombstone, videoRecord } from '../support/records.ts';

let harness: CentralHarness;
beforeEach(async () => {
  harness = await startCentralHarness();
});
afterEach(() => harness.stop());

const namesFor = async (token: string | null | undefined, query = ''): Promise<string[]> =>
  (await harness.request('GET', `/api/videos${query}`, { token: token as string | null })).body.videos.map(
    (video: { name: string }) => video.name,
  );
const statusFor = async (video: VideoId, token?: null): Promise<number> =>
  (await harness.request('GET', `/api/videos/${video}`, token === null ? { token } : {})).status;

describe('a private video', () => {
  it('is hidden in every list, search and response, except those for an operator, where it is marked', async () => {
    const site = await harness.addSite('a');
    const open = site.put(videoRecord({ name: 'Open lecture' }));
    const closed = site.put(videoRecord({ name: 'Closed lecture', visibility: 'private' }));
    await site.collect();
    expect(await namesFor(null)).toEqual(['Open lecture']);
    expect(await namesFor(null, '?q=closed')).toEqual([]);
    expect(await namesFor(null, `?site=${site.id}`)).toEqual(['Open lecture']);
    const byId = `?ids=${[open.video, closed.video, newVideoId()]}`;
    expect(await namesFor(null, byId)).toEqual(['Open lecture']);
    expect((await namesFor(undefined, byId)).sort()).toEqual(['Closed lecture', 'Open lecture']);
    expect((await harness.request('GET', '/api/videos?ids=1,2')).status).toBe(400);
    expect((await harness.request('GET', '/api/videos', { token: 'a-wrong-token' })).status).toBe(401);
    expect((await namesFor(undefined)).sort()).toEqual(['Closed lecture', 'Open lecture']);
    const unknown = await harness.request('GET', `/api/videos/${newVideoId()}`, { token: null });
    const refused = await harness.request('GET', `/api/videos/${closed.video}`, { token: null });
    // The response is the same as for a video that does not exist, with every header.
    const headersOf = ({ headers }: typeof refused) => [...headers].filter(([name]) => name !== 'date');
    expect([refused.status, refused.body]).toEqual([404, unknown.body]);
    expect(headersOf(refused)).toEqual(headersOf(unknown));
    expect(refused.headers.get('cache-control')).toBe('no-store');
    expect((await harness.request('GET', `/api/videos/${closed.video}`)).body).toMatchObject({
      name: 'Closed lecture',
      visibility: 'private',
    });
    expect((await harness.request('GET', `/api/videos/${open.video}`)).body.visibility).toBeUndefined();
  });

  it('is marked in the trackers’ feed, and its next version may be public, and private again', async () => {
    const site = await harness.addSite('a');
    const tracker = await harness.addTracker('tracker');
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

  it('stays hidden when it is withdrawn', async () => {
    const site = await harness.addSite('a');
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
  call(`${harness.central.url}/api/rights?${query}`, {
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
    const site = await harness.addSite('a');
    const tracker = await harness.addTracker('tracker');
    const { video } = site.put(videoRecord({ visibility: 'private' }));
    await site.collect();
    return { site, tracker, video };
  };
  const give = async (video: VideoId, body: object = { lifetimeS: 600 }) =>
    harness.request('POST', `/api/videos/${video}/grants`, { body });

  it('is made by an operator, verified by trackers, listed while it is valid, and revoked', async () => {
    const { tracker, video } = await publishPrivate();
    const given = await give(video, { lifetimeS: 3_600, note: '给同事' });
    expect(given.status).toBe(201);
    const { id, grant, link, players } = grantSchema.parse(given.body);
    expect(link).toBe(`${harness.central.url}/watch/${video}#grant=${grant}`);
    expect(players?.hls).toMatch(new RegExp(`/play/${video}.m3u8\\?grant=${grant}$`));
    const masters = await mastersOf(tracker);
    const claims = verifyRight(grant, video, generation => {
      const master = masters.get(generation);
      return master && deriveTrackersKey(master);
    });
    expect(claims).toMatchObject({ kind: 'grant', subject: id });
    const seen = await harness.request('GET', `/api/videos/${video}?grant=${grant}`, { token: null });
    expect([seen.status, seen.headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect((await harness.request('GET', `/api/videos/${video}/grants`)).body.grants).toEqual([given.body]);

    const { position } = await rightsOf(tracker.signer);
    const waiting = rightsOf(tracker.signer, `after=${position}&generation=1&wait=20`);
    const startedMs = performance.now();
    expect((await harness.request('DELETE', `/api/videos/${video}/grants/${id}`)).body).toEqual({
      revoked: 1,
    });
    expect((await waiting).revoked).toEqual([
      { grant: id, expiresS: Math.ceil(Date.parse(given.body.expiresAt) / 1_000) },
    ]);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    const refused = await harness.request('GET', `/api/videos/${video}?grant=${grant}`, { token: null });
    expect([refused.status, refused.body.code]).toEqual([403, 'grant-revoked']);
    expect((await harness.request('GET', `/api/videos/${video}/grants`)).body.grants).toEqual([]);
    // The same for a second revocation, and for a grant that never existed.
    expect((await harness.request('DELETE', `/api/videos/${video}/grants/${id}`)).body).toEqual({
      revoked: 0,
    });
    expect((await harness.request('DELETE', `/api/videos/${video}/grants/${'0'.repeat(16)}`)).status).toBe(
      404,
    );
  });

  it('is listed with all others, page by page', async () => {
    const { video } = await publishPrivate();
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.push((await give(video)).body.id);
    const listed: string[] = [];
    let query = '?limit=2';
    for (let page = 0; page < 3; page++) {
      const { body } = await harness.request('GET', `/api/videos/${video}/grants${query}`);
      listed.push(...body.grants.map(({ id }: { id: string }) => id));
      query = `?limit=2&cursor=${body.next}`;
      expect(body.next === undefined).toBe(page === 2);
    }
    expect(listed.toSorted()).toEqual(ids.toSorted());
  });

  it('is one of several that are revoked together', async () => {
    const { tracker, video } = await publishPrivate();
    const ids = [(await give(video)).body.id, (await give(video)).body.id];
    expect((await harness.request('DELETE', `/api/videos/${video}/grants`)).body).toEqual({ revoked: 2 });
    expect((await rightsOf(tracker.signer)).revoked.map(({ grant }) => grant).sort()).toEqual(ids.sort());
  });

  it('is made by operators only, for private videos only, and for a limited time', async () => {
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
      expect((await harness.request(method, path, { token: null, body })).status).toBeGreaterThanOrEqual(400);
    }
    expect((await give(open.video)).body.code).toBe('video-public');
    expect((await give(newVideoId())).status).toBe(404);
    for (const body of [{}, { lifetimeS: 1 }, { lifetimeS: 1e9 }, { lifetimeS: 600, note: 'x'.repeat(201) }])
      expect((await give(video, body)).status).toBe(400);
  });

  it('for another video, or an invalid one, reveals nothing', async () => {
    const { site, video } = await publishPrivate();
    const other = site.put(videoRecord({ visibility: 'private' }));
    await site.collect();
    const { grant } = (await give(other.video)).body;
    for (const text of [grant, 'A'.repeat(40), 'nonsense'])
      expect(
        (await harness.request('GET', `/api/videos/${video}?grant=${text}`, { token: null })).status,
      ).toBe(404);
  });
});

describe('rights', () => {
  it('give each site its own key, trackers the master key, and nobody else anything', async () => {
    const [a, b] = [await harness.addSite('a'), await harness.addSite('b')];
    const tracker = await harness.addTracker('tracker');
    const keyOf = async (signer: Signer) => (await rightsOf(signer)).keys[0]?.key ?? '';
    const master = Buffer.from(await keyOf(tracker.signer), 'base64url');
    for (const site of [a, b])
      expect(await keyOf(site.signer)).toBe(deriveSiteKey(master, site.id).toString('base64url'));
    expect((await harness.request('GET', '/api/rights?after=0')).status).toBe(401);
    await harness.restart();
    expect(await keyOf(tracker.signer)).toBe(master.toString('base64url'));
    await harness.request('DELETE', `/api/sites/${a.id}`);
    await expect(rightsOf(a.signer)).rejects.toThrow();
  });

  it('list private videos for sites, in direct and waiting requests', async () => {
    const site = await harness.addSite('a');
    const other = await harness.addSite('b');
    const tracker = await harness.addTracker('tracker');
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

  it('use a new master key after a rotation, and accept the old one for a while', async () => {
    const tracker = await harness.addTracker('tracker');
    const { position } = await rightsOf(tracker.signer);
    const waiting = rightsOf(tracker.signer, `after=${position}&generation=1&wait=20`);
    await harness.request('POST', '/api/rights/rotate', { body: { keepS: 3_600 } });
    const { keys } = await waiting;
    expect(keys.map(({ generation, untilS }) => [generation, untilS !== undefined])).toEqual([
      [2, false],
      [1, true],
    ]);
    expect(keys[0]?.key).not.toBe(keys[1]?.key);
    await harness.request('POST', '/api/rights/rotate', { body: { keepS: 0 } });
    expect((await rightsOf(tracker.signer)).keys.map(({ generation }) => generation)).toEqual([3]);
  });
});
