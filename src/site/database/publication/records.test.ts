import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeDatabase, type TestDatabase } from '../../../../test/support/postgres/databases.ts';
import { openDatabase } from '../../../kernel/sql/sql.ts';
import { newRevisionId, newSiteId, newVideoId, type VideoId } from '../../../protocol/base/ids.ts';
import type { RecordDraft } from '../../../protocol/publication/record.ts';
import { type SiteSchema, siteMigrations } from '../tables/schema.ts';
import { claimCheck, findVideo, insertVideo, markChecking, type SiteDatabase } from '../tables/videos.ts';
import { adoptEpoch } from './handshake.ts';
import {
  changeVideo,
  countUnpublished,
  listUnpublished,
  listUnregistered,
  markPublished,
  markRegistered,
  numberDrafts,
} from './records.ts';
import { beginStart, markSignalled, readSignal } from './signal.ts';

let database: TestDatabase;
let db: SiteDatabase;
beforeEach(async () => {
  database = await makeDatabase();
  db = await openDatabase<SiteSchema>(database.place, siteMigrations);
  await performHandshake();
});
afterEach(async () => {
  await db.destroy();
  await database.drop();
});

const site = newSiteId();
const epoch = { number: 1, start: 'start-of-the-tests' };
const performHandshake = async (): Promise<void> => {
  await beginStart(db, epoch.start);
  expect(await adoptEpoch(db, site, { epoch, highestVersion: 0, same: true })).toBe(true);
};
const revision = newRevisionId();
const makeRecord =
  (video: VideoId, name = 'A video') =>
  (): RecordDraft => ({
    kind: 'video',
    video,
    revision,
    name,
    description: '',
    path: `videos/${video}/source`,
    sourceAddress: '192.0.2.1:80',
    sizeBytes: 1,
    bitrateBps: 1,
    durationMs: 1,
    sha256: '0'.repeat(64),
    container: 'mp4',
    renditions: [
      {
        kind: 'audio',
        id: 'source-audio',
        codec: 'opus',
        bandwidthBps: 1,
        averageBandwidthBps: 1,
        channels: 2,
        sampleRateHz: 48_000,
      },
    ],
    createdAt: '2026-01-01T00:00:00.000Z',
  });

async function addVideo(): Promise<VideoId> {
  const id = newVideoId();
  await insertVideo(db, {
    id,
    name: 'A video',
    description: '',
    language: undefined,
    fileName: undefined,
    sizeBytes: 9,
  });
  await markChecking(db, id, '0'.repeat(64));
  await changeVideo(db, id, {
    onlyFrom: ['checking'],
    changes: { state: 'ready', revision },
    record: makeRecord(id),
  });
  return id;
}

const numbered = async (): Promise<void> => {
  while ((await numberDrafts(db)) > 0);
};
const unpublished = async () => {
  await numbered();
  return (await listUnpublished(db, 500, 2 ** 20)).rows;
};

describe('the two flags', () => {
  it('are written with the record: unpublished, and a signal to send', async () => {
    expect((await readSignal(db)).flag).toBe('sent');
    await addVideo();
    expect(await readSignal(db)).toMatchObject({ flag: 'not-sent', change: 1 });
    expect(await countUnpublished(db)).toBe(1);
  });

  it('change nothing if the record is invalid', async () => {
    const id = newVideoId();
    await insertVideo(db, {
      id,
      name: 'A',
      description: '',
      language: undefined,
      fileName: undefined,
      sizeBytes: 9,
    });
    await markChecking(db, id, '0'.repeat(64));
    const broken = () => ({ ...makeRecord(id)(), sizeBytes: -1 }) as RecordDraft;
    await expect(
      changeVideo(db, id, { onlyFrom: ['checking'], changes: { state: 'ready' }, record: broken }),
    ).rejects.toThrow();
    expect((await findVideo(db, id))?.state).toBe('checking');
    expect(await readSignal(db)).toMatchObject({ flag: 'sent', change: 0 });
  });

  it('the signal flag stays "not sent" if a record was written while the signal was sent', async () => {
    await addVideo();
    const { change } = await readSignal(db);
    await addVideo();
    await markSignalled(db, change);
    expect(await readSignal(db)).toMatchObject({ flag: 'not-sent', change: 2, signalled_change: 1 });
    await markSignalled(db, 2);
    expect((await readSignal(db)).flag).toBe('sent');
    // An answer to an older signal that comes late changes nothing.
    await markSignalled(db, 1);
    expect(await readSignal(db)).toMatchObject({ flag: 'sent', signalled_change: 2 });
  });

  it('an edit between read and acknowledgement is not lost', async () => {
    const id = await addVideo();
    const [read] = await unpublished();
    await changeVideo(db, id, {
      onlyFrom: ['ready'],
      changes: { name: 'Better' },
      record: makeRecord(id, 'Better'),
    });
    const stale = { video: id, version: read?.version ?? 0, hash: read?.hash ?? '' };
    expect(await markPublished(db, epoch, [stale])).toBe(0);
    const [row] = await unpublished();
    expect(row).toMatchObject({ version: 2, published: 0 });
    expect(await markPublished(db, epoch, [{ video: id, version: 2, hash: row?.hash ?? '' }])).toBe(1);
    expect(await countUnpublished(db)).toBe(0);
  });

  it('an acknowledgement of another content is ignored', async () => {
    const id = await addVideo();
    expect(await markPublished(db, epoch, [{ video: id, version: 1, hash: 'f'.repeat(64) }])).toBe(0);
    expect(await countUnpublished(db)).toBe(1);
  });

  it('a withdrawal is a record with its own version, and nothing can be edited after it', async () => {
    const id = await addVideo();
    await changeVideo(db, id, {
      onlyFrom: ['ready'],
      changes: { state: 'withdrawn' },
      record: () => ({
        kind: 'tombstone',
        video: id,
        withdrawnAt: '2026-01-01T00:00:00.000Z',
      }),
    });
    const [row] = await unpublished();
    expect(JSON.parse(row?.body ?? '')).toMatchObject({ kind: 'tombstone', version: 1 });
    expect(
      await changeVideo(db, id, { onlyFrom: ['ready'], changes: { name: 'x' }, record: makeRecord(id) }),
    ).toBe(false);
  });
});

