/** `publishAt` and `withdrawAt` at central: what nobody finds before and after, by the record only, without the site. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { applySchedule } from '../../src/central/database/scheduled-videos.ts';
import { type CentralDatabase, type CentralSchema, migrations } from '../../src/central/database/schema.ts';
import { openDatabase } from '../../src/kernel/sql/sql.ts';
import { newId, type VideoId } from '../../src/protocol/base/ids.ts';
import type { VideoRecord } from '../../src/protocol/publication/record.ts';
import { phaseAt } from '../../src/protocol/publication/schedule.ts';
import { Registry } from '../../src/tracker/registry/registry.ts';
import { type CentralHarness, startCentralHarness } from '../support/central-harness.ts';
import { insertPerson, insertToken } from '../support/people.ts';
import { tombstone, videoRecord } from '../support/records.ts';
import type { TestSite } from '../support/test-site.ts';
import type { TestTracker } from '../support/test-tracker.ts';

const HOUR_MS = 3_600_000;
const iso = (ms: number): string => new Date(ms).toISOString();
const fromNow = (ms: number): string => iso(Date.now() + ms);
const series = { id: 'scheduled' };

let harness: CentralHarness;
let db: CentralDatabase;
let site: TestSite;
let tracker: TestTracker;
let viewer: string;
beforeAll(async () => {
  harness = await startCentralHarness();
  db = await openDatabase<CentralSchema>(harness.database.place, migrations);
  site = await harness.addSite('a');
  tracker = await harness.addTracker('t');
  const person = await insertPerson(db, { roles: [{ role: 'viewer', scope: 'everything' }] });
  viewer = (await insertToken(db, person)).token;
  await harness.request('POST', '/api/series', { body: { id: series.id, title: 'Scheduled' } });
});
afterAll(async () => {
  await db.destroy();
  await harness.stop();
});

let version = 1;
async function put(record: VideoRecord): Promise<VideoRecord> {
  const next = { ...record, version: ++version };
  site.put(next);
  expect(await site.collect()).not.toHaveProperty('error');
  return next;
}
const status = async (video: VideoId, token: string | null = null, query = ''): Promise<string> => {
  const { status, body } = await harness.request('GET', `/api/videos/${video}${query}`, { token });
  return body.code ?? String(status);
};
const listed = async (video: VideoId, token: string | null = null): Promise<boolean> =>
  (await harness.request('GET', '/api/videos?limit=100', { token })).body.videos.some(
    ({ id }: { id: string }) => id === video,
  );
const countOf = async (): Promise<number> =>
  (await harness.request('GET', `/api/series/${series.id}`, { token: null })).body.videos;
/** What a tracker that has read the feed says at this time. */
async function atTracker(video: VideoId, nowMs: number): Promise<string> {
  const registry = new Registry(1, 0, () => nowMs);
  registry.apply((await tracker.changes(0, '&audiences=true&schedules=true&limit=1000')).changes);
  return registry.find(video).kind;
}

it('before publishAt, only editors find a video, and no link shows it; then it appears with its own audience', async () => {
  const publishAt = fromNow(HOUR_MS);
  const dueMs = Date.parse(publishAt);
  const open = await put(videoRecord({ publishAt, series }));
  const internal = await put(videoRecord({ publishAt, series, visibility: 'private', audience: 'internal' }));
  const groups = await put(
    videoRecord({ publishAt, visibility: 'private', audience: 'groups', groups: [newId()] }),
  );
  expect(await countOf()).toBe(0);
  for (const { video } of [open, internal, groups]) {
    expect(
      await Promise.all([status(video), status(video, viewer), listed(video), listed(video, viewer)]),
    ).toEqual(['video-unknown', 'video-unknown', false, false]);
    expect([await atTracker(video, dueMs - 1), await atTracker(video, dueMs)]).toEqual(['unknown', 'known']);
  }
  const operator = await harness.request('GET', `/api/videos/${open.video}`);
  expect(operator.body).toMatchObject({ publishAt, audience: 'public' });
  expect((await harness.request('POST', `/api/videos/${internal.video}/viewing`)).body.code).toBe(
    'video-scheduled',
  );
  const link = await harness.request('POST', `/api/videos/${internal.video}/grants`, {
    body: { expiresInS: 7_200 },
  });
  expect(await status(internal.video, null, `?grant=${link.body.grant}`)).toBe('video-unknown');

  expect(await applySchedule(db, dueMs - 1)).toBe(0);
  expect(await applySchedule(db, dueMs)).toBe(3);
  expect(await applySchedule(db, dueMs)).toBe(0);
  expect([await status(open.video), await listed(open.video), await countOf()]).toEqual(['200', true, 1]);
  expect([await status(internal.video), await status(internal.video, viewer)]).toEqual([
    'video-unknown',
    '200',
  ]);
  expect(await status(groups.video, viewer)).toBe('video-unknown');
  // It is new as of its publishAt.
  expect((await harness.request('GET', `/api/videos/${open.video}`)).body.publishedAt).toBe(publishAt);
  const { video_groups } = { video_groups: await db.selectFrom('video_groups').selectAll().execute() };
  expect(video_groups).toMatchObject([{ video_id: groups.video, group_id: groups.groups?.[0] }]);
});

