/** What a site holds and is private: found whole at its start, and of one video when that has changed. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { silentLog } from '../../kernel/log.ts';
import { RightsState } from '../../kernel/rights/rights-state.ts';
import { openDatabase } from '../../kernel/sql/sql.ts';
import { newRevisionId, newSiteId, newVideoId, type VideoId } from '../../protocol/base/ids.ts';
import { completeCopy, forgetCopy, releaseCopy, writeAssignments } from '../database/publication/copies.ts';
import { type SiteSchema, siteMigrations } from '../database/tables/schema.ts';
import { deleteUploading, insertVideo, type SiteDatabase } from '../database/tables/videos.ts';
import { openRights } from './open-rights.ts';

let directory: string;
let path: string;
let db: SiteDatabase;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-held-'));
  path = join(directory, 'rights.json');
  db = await openDatabase<SiteSchema>(join(directory, 'site.sqlite'), siteMigrations);
});
afterEach(async () => {
  await db.destroy();
  await rm(directory, { recursive: true, force: true });
});

const upload = (id: VideoId, isPrivate: boolean): Promise<void> =>
  insertVideo(db, {
    id,
    name: 'A lecture',
    description: '',
    language: undefined,
    fileName: undefined,
    audience: { audience: isPrivate ? 'private' : 'public', groups: [] },
    sizeBytes: 9,
  });
const origin = newSiteId();
const revision = newRevisionId();
let position = 0;
/** A whole copy of another site's video; `record` stands for what that site says of it. */
async function copy(video: VideoId, record: object): Promise<void> {
  const wish = { wanted: true as const, video, origin, revision, version: 1, hash: 'a'.repeat(64) };
  await writeAssignments(db, [{ ...wish, sizeBytes: 9, reason: '' }], ++position);
  await completeCopy(db, {
    video,
    revision,
    origin,
    record: JSON.stringify(record),
    recordVersion: 1,
    name: 'A lecture',
    description: '',
    path: 'videos/a/copy/pack',
    sourceAddress: '192.0.2.1:80',
    sizeBytes: 9,
    files: 1,
  });
}
const written = (): readonly VideoId[] => RightsState.open(path).content().own;

it('knows all private videos at the start: own videos and copies', async () => {
  const [own, open, copied] = [newVideoId(), newVideoId(), newVideoId()];
  const [openCopy, gone] = [newVideoId(), newVideoId()];
  await upload(own, true);
  await upload(open, false);
  await copy(copied, { visibility: 'private' });
  await copy(openCopy, { description: '"visibility":"private"' });
  const before = RightsState.open(path);
  before.mark('own', gone, true);
  await before.save();
  const { rights } = await openRights(path, db, silentLog);
  expect([own, open, copied, openCopy, gone].map(rights.isPrivate)).toEqual([
    true,
    false,
    true,
    false,
    false,
  ]);
  expect(new Set(written())).toEqual(new Set([own, copied]));
});

it('marks changed videos, and is stored when the call resolves', async () => {
  const [own, copied, other] = [newVideoId(), newVideoId(), newVideoId()];
  const { rights, markStored: markHeld } = await openRights(path, db, silentLog);
  await upload(own, true);
  await copy(copied, { visibility: 'private' });
  await upload(other, true);
  await markHeld([copied]);
  expect([own, copied, other].map(rights.isPrivate)).toEqual([false, true, false]);
  expect(written()).toEqual([copied]);
  await markHeld([own, other]);
  expect(new Set(written())).toEqual(new Set([own, copied, other]));

  // The copy is public now, then private again, then gone.
  await copy(copied, { visibility: 'public' });
  await markHeld([copied]);
  expect(written()).not.toContain(copied);
  await copy(copied, { visibility: 'private' });
  await markHeld([copied]);
  expect(written()).toContain(copied);
  await releaseCopy(db, copied, 'It is no longer wanted.', true);
  await forgetCopy(db, copied);
  await deleteUploading(db, other);
  await markHeld([copied, other]);
  expect(written()).toEqual([own]);
});
