/** Rows of copies, and what this site says of them, together. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeDatabase, type TestDatabase } from '../../../../test/support/postgres/databases.ts';
import { openDatabase } from '../../../kernel/sql/sql.ts';
import { newRevisionId, newSiteId, newVideoId } from '../../../protocol/base/ids.ts';
import type { Assignment } from '../../../protocol/copies.ts';
import { type SiteSchema, siteMigrations } from '../tables/schema.ts';
import { findVideo, type SiteDatabase } from '../tables/videos.ts';
import {
  type CompleteCopy,
  cancelTakeover,
  completeCopy,
  findCopy,
  forgetCopy,
  isUnpublishedTakeover,
  listCopyWork,
  noteCopyFailure,
  releaseCopy,
  takeOverVideo,
  writeAssignments,
} from './copies.ts';
import { readSignal } from './signal.ts';

let database: TestDatabase;
let db: SiteDatabase;
beforeEach(async () => {
  database = await makeDatabase();
  db = await openDatabase<SiteSchema>(database.place, siteMigrations);
});
afterEach(async () => {
  await db.destroy();
  await database.drop();
});

const self = newSiteId();
const origin = newSiteId();
const video = newVideoId();
const revision = newRevisionId();
const wish = (changes: object = {}): Assignment =>
  ({
    wanted: true,
    video,
    origin,
    revision,
    version: 3,
    hash: 'a'.repeat(64),
    sizeBytes: 9,
    reason: 'An operator put it there.',
    ...changes,
  }) as Assignment;
const whole = (changes: Partial<CompleteCopy> = {}): CompleteCopy => ({
  video,
  revision,
  origin,
  record: '{}',
  recordVersion: 3,
  name: 'A lecture',
  description: '',
  path: 'videos/a/copy/pack',
  sourceAddress: '192.0.2.1:80',
  sizeBytes: 9,
  files: 4,
  ...changes,
});
const work = (nowMs = Date.now()) => listCopyWork(db, self, nowMs, 10);
const said = async () =>
  (await db.selectFrom('records').selectAll().execute()).map(({ body, published, version }) => ({
    ...(JSON.parse(body) as { kind: string }),
    published,
    version,
  }));

describe('a copy', () => {
  it('is listed as work until it is complete, and then has an unpublished record', async () => {
    await writeAssignments(db, [wish()], 7);
    expect(await work()).toMatchObject([{ video_id: video, state: 'wanted' }]);
    expect(Number((await readSignal(db)).assignments)).toBe(7);
    expect(await said()).toEqual([]);
    expect(await completeCopy(db, whole())).toBe(true);
    expect(await work()).toEqual([]);
    expect(await said()).toMatchObject([{ kind: 'copy', revision, origin, published: 0, version: 0 }]);
    expect((await readSignal(db)).flag).toBe('not-sent');
  });

  it('is listed again for a newer revision or a new name, and only the revision makes a new record', async () => {
    await writeAssignments(db, [wish()], 7);
    await completeCopy(db, whole());
    await writeAssignments(db, [wish({ version: 4 })], 8);
    expect(await work()).toHaveLength(1);
    const { change } = await readSignal(db);
    await completeCopy(db, whole({ recordVersion: 4, record: '{"name":"new"}' }));
    expect(await work()).toEqual([]);
    expect((await readSignal(db)).change).toBe(change);
    expect((await findCopy(db, video))?.held_record).toBe('{"name":"new"}');
    const next = newRevisionId();
    await writeAssignments(db, [wish({ version: 5, revision: next })], 9);
    await completeCopy(db, whole({ recordVersion: 5, revision: next }));
    expect(await said()).toMatchObject([{ kind: 'copy', revision: next }]);
  });

  it('that is no longer wanted is released in a record before its row is deleted', async () => {
    await writeAssignments(db, [wish()], 7);
    await completeCopy(db, whole());
    await writeAssignments(db, [{ wanted: false, video, reason: 'No rule wants it.' }], 8);
    expect(await work()).toMatchObject([{ wanted: 0 }]);
    await releaseCopy(db, video, 'No rule wants it.');
    expect(await said()).toMatchObject([{ kind: 'gone', because: 'No rule wants it.', published: 0 }]);
    await forgetCopy(db, video);
    expect(await findCopy(db, video)).toBeUndefined();
    await writeAssignments(db, [wish()], 9);
    await completeCopy(db, whole());
    expect(await said()).toMatchObject([{ kind: 'copy' }]);
  });

  it('that was never complete is deleted without a record', async () => {
    await writeAssignments(db, [wish(), { wanted: false, video, reason: 'No.' }], 7);
    await releaseCopy(db, video, 'No.');
    await forgetCopy(db, video);
    expect(await said()).toEqual([]);
    expect(await findCopy(db, video)).toBeUndefined();
  });

  it('keeps its row if it is wanted again during its deletion, and is not published if it was withdrawn meanwhile', async () => {
    await writeAssignments(db, [wish()], 7);
    await completeCopy(db, whole());
    await releaseCopy(db, video, 'No rule wants it.');
    await forgetCopy(db, video);
    expect(await work()).toHaveLength(1);
    await releaseCopy(db, video, 'The video was withdrawn.', true);
    expect(await completeCopy(db, whole())).toBe(false);
    expect(await said()).toMatchObject([{ kind: 'gone' }]);
  });

  it('waits after a failure', async () => {
    await writeAssignments(db, [wish()], 7);
    await noteCopyFailure(db, video, 'nobody has it', 5_000);
    expect(await work(4_999)).toEqual([]);
    expect(await work(5_000)).toMatchObject([{ attempts: 1, error: 'nobody has it' }]);
  });

  it('becomes the video on a takeover: one row, one record, no copy', async () => {
    await writeAssignments(db, [wish()], 7);
    await completeCopy(db, whole());
    await writeAssignments(db, [wish({ origin: self })], 8);
    expect(await work()).toHaveLength(1);
    const own = newRevisionId();
    await takeOverVideo(db, {
      record: {
        kind: 'video',
        video,
        version: 3,
        revision,
        name: '课程',
        description: '',
        path: 'videos/a/source',
        sourceAddress: '192.0.2.1:80',
        sizeBytes: 9,
        bitrateBps: 9,
        durationMs: 9,
        sha256: '0'.repeat(64),
        container: 'MP4',
        renditions: [],
        createdAt: '2026-01-01T00:00:00.000Z',
      },
      revision: own,
      prepared: '{}',
      describe: ({ name }) => ({ kind: 'gone', video, because: name, goneAt: '2026-01-01T00:00:00.000Z' }),
    });
    expect(await findCopy(db, video)).toBeUndefined();
    expect(await findVideo(db, video)).toMatchObject({
      state: 'ready',
      revision: own,
      name: '课程',
      extras_made: 1,
    });
    expect(await said()).toMatchObject([{ because: '课程', published: 0 }]);
    // Withdrawn by its former site before this one had published it: there was nothing to inherit.
    await db
      .updateTable('videos')
      .set({ prepared: JSON.stringify({ takenOver: { path: 'x' } }) })
      .execute();
    const row = await findVideo(db, video);
    expect(row && isUnpublishedTakeover(row)).toBe(true);
    await cancelTakeover(db, video);
    expect(await findVideo(db, video)).toBeUndefined();
    expect(await said()).toMatchObject([{ kind: 'gone', published: 0 }]);
  });
});
