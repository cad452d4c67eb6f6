/**
 * A record of a newer version, with members that this version does not know, also inside others: it passes through a site, central, a
 * tracker, a copy, the restoration after a loss, and a take-over. Its hash is the same everywhere, and nothing of it is lost.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { call } from '../../src/kernel/http/client.ts';
import { sha256Hex } from '../../src/kernel/identity/keys.ts';
import { openDatabase } from '../../src/kernel/sql/sql.ts';
import { canonicalJson } from '../../src/protocol/base/canonical.ts';
import { newRevisionId, newSiteId, type SiteId } from '../../src/protocol/base/ids.ts';
import { memberInfoSchema } from '../../src/protocol/central.ts';
import { recordPageSchema } from '../../src/protocol/publication/gateway.ts';
import { restoreResponseSchema } from '../../src/protocol/publication/handshake.ts';
import { type VideoRecord, videoRecordSchema } from '../../src/protocol/publication/record.ts';
import { withdrawalFeedSchema } from '../../src/protocol/publication/withdrawals.ts';
import { rightsPageSchema } from '../../src/protocol/rights.ts';
import { completeCopy, takeOverVideo, writeAssignments } from '../../src/site/database/publication/copies.ts';
import { adoptEpoch, applyRange } from '../../src/site/database/publication/handshake.ts';
import {
  changeVideo,
  findPublishedRecord,
  numberDrafts,
} from '../../src/site/database/publication/records.ts';
import { beginStart } from '../../src/site/database/publication/signal.ts';
import { detailsColumns, parseDetails } from '../../src/site/database/tables/details.ts';
import { type SiteSchema, siteMigrations } from '../../src/site/database/tables/schema.ts';
import type { SiteDatabase } from '../../src/site/database/tables/videos.ts';
import { planEdit } from '../../src/site/http/studio/plan-edit.ts';
import { makeRecord } from '../../src/site/media/record/record.ts';
import { Registry } from '../../src/tracker/registry/registry.ts';
import { type CentralHarness, startCentralHarness } from '../support/central-harness.ts';
import { REQUEST_LIMITS } from '../support/central-requests.ts';
import { videoRecord } from '../support/records.ts';

/** Members that only a newer version knows. */
const FUTURE = {
  people: [
    {
      name: '李娜',
      role: 'speaker',
      orcid: '0000-0001',
      link: { url: 'https://example.edu', label: 'page' },
    },
  ],
  series: { id: 'physics', position: 3, season: 2 },
  chapters: [{ startMs: 0, title: 'Start', pictures: ['a', 'b'] }],
  rating: { stars: 4.5, by: { count: 12 } },
  zebra: null,
};
const record = {
  ...videoRecord({ tags: ['optics'] }),
  ...FUTURE,
  renditions: videoRecord().renditions.map(rendition => ({ ...rendition, hdr: { kind: 'new' } })),
} as unknown as VideoRecord;
const hashOf = (of: unknown): string => sha256Hex(canonicalJson(of));
const HASH = hashOf(record);

let harness: CentralHarness;
const databases: SiteDatabase[] = [];
beforeAll(async () => {
  harness = await startCentralHarness();
});
afterAll(async () => {
  await Promise.all(databases.map(db => db.destroy()));
  await harness.stop();
});
async function openSite(): Promise<SiteDatabase> {
  const place = join(harness.directory, `site-${databases.length}.sqlite`);
  const db = await openDatabase<SiteSchema>(place, siteMigrations);
  databases.push(db);
  return db;
}

it('keeps its hash from the site through central to a tracker, back to the site, and in a copy', async () => {
  const { video, revision, version } = record;
  const site = await harness.addSite('a');
  const tracker = await harness.addTracker('t');
  site.put(record);
  expect(await site.collect()).not.toHaveProperty('error');
  expect(site.acknowledged).toEqual([{ video, version, hash: HASH }]);
  const found = await harness.request('GET', `/api/videos/${video}`, { token: null });
  expect(found.body).toMatchObject({
    id: video,
    people: FUTURE.people,
    series: FUTURE.series,
    chapters: FUTURE.chapters,
  });
  const registry = new Registry();
  registry.apply((await tracker.changes(0)).changes);
  expect(registry.find(video)).toMatchObject({ kind: 'known', video: { revision } });

  // The site has lost its database, and gets the record back from central.
  const { records } = await call(`${harness.url}/api/handshakes/records`, {
    ...REQUEST_LIMITS,
    method: 'POST',
    body: { epoch: site.epoch, videos: [video] },
    signer: site.signer,
    response: restoreResponseSchema,
  });
  expect(records.map(entry => [entry.hash, hashOf(entry.record)])).toEqual([[HASH, HASH]]);
  const db = await openSite();
  await applyRange(db, {
    range: {
      after: undefined,
      held: [{ video, version, hash: HASH, withdrawn: false, writtenAt: record.createdAt }],
      more: false,
    },
    contents: new Map(records.map(entry => [entry.record.video, entry])),
    recoverSource: async () => ({ state: 'checking', error_code: null, error_detail: null }),
  });
  const row = await db.selectFrom('records').selectAll().executeTakeFirstOrThrow();
  expect([row.hash, sha256Hex(row.body)]).toEqual([HASH, HASH]);
  expect(await findPublishedRecord(db, video, revision, version)).toBe(canonicalJson(record));
  // The row of the video has them, too, so that its next record has them.
  const restored = await db.selectFrom('videos').selectAll().executeTakeFirstOrThrow();
  expect(parseDetails(restored)).toMatchObject({
    rating: FUTURE.rating,
    zebra: null,
    tags: ['optics'],
    series: { season: 2 },
  });
});

