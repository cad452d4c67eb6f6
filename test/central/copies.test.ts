/** Copies at central: what sites publish about them, which assignments sites get, and who takes over the videos of a lost site. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { call } from '../../src/kernel/http/client.ts';
import { newRevisionId, newSiteId, newVideoId, type VideoId } from '../../src/protocol/base/ids.ts';
import { assignmentFeedSchema, type StorageReport } from '../../src/protocol/copies.ts';
import { heldPageSchema } from '../../src/protocol/publication/handshake.ts';
import type { CopyRecord, PublicationRecord, VideoRecord } from '../../src/protocol/publication/record.ts';
import { type CentralHarness, startCentralHarness } from '../support/central-harness.ts';
import { eventually } from '../support/eventually.ts';
import { tombstone, videoRecord } from '../support/records.ts';
import type { TestSite } from '../support/test-site.ts';

let harness: CentralHarness;
beforeEach(async () => {
  harness = await startCentralHarness();
});
afterEach(() => harness.stop());

const bounds = { timeoutMs: 30_000, maxBytes: 2 ** 20 };
const assignmentsOf = (site: TestSite, after = 0, waitS = 0) =>
  call(`${harness.central.url}/api/assignments?after=${after}&wait=${waitS}`, {
    ...bounds,
    signer: site.signer,
    response: assignmentFeedSchema,
  });
const copyOf = (record: VideoRecord, origin: TestSite, version: number, changes: Partial<CopyRecord> = {}) =>
  ({
    kind: 'copy',
    video: record.video,
    version,
    revision: record.revision,
    origin: origin.id,
    path: 'videos/a/copy/pack',
    sourceAddress: '192.0.2.8:8090',
    sizeBytes: 1_000_100,
    files: 12,
    copiedAt: '2024-05-03T08:00:00.000Z',
    ...changes,
  }) satisfies PublicationRecord;
const gone = (video: VideoId, version: number): PublicationRecord => ({
  kind: 'gone',
  video,
  version,
  because: 'No rule wants it there any more.',
  goneAt: '2024-05-04T08:00:00.000Z',
});
const videoOf = async (video: VideoId) => (await harness.request('GET', `/api/videos/${video}`)).body;
const addRule = async (body: unknown) =>
  (await harness.request('POST', '/api/placement-rules', { body })).body;
const lose = async (site: TestSite) => (await harness.request('POST', `/api/sites/${site.id}/lost`)).body;
async function publish(site: TestSite, ...records: PublicationRecord[]) {
  for (const record of records) site.put(record);
  return site.collect();
}

describe('a copy', () => {
  it('is accepted by the nine rules like any record, and is in the trackers’ feed', async () => {
    const [origin, holder] = [await harness.addSite('origin'), await harness.addSite('holder')];
    const tracker = await harness.addTracker('tracker');
    const record = videoRecord();
    await publish(origin, record);
    await publish(holder, copyOf(record, origin, 1));
    expect(holder.acknowledged).toMatchObject([{ video: record.video, version: 1 }]);
    expect(await videoOf(record.video)).toMatchObject({
      site: { id: origin.id },
      copies: [
        { site: origin.id, state: 'origin' },
        { site: holder.id, address: '192.0.2.8:8090', state: 'complete' },
      ],
    });
    const { changes, position } = await tracker.changes(0);
    expect(changes).toContainEqual({
      kind: 'copy',
      position: expect.any(Number),
      site: holder.id,
      video: record.video,
      version: 1,
      revision: record.revision,
    });
    const listed = (await harness.request('GET', '/api/videos')).body.videos;
    expect(listed).toHaveLength(1);
    // R4 and R9: an older version, and other content with the same version, are refused.
    await publish(holder, copyOf(record, origin, 1, { sizeBytes: 7 }));
    expect((await holder.collect()).error).toMatch(/different content|epoch/);
    await holder.handshake();
    await publish(holder, gone(record.video, 2));
    expect((await videoOf(record.video)).copies).toHaveLength(1);
    expect((await tracker.changes(position)).changes).toMatchObject([
      { kind: 'gone', site: holder.id, version: 2 },
    ]);
    // Unlike a withdrawal, it can be reversed.
    await publish(holder, copyOf(record, origin, 3));
    expect((await videoOf(record.video)).copies).toHaveLength(2);
  });

  it('of another revision does not count as a copy', async () => {
    const [origin, holder] = [await harness.addSite('origin'), await harness.addSite('holder')];
    const record = videoRecord();
    await publish(origin, record);
    await publish(holder, copyOf(record, origin, 1));
    await publish(origin, { ...record, version: 2, revision: newRevisionId() });
    expect((await videoOf(record.video)).copies).toHaveLength(1);
  });

  it('gives its holder no rights over the video: neither its record nor its withdrawal is accepted', async () => {
    const [origin, holder] = [await harness.addSite('origin'), await harness.addSite('holder')];
    const record = videoRecord({ name: 'The real one' });
    await publish(origin, record);
    await publish(holder, copyOf(record, origin, 1));
    for (const [version, claim] of [
      [2, { ...record, version: 2, name: 'A false one' }],
      [3, tombstone(record.video, 3)],
    ] as const) {
      expect((await publish(holder, claim)).error).toMatch(/has the id of a video of another site/);
      expect(holder.acknowledged.some(each => each.version === version)).toBe(false);
      await holder.handshake();
    }
    await publish(holder, gone(record.video, 4));
    await publish(holder, { ...record, version: 5, name: 'A false one' });
    expect(await videoOf(record.video)).toMatchObject({ name: 'The real one', state: 'published' });
  });
});

describe('the assignments of a site', () => {
  it('follow the rules, pinned videos first', async () => {
    const [origin, holder] = [await harness.addSite('origin'), await harness.addSite('holder')];
    const record = videoRecord();
    await publish(origin, record);
    const waiting = assignmentsOf(holder, 0, 20);
    const { id } = await addRule({ kind: 'by-hand', video: record.video, site: holder.id });
    const first = await waiting;
    expect(first.assignments).toMatchObject([
      {
        wanted: true,
        video: record.video,
        origin: origin.id,
        revision: record.revision,
        version: 1,
        hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    ]);
    expect((await assignmentsOf(origin)).assignments).toEqual([]);
    // A new revision is assigned again, and nothing else.
    const revision = newRevisionId();
    await publish(origin, { ...record, version: 2, revision });
    const second = await assignmentsOf(holder, first.position);
    expect(second.assignments).toMatchObject([{ wanted: true, revision, version: 2 }]);
    expect((await assignmentsOf(holder, second.position)).assignments).toEqual([]);
    // A site that is ahead of the feed reads all of it again.
    expect((await assignmentsOf(holder, 1_000_000)).assignments).toHaveLength(1);
    expect((await harness.request('DELETE', `/api/placement-rules/${id}`)).status).toBe(204);
    const third = await eventually('the assignment ends', async () => {
      const page = await assignmentsOf(holder, second.position);
      return page.assignments.length > 0 && page;
    });
    expect(third.assignments).toMatchObject([{ wanted: false, video: record.video }]);
  });

  it('end with the video', async () => {
    const [origin, holder] = [await harness.addSite('origin'), await harness.addSite('holder')];
    const record = videoRecord();
    await publish(origin, record);
    await addRule({ kind: 'by-hand', video: record.video, site: holder.id });
    const { position } = await assignmentsOf(holder, 0, 20);
    await publish(origin, tombstone(record.video, 2));
    expect((await assignmentsOf(holder, position, 20)).assignments).toMatchObject([{ wanted: false }]);
  });

  it('follow the plays that trackers report', async () => {
    const [origin, holder] = [await harness.addSite('origin'), await harness.addSite('holder')];
    const tracker = await harness.addTracker('tracker');
    const [hot, cold] = [videoRecord(), videoRecord()];
    await publish(origin, hot, cold);
    const plays = { plays: [{ video: hot.video, count: 20 }] };
    const report = { ...bounds, method: 'POST', body: plays } as const;
    await call(`${harness.central.url}/api/plays`, {
      ...report,
      signer: tracker.signer,
      response: z.unknown(),
    });
    await addRule({ kind: 'hot', top: 5, at: { sites: [holder.id] } });
    const { assignments } = await assignmentsOf(holder, 0, 20);
    expect(assignments.map(({ video }) => video)).toEqual([hot.video]);
    await expect(
      call(`${harness.central.url}/api/plays`, { ...report, signer: holder.signer, response: z.unknown() }),
    ).rejects.toMatchObject({ code: 'role-mismatch' });
  });

  it('are set by the operator only', async () => {
    const rule = { kind: 'by-hand', video: newVideoId(), site: newSiteId() };
    for (const [method, path, body] of [
      ['POST', '/api/placement-rules', rule],
      ['GET', '/api/placement-rules', undefined],
      ['DELETE', '/api/placement-rules/x', undefined],
      ['GET', '/api/copies', undefined],
      ['POST', `/api/sites/${rule.site}/lost`, undefined],
    ] as const) {
      expect((await harness.request(method, path, { token: null, body })).status).toBe(401);
    }
    expect((await harness.request('POST', '/api/placement-rules', { body: rule })).body.code).toBe(
      'site-unknown',
    );
    expect((await harness.request('POST', `/api/sites/${rule.site}/lost`)).body.code).toBe('site-unknown');
    for (const named of [
      { kind: 'stays', of: { sites: [rule.site] } },
      { kind: 'at-most', bytes: 1, at: { sites: [rule.site] } },
    ]) {
      expect((await harness.request('POST', '/api/placement-rules', { body: named })).body.code).toBe(
        'site-unknown',
      );
    }
    const bad = { kind: 'at-least', copies: 0 };
    expect((await harness.request('POST', '/api/placement-rules', { body: bad })).status).toBe(400);
  });
});

describe('sites that cannot take copies', () => {
  const copiesOf = async () => (await harness.request('GET', '/api/copies')).body;
  const reportStorage = (site: TestSite, changes: Partial<StorageReport> = {}) =>
    call(`${harness.central.url}/api/storage-reports`, {
      ...bounds,
      method: 'POST',
      body: { freeBytes: 1e12, servesViewers: true, damage: [], ...changes },
      signer: site.signer,
      response: z.unknown(),
    });
  const assignedTo = async (sites: readonly TestSite[], count: number): Promise<number[]> =>
    eventually('the copies are assigned', async () => {
      const pages = await Promise.all(sites.map(site => assignmentsOf(site)));
      const counts = pages.map(page => page.assignments.filter(({ wanted }) => wanted).length);
      return counts.reduce((sum, each) => sum + each, 0) === count && counts;
    });

  it('get none: one that is down, and one without space', async () => {
    const tracker = await harness.addTracker('tracker');
    const origin = await harness.addSite('origin');
    const sites = [
      await harness.addSite('down'),
      await harness.addSite('full'),
      await harness.addSite('good'),
    ];
    const [down, full, good] = sites as [TestSite, TestSite, TestSite];
    await publish(origin, ...Array.from({ length: 6 }, () => videoRecord()));
    await tracker.reportSiteStates([
      { site: down.id, up: false },
      ...[origin, full, good].map(({ id }) => ({ site: id, up: true })),
    ]);
    await reportStorage(full, { freeBytes: 1_000 });
    await addRule({ kind: 'at-least', copies: 2 });
    expect(await assignedTo(sites, 6)).toEqual([0, 0, 6]);
    const listed = (await harness.request('GET', '/api/sites')).body.sites;
    expect(listed.find(({ id }: { id: string }) => id === down.id)).toMatchObject({
      state: 'down',
      stateSince: expect.any(String),
    });
    // A short outage of the chosen site moves nothing.
    await tracker.reportSiteStates([
      { site: good.id, up: false },
      { site: down.id, up: true },
    ]);
    await reportStorage(full, { freeBytes: 1e12, servesViewers: false });
    await harness.request('POST', '/api/placement-rules', {
      body: { kind: 'at-most', bytes: 1e15, at: 'all' },
    });
    expect(await assignedTo(sites, 6)).toEqual([0, 0, 6]);
  });

  it('report damage, and a damaged copy or original is not counted', async () => {
    const [origin, holder] = [await harness.addSite('origin'), await harness.addSite('holder')];
    const record = videoRecord();
    await publish(origin, record);
    await publish(holder, copyOf(record, origin, 1));
    expect((await copiesOf()).placements[0].holders).toBe(2);
    const damage = {
      video: record.video,
      holding: 'copy' as const,
      foundAt: '2026-01-01T00:00:00.000Z',
      repair: 'pending' as const,
      detail: 'The disk has altered it.',
    };
    await reportStorage(holder, { damage: [damage] });
    await reportStorage(origin, { damage: [{ ...damage, holding: 'own', repair: 'impossible' }] });
    const [placement] = (await copiesOf()).placements;
    expect(placement.holders).toBe(0);
    expect(placement.damage).toMatchObject([
      { site: { id: expect.any(String) }, repair: expect.any(String) },
      { detail: damage.detail },
    ]);
    await reportStorage(holder);
    await reportStorage(origin);
    expect((await copiesOf()).placements[0]).toMatchObject({ holders: 2 });
    expect((await copiesOf()).placements[0].damage).toBeUndefined();
    await expect(
      harness.request('POST', '/api/storage-reports', { body: { freeBytes: 1 } }),
    ).resolves.toMatchObject({ status: 401 });
    await expect(reportStorage(holder, { freeBytes: -1 })).rejects.toMatchObject({ status: 400 });
  });
});

describe('a rule that is removed', () => {
  it('can be restored until its copies are deleted, and says before what would be deleted', async () => {
    await harness.stop();
    harness = await startCentralHarness({ copyRetention: '1 h' });
    const [origin, holder] = [await harness.addSite('origin'), await harness.addSite('holder')];
    const [copied, other] = [videoRecord(), videoRecord()];
    await publish(origin, copied, other);
    const rule = await addRule({ kind: 'at-least', copies: 2 });
    const { position } = await eventually('both are assigned', async () => {
      const page = await assignmentsOf(holder);
      return page.assignments.length === 2 && page;
    });
    await publish(holder, copyOf(copied, origin, 1));
    const preview = (body: unknown) =>
      harness.request('POST', '/api/placement-rules/preview', { body }).then(response => response.body);
    expect(await preview({ remove: [rule.id] })).toMatchObject({
      copies: 2,
      sites: [{ id: holder.id, name: 'holder', copies: 2, bytes: expect.any(Number) }],
      newlyAtRisk: 1,
      undoS: 3_600,
    });
    expect(await preview({ add: [{ kind: 'at-least', copies: 3 }] })).toMatchObject({ copies: 0 });
    expect(await preview({ add: [{ kind: 'stays', of: 'all' }] })).toMatchObject({ copies: 2 });
    expect(
      (await harness.request('POST', '/api/placement-rules/preview', { body: { remove: ['x'] } })).status,
    ).toBe(404);
    expect((await harness.request('DELETE', `/api/placement-rules/${rule.id}`)).status).toBe(204);
    const placement = await eventually('the copy will end', async () => {
      const { placements } = (await harness.request('GET', `/api/copies?video=${copied.video}`)).body;
      return placements[0]?.copies[0]?.endsAt !== undefined && placements[0];
    });
    expect(placement.copies).toMatchObject([{ state: 'leaving' }]);
    const [removed] = (await harness.request('GET', '/api/placement-rules')).body.rules;
    expect(Date.parse(removed.restorableUntil) - Date.parse(removed.removedAt)).toBe(3_600_000);
    expect((await harness.request('DELETE', `/api/placement-rules/${rule.id}`)).status).toBe(404);
    expect((await harness.request('POST', `/api/placement-rules/${rule.id}/restore`)).status).toBe(200);
    await eventually('the copy stays', async () => {
      const { placements } = (await harness.request('GET', `/api/copies?video=${copied.video}`)).body;
      return placements[0]?.copies[0]?.state === 'complete';
    });
    const after = await assignmentsOf(holder, position);
    expect(after.assignments.every(({ wanted }) => wanted)).toBe(true);
    expect((await harness.request('POST', `/api/placement-rules/${rule.id}/restore`)).status).toBe(404);
    for (const path of ['/preview', `/${rule.id}/restore`]) {
      const refused = await harness.request('POST', `/api/placement-rules${path}`, { token: null, body: {} });
      expect(refused.status).toBe(401);
    }
  });
});

describe('a site that is lost', () => {
  async function makeLoss() {
    const [origin, successor] = [await harness.addSite('origin'), await harness.addSite('successor')];
    const [copied, unique] = [videoRecord({ name: 'Copied' }), videoRecord({ name: 'Unique' })];
    await publish(origin, copied, unique);
    await publish(successor, copyOf(copied, origin, 1));
    return { origin, successor, copied, unique, response: await lose(origin) };
  }

  it('passes its videos to the holders of copies: each video always has exactly one owner', async () => {
    const tracker = await harness.addTracker('tracker');
    const { origin, successor, copied, unique, response } = await makeLoss();
    expect(response).toMatchObject({
      promoted: [{ video: copied.video, name: 'Copied', to: { id: successor.id } }],
      lost: [{ video: unique.video, name: 'Unique' }],
    });
    // The successor learns that the video belongs to it; until it publishes that itself, nothing has changed.
    const { assignments } = await assignmentsOf(successor, 0, 20);
    expect(assignments).toMatchObject([{ wanted: true, video: copied.video, origin: successor.id }]);
    expect(await videoOf(copied.video)).toMatchObject({ site: { id: origin.id } });
    const before = await tracker.changes(0);
    const inherited = { ...copied, version: 2, revision: newRevisionId() };
    await publish(successor, inherited);
    expect(await videoOf(copied.video)).toMatchObject({
      site: { id: successor.id },
      revision: inherited.revision,
    });
    const { changes } = await tracker.changes(before.position);
    expect(changes).toMatchObject([
      { kind: 'video', site: successor.id, version: 2, promoted: true },
      { kind: 'gone', site: origin.id, video: copied.video },
    ]);
    const { videos } = (await harness.request('GET', '/api/videos')).body;
    expect(videos.map((video: { name: string }) => video.name).sort()).toEqual(['Copied', 'Unique']);
    // No rule assigns the successor a copy of its own video; the video stays with it all the same.
    await addRule({ kind: 'by-hand', video: unique.video, site: successor.id });
    await eventually(
      'the successor has another assignment',
      async () => (await assignmentsOf(successor)).assignments.length > 1,
    );
    expect(await videoOf(copied.video)).toMatchObject({ site: { id: successor.id } });
  });

  it('learns of it when it returns, and does not publish the video twice', async () => {
    const { origin, successor, copied } = await makeLoss();
    const before = { ...copied, version: 2, revision: newRevisionId() };
    await publish(successor, before);
    // It still treats the video as its own, and has changed it in the meantime.
    expect((await publish(origin, { ...copied, version: 3, name: 'Renamed' })).error).toMatch(/epoch/);
    const response = await origin.handshake();
    expect(response.same).toBe(false);
    const { held } = await call(`${harness.central.url}/api/handshakes/held`, {
      ...bounds,
      method: 'POST',
      body: { epoch: response.epoch },
      signer: origin.signer,
      response: heldPageSchema,
    });
    expect(held.find(({ video }) => video === copied.video)).toMatchObject({ supersededBy: successor.id });
    // A site that ignores this is refused, including its withdrawal.
    expect((await origin.collect()).error).toMatch(/that another site took over/);
    await origin.handshake();
    expect((await publish(origin, tombstone(copied.video, 4))).error).toMatch(/that another site took over/);
    await origin.handshake();
    expect(await videoOf(copied.video)).toMatchObject({ site: { id: successor.id }, name: 'Copied' });
    // A site that accepts it reports the video as gone; then nothing is pending.
    await publish(origin, gone(copied.video, 5));
    expect((await origin.handshake()).same).toBe(true);
    // It may get a copy of its former video, like any other site.
    await publish(origin, copyOf(before, successor, 6));
    expect((await videoOf(copied.video)).copies.map((copy: { site: string }) => copy.site)).toEqual([
      successor.id,
      origin.id,
    ]);
  });

  it('that returns in time and withdraws a video wins: the video does not come back', async () => {
    const { origin, successor, copied } = await makeLoss();
    await origin.handshake();
    await publish(origin, tombstone(copied.video, 2));
    expect((await publish(successor, { ...copied, version: 2, revision: newRevisionId() })).error).toMatch(
      /has the id of a video of another site/,
    );
    expect((await harness.request('GET', `/api/videos/${copied.video}`)).status).toBe(410);
    await successor.handshake();
    await publish(successor, gone(copied.video, 3));
    expect((await successor.handshake()).same).toBe(true);
  });

  it('that is declared lost again leaves its successors unchanged', async () => {
    const { origin, successor, copied } = await makeLoss();
    const third = await harness.addSite('third');
    await publish(third, copyOf(copied, origin, 1));
    await harness
      .addTracker('tracker')
      .then(tracker => tracker.reportSiteStates([{ site: third.id, up: true }]));
    expect((await lose(origin)).promoted).toMatchObject([{ video: copied.video, to: { id: successor.id } }]);
  });

  it('can be a successor too: the video passes to the next one', async () => {
    const { origin, successor, copied } = await makeLoss();
    const inherited = { ...copied, version: 2, revision: newRevisionId() };
    await publish(successor, inherited);
    const third = await harness.addSite('third');
    await publish(third, copyOf(inherited, successor, 1));
    expect((await lose(successor)).promoted).toMatchObject([{ video: copied.video, to: { id: third.id } }]);
    await publish(third, { ...inherited, version: 2, revision: newRevisionId() });
    expect(await videoOf(copied.video)).toMatchObject({ site: { id: third.id } });
    expect((await lose(origin)).promoted).toEqual([]);
  });

  it('counts as present again after a handshake', async () => {
    const { origin } = await makeLoss();
    const names = async () =>
      (await harness.request('GET', '/api/copies')).body.sites
        .map((site: { name: string }) => site.name)
        .sort();
    expect(await names()).toEqual(['successor']);
    await origin.handshake();
    expect(await names()).toEqual(['origin', 'successor']);
  });
});
