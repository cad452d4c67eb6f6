/** Owner, audience and series survive every way in which a site gets the row of a video: from its record, and into the next. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeDatabase, type TestDatabase } from '../../../../test/support/postgres/databases.ts';
import { sha256Hex } from '../../../kernel/identity/keys.ts';
import { openDatabase } from '../../../kernel/sql/sql.ts';
import { canonicalJson } from '../../../protocol/base/canonical.ts';
import { newRevisionId, newSiteId, newVideoId } from '../../../protocol/base/ids.ts';
import { type VideoRecord, videoRecordSchema } from '../../../protocol/publication/record.ts';
import { takeOverVideo } from '../publication/copies.ts';
import { adoptEpoch, applyRange } from '../publication/handshake.ts';
import { beginStart } from '../publication/signal.ts';
import { peopleFieldsOf } from './people-columns.ts';
import { listPrivate } from './private-videos.ts';
import { type SiteSchema, siteMigrations } from './schema.ts';
import { findVideo, insertVideo, type SiteDatabase } from './videos.ts';

let database: TestDatabase;
let db: SiteDatabase;
beforeEach(async () => {
  database = await makeDatabase();
  db = await openDatabase<SiteSchema>(database.place, siteMigrations);
  await beginStart(db, 'start-of-the-tests');
});
afterEach(async () => {
  await db.destroy();
  await database.drop();
});

const video = newVideoId();
const person = '0b7d3c0e-0000-4000-8000-000000000001';
const group = '0b7d3c0e-0000-4000-8000-000000000002';
type People = Pick<VideoRecord, 'visibility' | 'audience' | 'groups' | 'owner' | 'series'>;
const RECORDED: readonly People[] = [
  {},
  { visibility: 'private' },
  { visibility: 'private', audience: 'internal', owner: { id: person, name: 'Ann' } },
  { visibility: 'private', audience: 'groups', groups: [group], series: { id: 'physics', position: 0 } },
  { owner: { id: person, name: '安' }, series: { id: 'physics' } },
];
const recordWith = (people: People): VideoRecord =>
  videoRecordSchema.parse({
    ...{ kind: 'video', video, version: 3, revision: newRevisionId(), name: 'A video', description: '' },
    ...{ path: 'videos/a/source', sourceAddress: '192.0.2.1:80', sizeBytes: 9, bitrateBps: 9, durationMs: 9 },
    ...{ sha256: '0'.repeat(64), container: 'mp4', createdAt: '2026-01-01T00:00:00.000Z' },
    renditions: [
      {
        ...{ kind: 'audio', id: 'source-audio', codec: 'opus', bandwidthBps: 9, averageBandwidthBps: 9 },
        ...{ channels: 2, sampleRateHz: 48_000 },
      },
    ],
    ...people,
  });

async function expectStored(people: People): Promise<void> {
  const row = (await findVideo(db, video)) ?? expect.fail();
  expect(peopleFieldsOf(row)).toEqual(people);
  expect(row.approval).toBeNull();
  expect((await listPrivate(db)).has(video)).toBe(people.visibility === 'private');
}

it.each(RECORDED)('a successor takes over a video with %j', async people => {
  await takeOverVideo(db, {
    record: recordWith(people),
    revision: newRevisionId(),
    prepared: '{}',
    describe: ({ name }) => ({ kind: 'gone', video, because: name, goneAt: '2026-01-01T00:00:00.000Z' }),
  });
  await expectStored(people);
});

it.each(RECORDED)('a handshake restores a video with %j, which is approved', async people => {
  // In an older backup of this database, the video still awaits approval.
  await insertVideo(db, {
    ...{ id: video, name: 'Old', description: '', language: undefined, fileName: undefined, sizeBytes: 9 },
    needsApproval: true,
    audience: { audience: 'internal', groups: [] },
  });
  expect((await listPrivate(db)).has(video)).toBe(true);
  const record = recordWith(people);
  const hash = sha256Hex(canonicalJson(record));
  const held = {
    ...{ video, version: 3, hash, withdrawn: false, writtenAt: record.createdAt },
  };
  await applyRange(db, {
    range: { after: undefined, held: [held], more: false },
    contents: new Map([[video, { record, hash }]]),
    recoverSource: async () => ({ state: 'checking', error_code: null, error_detail: null }),
  });
  await expectStored(people);
  const epoch = { number: 1, start: 'start-of-the-tests' };
  expect(await adoptEpoch(db, newSiteId(), { epoch, highestVersion: 3, same: false })).toBe(true);
});