it('appears by itself, soon after its publishAt', async () => {
  const { video } = await put(videoRecord({ publishAt: fromNow(700) }));
  expect(await status(video)).toBe('video-unknown');
  await expect.poll(() => status(video)).toBe('200');
});

it('moved, removed or past: the latest record counts', async () => {
  const record = await put(videoRecord({ publishAt: fromNow(-1_000) }));
  expect(await status(record.video)).toBe('200');
  const later = await put({ ...record, publishAt: fromNow(HOUR_MS) });
  expect([await status(record.video), await listed(record.video)]).toEqual(['video-unknown', false]);
  await put({ ...later, publishAt: fromNow(2 * HOUR_MS) });
  expect(await applySchedule(db, Date.now() + HOUR_MS + 60_000)).toBe(0);
  const { publishAt: _, ...without } = later;
  await put(without as VideoRecord);
  expect([await status(record.video), await listed(record.video)]).toEqual(['200', true]);
});

it('after withdrawAt, the video is withdrawn without a call from its site, unless a later record moves the time', async () => {
  const withdrawAt = fromNow(HOUR_MS);
  const dueMs = Date.parse(withdrawAt);
  const before = await countOf();
  const record = await put(videoRecord({ withdrawAt, series }));
  expect([await status(record.video), await countOf()]).toEqual(['200', before + 1]);
  expect([await atTracker(record.video, dueMs - 1), await atTracker(record.video, dueMs)]).toEqual([
    'known',
    'withdrawn',
  ]);
  expect(await applySchedule(db, dueMs)).toBe(1);
  expect([
    await status(record.video),
    await listed(record.video),
    await listed(record.video, viewer),
  ]).toEqual(['video-withdrawn', false, false]);
  expect((await harness.request('POST', `/api/videos/${record.video}/viewing`)).body.code).toBe(
    'video-withdrawn',
  );
  expect(await countOf()).toBe(before);
  // Other sites keep their copies until the site confirms the withdrawal, which may have been moved meanwhile.
  expect((await site.withdrawalsAfter(0)).videos).not.toContain(record.video);
  const moved = await put({ ...record, withdrawAt: iso(dueMs + HOUR_MS) });
  expect([await status(record.video), await countOf()]).toEqual(['200', before + 1]);
  const past = await put({ ...moved, withdrawAt: fromNow(-1_000) });
  expect(await status(past.video)).toBe('video-withdrawn');
  site.put(tombstone(past.video, ++version));
  await site.collect();
  expect((await site.withdrawalsAfter(0)).videos).toContain(record.video);
  expect(await applySchedule(db, dueMs + 2 * HOUR_MS)).toBe(0);
});

it('the phase of a record follows from the clock', () => {
  const schedule = { publishAt: iso(1_000), withdrawAt: iso(2_000) };
  expect([999, 1_000, 1_999, 2_000].map(ms => phaseAt(schedule, ms))).toEqual([
    'pending',
    'current',
    'current',
    'expired',
  ]);
  expect(phaseAt({}, 0)).toBe('current');
});
