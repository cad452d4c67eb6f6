import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqlite } from '../../kernel/sql.ts';
import { newRevisionId, newVideoId, type VideoId } from '../../protocol/ids.ts';
import type { PublicationRecord } from '../../protocol/record.ts';
import {
  changeVideo,
  countUnpublished,
  listUnpublished,
  listUnregistered,
  markPublished,
  markRegistered,
  markSignalled,
  readSignal,
} from './records.ts';
import { type SiteSchema, siteMigrations } from './schema.ts';
import { claimCheck, findVideo, insertVideo, markChecking, type SiteDatabase } from './videos.ts';

let directory: string;
let db: SiteDatabase;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-records-'));
  db = await openSqlite<SiteSchema>(join(directory, 'site.sqlite'), siteMigrations);
});
afterEach(async () => {
  await db.destroy();
  await rm(directory, { recursive: true, force: true });
});

const revision = newRevisionId();
const makeRecord =
  (video: VideoId, name = 'A film') =>
  (_row: unknown, version: number): PublicationRecord => ({
    kind: 'video',
    video,
    version,
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
    name: 'A film',
    description: '',
    language: undefined,
    fileName: undefined,
    sizeBytes: 9,
  });
  await markChecking(db, id, '0'.repeat(64));
  await changeVideo(db, id, ['checking'], { state: 'ready', revision }, makeRecord(id));
  return id;
}

const unpublished = async () => (await listUnpublished(db, 500, 2 ** 20)).rows;

describe('the two flags', () => {
  it('are written with the record: unpublished, and a signal to send', async () => {
    expect((await readSignal(db)).flag).toBe('sent');
    await addVideo();
    expect(await readSignal(db)).toMatchObject({ flag: 'not-sent', version: 1 });
    expect(await countUnpublished(db)).toBe(1);
  });

  it('leave everything as it was when the record is no good', async () => {
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
    const broken = (): PublicationRecord => ({ ...makeRecord(id)(undefined, 1), version: -1 });
    await expect(changeVideo(db, id, ['checking'], { state: 'ready' }, broken)).rejects.toThrow();
    expect((await findVideo(db, id))?.state).toBe('checking');
    expect(await readSignal(db)).toMatchObject({ flag: 'sent', version: 0 });
  });

  it('the signal flag stays "not sent" when a record was written while the signal was on its way', async () => {
    await addVideo();
    const { version } = await readSignal(db);
    await addVideo();
    await markSignalled(db, version);
    expect(await readSignal(db)).toMatchObject({ flag: 'not-sent', version: 2, signalled_version: 1 });
    await markSignalled(db, 2);
    expect((await readSignal(db)).flag).toBe('sent');
    // An answer to an older signal that comes late changes nothing.
    await markSignalled(db, 1);
    expect(await readSignal(db)).toMatchObject({ flag: 'sent', signalled_version: 2 });
  });

  it('an edit between read and acknowledgement is not lost', async () => {
    const id = await addVideo();
    const [read] = await unpublished();
    await changeVideo(db, id, ['ready'], { name: 'Better' }, makeRecord(id, 'Better'));
    const stale = { video: id, version: read?.version ?? 0, hash: read?.hash ?? '' };
    expect(await markPublished(db, [stale])).toBe(0);
    const [row] = await unpublished();
    expect(row).toMatchObject({ version: 2, published: 0 });
    expect(await markPublished(db, [{ video: id, version: 2, hash: row?.hash ?? '' }])).toBe(1);
    expect(await countUnpublished(db)).toBe(0);
  });

  it('an acknowledgement of another content is not taken', async () => {
    const id = await addVideo();
    expect(await markPublished(db, [{ video: id, version: 1, hash: 'f'.repeat(64) }])).toBe(0);
    expect(await countUnpublished(db)).toBe(1);
  });

  it('a withdrawal is a record with a version of its own, and nothing can be edited after it', async () => {
    const id = await addVideo();
    await changeVideo(db, id, ['ready'], { state: 'withdrawn' }, (_row, version) => ({
      kind: 'tombstone',
      video: id,
      version,
      withdrawnAt: '2026-01-01T00:00:00.000Z',
    }));
    const [row] = await unpublished();
    expect(JSON.parse(row?.body ?? '')).toMatchObject({ kind: 'tombstone', version: 2 });
    expect(await changeVideo(db, id, ['ready'], { name: 'x' }, makeRecord(id))).toBe(false);
  });
});

describe('pages of unpublished records', () => {
  it('come oldest first and end at the bounds', async () => {
    for (let count = 0; count < 5; count++) await addVideo();
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
  it('are asked for while published and not registered in this version', async () => {
    const id = await addVideo();
    expect(await listUnregistered(db, 10)).toEqual([]);
    const [row] = await unpublished();
    await markPublished(db, [{ video: id, version: 1, hash: row?.hash ?? '' }]);
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