it('loses nothing when another site takes the video over from its copy, edits it, and publishes it', async () => {
  const db = await openSite();
  await beginStart(db, 'start-of-the-tests-123');
  const { video, revision, version, name, description, path, sourceAddress, sizeBytes } = record;
  const origin = newSiteId();
  await writeAssignments(
    db,
    [{ wanted: true, reason: '', video, origin, revision, version, hash: HASH } as never],
    1,
  );
  await completeCopy(db, {
    ...{ video, revision, origin, name, description, path, sourceAddress, sizeBytes },
    record: canonicalJson(record),
    recordVersion: version,
    files: 1,
  });
  const { held_record } = await db.selectFrom('copies').selectAll().executeTakeFirstOrThrow();
  expect(sha256Hex(held_record ?? '')).toBe(HASH);
  const { container, durationMs, bitrateBps, renditions, width, height } = record;
  const deps = { storage: { recordPath: () => path }, sourceAddress };
  await takeOverVideo(db, {
    record: videoRecordSchema.parse(JSON.parse(held_record ?? '')),
    revision: newRevisionId(),
    prepared: JSON.stringify({
      container,
      durationMs,
      sizeBytes,
      bitrateBps,
      renditions,
      width,
      height,
      takenOver: { path },
    }),
    describe: taken => makeRecord(taken, deps),
  });
  const row = await db.selectFrom('videos').selectAll().executeTakeFirstOrThrow();
  const { changes } = planEdit(
    row,
    { licence: 'CC0' },
    { target: { series: 'physics' }, fields: [], nowMs: Date.now() },
  );
  await changeVideo(db, video, {
    onlyFrom: ['ready'],
    changes,
    record: changed => makeRecord(changed, deps),
  });
  const epoch = { number: 1, start: 'start-of-the-tests-123' };
  expect(await adoptEpoch(db, 'x' as SiteId, { epoch, highestVersion: 3, same: true })).toBe(true);
  expect(await numberDrafts(db)).toBe(1);
  const { body, hash } = await db.selectFrom('records').selectAll().executeTakeFirstOrThrow();
  const { revision: _, version: __, writtenAt: ___, ...taken } = JSON.parse(body);
  const { revision: _r, version: _v, ...before } = record;
  expect(taken).toEqual({ ...before, licence: 'CC0' });

  // And it returns to central.
  const successor = await harness.addSite('successor');
  successor.put({ ...JSON.parse(body), video: videoRecord().video });
  expect(await successor.collect()).not.toHaveProperty('error');
  expect(hash).toBe(hashOf(JSON.parse(body)));
  // Another series than the one to which the unknown members belong.
  const moved = planEdit(
    row,
    { series: { id: 'optics' } },
    { target: { series: 'physics' }, fields: [], nowMs: 0 },
  );
  expect(JSON.stringify(moved.changes)).not.toContain('season');
  expect(detailsColumns({}).details).toBeNull();
});

it('messages of newer members and centrals are accepted, with their unknown members ignored', () => {
  const epoch = { number: 1, start: 'n'.repeat(22), more: 1 };
  const page = {
    site: newSiteId(),
    epoch,
    records: [{ record, hash: HASH, more: 1 }],
    more: false,
    next: 'x',
  };
  const [entry] = recordPageSchema.parse(page).records;
  expect(hashOf(entry?.record)).toBe(HASH);
  expect(withdrawalFeedSchema.parse({ videos: [], position: 1, more: true })).toEqual({
    videos: [],
    position: 1,
  });
  expect(memberInfoSchema.parse({ trackers: [], epoch, news: {} })).toEqual({
    trackers: [],
    epoch: { number: 1, start: epoch.start },
  });
  expect(
    rightsPageSchema.parse({
      position: 1,
      more: false,
      keys: [{ generation: 1, key: 'k'.repeat(43), note: 1 }],
      videos: [],
      revoked: [],
      extra: [],
    }),
  ).not.toHaveProperty('extra');
});
