/** `publishAt` and `withdrawAt` at a site without central: who is served and until when, and the same after a restart. */
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { videoRecord } from '../../../test/support/records.ts';
import { makeTemporaryDirectory, removeDirectory } from '../../../test/support/temporary-directory.ts';
import { silentLog } from '../../kernel/log.ts';
import { openDatabase } from '../../kernel/sql/sql.ts';
import { canonicalJson } from '../../protocol/base/canonical.ts';
import { newRevisionId, newSiteId, newVideoId, type VideoId } from '../../protocol/base/ids.ts';
import type { VideoDetails } from '../../protocol/publication/details.ts';
import { completeCopy, writeAssignments } from '../database/publication/copies.ts';
import { changeVideo } from '../database/publication/records.ts';
import { detailsColumns } from '../database/tables/details.ts';
import { type SiteSchema, siteMigrations } from '../database/tables/schema.ts';
import { findVideo, insertVideo, type SiteDatabase } from '../database/tables/videos.ts';
import { listWatchable } from '../database/watchable.ts';
import { type OpenedRights, openRights } from '../rights/open-rights.ts';
import { createSchedule, type ScheduleRunner } from './schedule.ts';

const START_MS = Date.UTC(2026, 10, 30, 12);
const HOUR_MS = 3_600_000;
const iso = (ms: number): string => new Date(ms).toISOString();
const inHours = (hours: number): string => iso(START_MS + hours * HOUR_MS);
const site = newSiteId();
const editor = { permissions: [{ permission: 'edit-any', scope: 'everything' }], groups: [] } as const;
const viewer = { permissions: [{ permission: 'watch-internal', scope: 'everything' }], groups: [] } as const;

let directory: string;
let db: SiteDatabase;
let opened: OpenedRights;
let schedule: ScheduleRunner;
let removed: VideoId[];
let noted: unknown[];

async function start(): Promise<void> {
  opened = await openRights(join(directory, 'rights.json'), db, silentLog);
  schedule = createSchedule({
    db,
    ...opened,
    storage: { remove: async video => void removed.push(video) },
    reserve: { withReserveReleased: work => work() },
    audit: { append: async event => void noted.push(event) },
    onRecord: () => {},
    onWithdrawn: async () => {},
    log: silentLog,
  });
  await schedule.run();
}
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: START_MS });
  directory = await makeTemporaryDirectory('schedule');
  db = await openDatabase<SiteSchema>(join(directory, 'site.sqlite'), siteMigrations);
  [removed, noted] = [[], []];
  await start();
});
afterEach(async () => {
  vi.useRealTimers();
  await opened.markStored([]);
  await db.destroy();
  await removeDirectory(directory);
});
async function at(hours: number): Promise<void> {
  vi.setSystemTime(START_MS + hours * HOUR_MS);
  await schedule.run();
}

async function addVideo(details: VideoDetails): Promise<VideoId> {
  const id = newVideoId();
  await insertVideo(db, {
    ...{ id, name: 'A video', description: '', language: undefined, fileName: undefined, sizeBytes: 1 },
    details,
  });
  await changeVideo(db, id, {
    onlyFrom: ['uploading'],
    changes: { state: 'ready', revision: newRevisionId() },
    record: () => ({ ...videoRecord({ video: id, ...details }) }),
  });
  await opened.markStored([id]);
  return id;
}
async function addCopy(details: VideoDetails): Promise<VideoId> {
  const record = videoRecord(details);
  const { video, revision, version, name, description, path, sourceAddress, sizeBytes } = record;
  const origin = newSiteId();
  await writeAssignments(
    db,
    [{ video, wanted: true, reason: '', origin, revision, version, hash: '' } as never],
    1,
  );
  await completeCopy(db, {
    ...{ video, revision, origin, name, description, path, sourceAddress, sizeBytes },
    record: canonicalJson(record),
    recordVersion: version,
    files: 1,
  });
  await opened.markStored([video]);
  return video;
}
const edit = (id: VideoId, details: VideoDetails): Promise<boolean> =>
  changeVideo(db, id, { onlyFrom: ['ready'], changes: detailsColumns(details) });