describe('versions', () => {
  it('are given after the handshake of this start, in the order of writing', async () => {
    await beginStart(db, 'another-start');
    const first = await addVideo();
    const second = await addVideo();
    await changeVideo(db, first, {
      onlyFrom: ['ready'],
      changes: { name: 'Later' },
      record: makeRecord(first, 'Later'),
    });
    expect(await numberDrafts(db)).toBe(0);
    expect((await listUnpublished(db, 10, 2 ** 20)).rows).toEqual([]);
    expect(await countUnpublished(db)).toBe(2);
    const response = { epoch: { number: 2, start: 'another-start' }, highestVersion: 41, same: true };
    expect(await adoptEpoch(db, site, { ...response, epoch })).toBe(false);
    expect(await numberDrafts(db)).toBe(0);
    expect(await adoptEpoch(db, site, response)).toBe(true);
    expect((await unpublished()).map(row => [row.video_id, row.version])).toEqual([
      [second, 42],
      [first, 43],
    ]);
  });

  it('an acknowledgement of another epoch is refused', async () => {
    const id = await addVideo();
    const [row] = await unpublished();
    const named = [{ video: id, version: 1, hash: row?.hash ?? '' }];
    expect(await markPublished(db, { ...epoch, number: 2 }, named)).toBeUndefined();
    expect(await markPublished(db, { ...epoch, start: 'of-another-life' }, named)).toBeUndefined();
    expect(await countUnpublished(db)).toBe(1);
  });

  it('records are written in order, whatever the clock says', async () => {
    const id = await addVideo();
    const before = (await unpublished())[0]?.written_at ?? '';
    const yesterday = Date.now() - 86_400_000;
    await changeVideo(db, id, {
      onlyFrom: ['ready'],
      changes: {},
      record: makeRecord(id, 'Later'),
      nowMs: yesterday,
    });
    const after = (await unpublished())[0]?.written_at ?? '';
    expect(after > before).toBe(true);
  });
});

describe('pages of unpublished records', () => {
  it('come oldest first and respect the limits', async () => {
    for (let count = 0; count < 5; count++) await addVideo();
    await numbered();
    const first = await listUnpublished(db, 2, 2 ** 20);
    expect(first.rows.map(row => row.version)).toEqual([1, 2]);
    expect(first.more).toBe(true);
    // However small the bound, one record fits: nothing can block the way.
    const one = await listUnpublished(db, 500, 1);
    expect(one.rows).toHaveLength(1);
    expect(one.more).toBe(true);
    expect((await listUnpublished(db, 500, 2 ** 20)).more).toBe(false);
  });
});

describe('registrations', () => {
  it('are listed while they are published and this version is not registered', async () => {
    const id = await addVideo();
    expect(await listUnregistered(db, 10)).toEqual([]);
    const [row] = await unpublished();
    await markPublished(db, epoch, [{ video: id, version: 1, hash: row?.hash ?? '' }]);
    expect(await listUnregistered(db, 10)).toMatchObject([{ video_id: id, version: 1 }]);
    await markRegistered(db, id, 1);
    expect(await listUnregistered(db, 10)).toEqual([]);
  });
});

describe('checks', () => {
  it('are counted before they run', async () => {
    const id = newVideoId();
    await insertVideo(db, {
      id,
      name: 'A',
      description: '',
      language: undefined,
      fileName: undefined,
      sizeBytes: 9,
    });
    expect(await claimCheck(db, id)).toBeUndefined();
    await markChecking(db, id, '0'.repeat(64));
    expect(await claimCheck(db, id)).toBe(1);
    expect(await claimCheck(db, id)).toBe(2);
  });
});
