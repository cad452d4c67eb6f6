/** The library of a site: pages, searches and holdings, as a slow listing of everything would have them. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeDatabase, type TestDatabase } from '../../../test/support/postgres/databases.ts';
import { videoRecord } from '../../../test/support/records.ts';
import { openDatabase } from '../../kernel/sql/sql.ts';
import { newRevisionId, newSiteId, type VideoId, videoIdSchema } from '../../protocol/base/ids.ts';
import type { HeldPermission } from '../../protocol/people/permissions.ts';
import type { Viewer } from '../../protocol/people/viewing.ts';
import { type LibraryVideo, listLibrary } from './library.ts';
import { countHoldings, findHoldings, suggestHoldings } from './search/find-holdings.ts';
import { indexHoldings } from './search/index-holdings.ts';
import { type SiteSchema, siteMigrations } from './tables/schema.ts';
import { insertVideo, type SiteDatabase } from './tables/videos.ts';

const NOBODY: Viewer = { permissions: [], groups: [] };
const COUNT = 700;
const idOf = (n: number): VideoId =>
  videoIdSchema.parse(`01900000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`);
const nameOf = (n: number): string => (n % 100 === 0 ? `Ｌｅｃｔｕｒｅ ${n} 讲座` : `Lecture ${n}`);
const isPrivate = (id: VideoId): boolean => Number.parseInt(id.slice(-12), 16) % 7 === 0;
const buffered = new Set<VideoId>();
let test: TestDatabase;
let db: SiteDatabase;
const expected: Pick<LibraryVideo, 'id' | 'holding' | 'name'>[] = [];

beforeAll(async () => {
  test = await makeDatabase();
  db = await openDatabase<SiteSchema>(test.place, siteMigrations);
  const revision = newRevisionId();
  for (let n = 0; n < COUNT; n++) {
    const id = idOf(n);
    const name = nameOf(n);
    const title = { name, description: 'About things' };
    if (n % 3 === 0) {
      await insertVideo(db, { id, ...title, language: undefined, fileName: undefined, sizeBytes: 1 });
      await db
        .updateTable('videos')
        .set({ state: n % 9 === 0 ? 'failed' : 'ready', revision, prepared: '{"durationMs":1000}' })
        .where('id', '=', id)
        .execute();
    }
    if (n % 3 === 1 || n % 6 === 0) {
      await db
        .insertInto('copies')
        .values({
          ...{
            video_id: id,
            wanted: 1,
            state: 'complete',
            origin: newSiteId(),
            revision,
            version: 1,
            hash: '',
          },
          ...{ reason: '', held_revision: n % 4 === 1 ? null : revision, held_version: 1, ...title },
          ...{
            held_record: JSON.stringify(videoRecord({ video: id, ...title, durationMs: 2_000 })),
            size_bytes: 1,
            files: 1,
            files_done: 1,
            attempts: 0,
          },
          ...{ not_before_ms: 0, error: null, updated_at: '' },
        })
        .execute();
    }
    if (n % 3 === 2 || n % 12 === 0) {
      await db
        .insertInto('catalogue_entries')
        .values({ video_id: id, revision, ...title, duration_ms: 3_000, pictures: null, synced_ms: 0 })
        .execute();
      if (n % 2 === 0) buffered.add(id);
    }
    const holding =
      n % 3 === 0 && n % 9 !== 0
        ? 'own'
        : (n % 3 === 1 || n % 6 === 0) && n % 4 !== 1
          ? 'copy'
          : buffered.has(id)
            ? 'partly'
            : undefined;
    if (holding && !isPrivate(id)) expected.unshift({ id, holding, name });
  }
});
afterAll(async () => {
  await db.destroy();
  await test.drop();
});

async function readAll(limit: number): Promise<LibraryVideo[]> {
  const all: LibraryVideo[] = [];
  for (let before: VideoId | undefined; ; ) {
    const found = await listLibrary(db, { ...viewer(), before, limit });
    all.push(...found.slice(0, limit));
    before = found[limit - 1]?.id;
    if (found.length <= limit) return all;
  }
}

const viewer = () => ({ buffered, isPrivate, viewer: NOBODY, site: undefined });
const indexAll = async () => {
  while (await indexHoldings(db, 100, { site: undefined, readCaptions: () => Promise.resolve([]) }));
};
async function findAll(q: string, limit: number): Promise<LibraryVideo[]> {
  const all: LibraryVideo[] = [];
  let cursor: string | undefined;
  do {
    const { items, next } = await findHoldings(db, { q, limit, cursor }, viewer());
    all.push(...items);
    cursor = next;
  } while (cursor !== undefined);
  return all;
}

it.each([1, 24, 100, COUNT])('has every video once, newest first, in pages of %d', async limit => {
  if (limit === 1)
    expect(
      await listLibrary(db, {
        before: undefined,
        limit,
        buffered,
        isPrivate,
        viewer: NOBODY,
        site: undefined,
      }),
    ).toHaveLength(2);
  else
    expect((await readAll(limit)).map(({ id, holding, name }) => ({ id, holding, name }))).toEqual(expected);
});

it('describes a video as its best holding does', async () => {
  const durations = { own: 1_000, copy: 2_000, partly: 3_000 };
  for (const { holding, durationMs } of await readAll(100)) {
    expect(durationMs).toBe(durations[holding]);
  }
});

it.each(['讲座', 'lecture 讲', 'LECTURE things 40', 'nothing like this'])('finds %s', async q => {
  await indexAll();
  const words = q.toLowerCase().split(' ');
  const wanted = expected.filter(({ name }) => {
    const text = `${name} about things`.normalize('NFKC').toLowerCase();
    const isIn = (word: string, at: number) =>
      /[a-z0-9]/.test(word)
        ? text.split(' ').some(each => (at === words.length - 1 ? each.startsWith(word) : each === word))
        : text.includes(word);
    return words.every(isIn);
  });
  expect((await findAll(q, 20)).map(({ id }) => id)).toEqual(wanted.map(({ id }) => id));
});

it('counts what it holds, and suggests names', async () => {
  const { total, values } = await countHoldings(db, { q: '讲座' }, viewer());
  expect(total).toBeGreaterThan(0);
  expect(values.captions).toEqual([{ value: 'false', count: total }]);
  expect((await suggestHoldings(db, '讲座', viewer())).map(({ kind }) => kind)).toContain('video');
  expect(await suggestHoldings(db, 'zz', viewer())).toEqual([]);
});

it('finds a video by its new name after it was renamed', async () => {
  const [first] = expected;
  if (!first) throw new Error('there are no videos');
  await db.updateTable('videos').set({ name: 'Renamed' }).where('id', '=', first.id).execute();
  await db.updateTable('copies').set({ name: 'Renamed' }).where('video_id', '=', first.id).execute();
  await db
    .updateTable('catalogue_entries')
    .set({ name: 'Renamed' })
    .where('video_id', '=', first.id)
    .execute();
  await indexAll();
  expect((await findAll('renamed', 5)).map(video => video.id)).toEqual([first.id]);
});

it('has a video that is not public for those who may watch it: their own, internal ones, and those of their groups', async () => {
  const [site, origin] = [newSiteId(), newSiteId()];
  const [group, person] = [newRevisionId(), newRevisionId()];
  const query = { before: undefined, limit: COUNT, buffered, isPrivate };
  const idsFor = async (viewer: Viewer): Promise<readonly VideoId[]> =>
    (await listLibrary(db, { ...query, viewer, site })).map(({ id }) => id).filter(isPrivate);
  const internal: HeldPermission[] = [{ permission: 'watch-internal', scope: 'everything' }];
  // Own videos and copies whose number is a multiple of 7 are private.
  const [own, ofGroup, awaiting, copy] = [idOf(21), idOf(42), idOf(84), idOf(7)];
  const set = (id: VideoId, columns: object) =>
    db
      .updateTable('videos')
      .set({ private: 1, ...columns })
      .where('id', '=', id)
      .execute();
  await set(own, { audience: 'internal', owner_id: person });
  await set(ofGroup, { audience: 'groups', groups: JSON.stringify([group]) });
  await set(awaiting, { audience: 'internal', approval: 'awaiting' });
  await db
    .updateTable('copies')
    .set({
      origin,
      held_revision: newRevisionId(),
      held_record: JSON.stringify({ durationMs: 1, visibility: 'private', audience: 'internal' }),
    })
    .where('video_id', '=', copy)
    .execute();
  expect(await idsFor(NOBODY)).toEqual([]);
  expect(await idsFor({ permissions: internal, groups: [] })).toEqual([own, copy]);
  expect(await idsFor({ permissions: [], groups: [group] })).toEqual([ofGroup]);
  const within = (at: typeof site, permission: HeldPermission['permission']): Viewer => ({
    permissions: [{ permission, scope: { site: at } }],
    groups: [],
    person: { id: person },
  });
  expect(await idsFor(within(site, 'watch-internal'))).toEqual([own]);
  expect(await idsFor(within(origin, 'watch-internal'))).toEqual([copy]);
  expect(await idsFor(within(site, 'edit-own'))).toEqual([own]);
  expect(await idsFor(within(origin, 'edit-own'))).toEqual([]);
});