const stateOf = async (id: VideoId): Promise<string | undefined> => (await findVideo(db, id))?.state;
const isPrivate = (id: VideoId): boolean => opened.rights.isPrivate(id);
const watchable = async (id: VideoId) =>
  Promise.all(
    [viewer, editor].map(async who => (await listWatchable(db, [id], { viewer: who, site })).has(id)),
  );

it('serves a video to everybody from its publishAt, although central still calls it private', async () => {
  const id = await addVideo({ publishAt: inHours(1) });
  opened.state.mark('central', id, true);
  expect([isPrivate(id), await watchable(id)]).toEqual([true, [false, true]]);
  await at(0.99);
  expect(isPrivate(id)).toBe(true);
  await at(1);
  expect(isPrivate(id)).toBe(false);
});

it('publishes and withdraws after a stop of any length, before the first request', async () => {
  const published = await addVideo({ publishAt: inHours(1) });
  opened.state.mark('central', published, true);
  const ended = await addVideo({ withdrawAt: inHours(2) });
  const copy = await addCopy({ withdrawAt: inHours(2) });
  await opened.state.save();
  vi.setSystemTime(START_MS + 3 * HOUR_MS);
  await start();
  expect([isPrivate(published), await stateOf(ended)]).toEqual([false, 'withdrawn']);
  expect([
    isPrivate(copy),
    opened.rights.checkToken(opened.rights.studioToken(copy, 'x'), copy)?.code,
  ]).toEqual([true, 'video-withdrawn']);
});

it('withdraws at withdrawAt as a person would: a tombstone, no files, and an entry of the audit log', async () => {
  const id = await addVideo({ withdrawAt: inHours(1) });
  await at(0.5);
  expect(await stateOf(id)).toBe('ready');
  await at(1);
  expect([await stateOf(id), removed]).toEqual(['withdrawn', [id]]);
  const record = await db
    .selectFrom('records')
    .selectAll()
    .where('video_id', '=', id)
    .executeTakeFirstOrThrow();
  expect([
    record.withdrawn,
    record.published,
    (await db.selectFrom('signal').select('flag').executeTakeFirst())?.flag,
  ]).toEqual([1, 0, 'not-sent']);
  expect(noted).toEqual([
    {
      who: { kind: 'system' },
      action: 'video.withdraw',
      object: `video:${id}`,
      before: { name: 'A video', state: 'ready' },
    },
  ]);
  await at(2);
  expect(noted).toHaveLength(1);
});

it('obeys the last edit: moved, removed, and for a video that was public before', async () => {
  const id = await addVideo({ withdrawAt: inHours(1) });
  await edit(id, { withdrawAt: inHours(3) });
  await at(2);
  await edit(id, { publishAt: inHours(4) });
  await opened.markStored([id]);
  expect([await stateOf(id), isPrivate(id)]).toEqual(['ready', true]);
  await edit(id, {});
  await opened.markStored([id]);
  await at(5);
  expect([await stateOf(id), isPrivate(id)]).toEqual(['ready', false]);
});

it('refuses a copy before and after its time with any token, and keeps its files', async () => {
  const copy = await addCopy({ publishAt: inHours(1), withdrawAt: inHours(2) });
  expect([isPrivate(copy), await watchable(copy)]).toEqual([true, [false, true]]);
  await at(1);
  expect(isPrivate(copy)).toBe(false);
  await at(2);
  const token = opened.rights.studioToken(copy, 'someone');
  expect([isPrivate(copy), await watchable(copy), opened.rights.checkToken(token, copy)?.code]).toEqual([
    true,
    [false, false],
    'video-withdrawn',
  ]);
  expect(removed).toEqual([]);
});
