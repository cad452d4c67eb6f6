/** The lists of the studio at 50,000 videos and 10,000 jobs, on both engines: what they return, and by which index. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeDatabase, type TestDatabase } from '../../../../test/support/postgres/databases.ts';
import { insertStudioRows, ownerId } from '../../../../test/support/studio-rows.ts';
import { isPostgres } from '../../../kernel/sql/postgres.ts';
import { openDatabase, sql } from '../../../kernel/sql/sql.ts';
import type { VideoId } from '../../../protocol/base/ids.ts';
import { newVideoId } from '../../../protocol/base/ids.ts';
import type { SiteVideoOrder } from '../../../protocol/studio.ts';
import { cancelJob, insertJob } from '../jobs.ts';
import { changeVideo } from '../publication/records.ts';
import { markSignalled } from '../publication/signal.ts';
import { type SiteSchema, siteMigrations } from '../tables/schema.ts';
import { deleteUploading, insertVideo, type SiteDatabase, type VisibleVideos } from '../tables/videos.ts';
import { readCounts } from './counts.ts';
import { listChanges, readChanged } from './list-changes.ts';
import { listStudioJobs } from './list-jobs.ts';
import { listStudioVideos, type Position } from './list-videos.ts';
import { refreshStudio } from './refresh.ts';

const VIDEOS = 50_000;
const JOBS = 10_000;
const ALL: VisibleVideos = [{}];
let database: TestDatabase;
let db: SiteDatabase;
let statements: { sql: string; parameters: readonly unknown[] }[] = [];

beforeAll(async () => {
  database = await makeDatabase();
  db = await openDatabase<SiteSchema>(database.place, siteMigrations);
  await insertStudioRows(db, { videos: VIDEOS, jobs: JOBS });
}, 180_000);
afterAll(async () => {
  await db.destroy();
  await database.drop();
});

const newVideo = async (more: { owner?: string; series?: string; name?: string } = {}): Promise<VideoId> => {
  const id = newVideoId();
  await insertVideo(db, {
    ...{ id, name: more.name ?? 'New', description: '', language: undefined, fileName: undefined },
    sizeBytes: 1,
    owner: more.owner === undefined ? undefined : { id: more.owner, name: more.owner },
    series: more.series === undefined ? undefined : { id: more.series },
  });
  return id;
};

describe('a list of 50,000 videos', () => {
  it.each<SiteVideoOrder>(['newest', 'oldest', 'name', 'longest', 'largest', 'state'])(
    'reaches each of them once by its cursors, in the order "%s"',
    async order => {
      const seen = new Set<VideoId>();
      const keys: (string | number)[] = [];
      for (let after: Position | undefined; ; ) {
        const { ids, next } = await listStudioVideos(db, {
          ...{ order, filter: {}, visible: ALL, after, limit: 5_000 },
        });
        for (const id of ids) seen.add(id);
        if (!next) break;
        keys.push(next.key);
        after = next;
      }
      expect(seen.size).toBe(VIDEOS);
      const sorted = [...keys].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
      const isRising = order === 'oldest' || order === 'name' || order === 'state';
      expect(keys).toEqual(isRising ? sorted : sorted.reverse());
    },
  );

  it('has as many videos in each filter as its count says', async () => {
    const counts = await readCounts(db, ALL);
    expect(counts.all).toBe(VIDEOS);
    const listed = async (filter: object): Promise<number> =>
      (
        await listStudioVideos(db, {
          ...{ order: 'name', filter, visible: ALL, after: undefined, limit: VIDEOS },
        })
      ).ids.length;
    expect(await listed({ state: 'failed' })).toBe(counts['state:failed']);
    expect(await listed({ state: 'ready', audience: 'public', captions: true })).toBeGreaterThan(1_000);
    expect(await listed({ captions: false })).toBe(counts['captions:no']);
    expect(await listed({ approval: 'awaiting' })).toBe(counts['approval:awaiting']);
    const own = [{ owner: ownerId(7) }, { series: 'series-3', owner: ownerId(8) }];
    const { all: mine = 0 } = await readCounts(db, own);
    expect(mine).toBeGreaterThan(0);
    expect(
      (await listStudioVideos(db, { order: 'newest', filter: {}, visible: own, limit: VIDEOS })).ids,
    ).toHaveLength(mine);
  });

  it('is searched by words, parts of the last word, and one or two Chinese characters', async () => {
    const found = async (q: string, filter: object = {}) =>
      (
        await listStudioVideos(db, { order: 'name', filter: { q, ...filter }, visible: ALL, limit: VIDEOS })
      ).ids.map(id => Number.parseInt(id.slice(-12), 16));
    expect(await found('49999')).toEqual([49_999]);
    expect(await found('4999')).toHaveLength(11);
    expect(await found('PHYSICS')).toHaveLength(VIDEOS);
    expect((await found('数学 讲座')).every(n => n % 3 === 1)).toBe(true);
    expect((await found('讲')).length).toBe(Math.ceil((VIDEOS - 1) / 3));
    // The diacritics of a name are optional.
    expect((await found('ubung', { state: 'failed' })).every(n => n % 3 === 2 && n % 1_000 === 0)).toBe(true);
    expect(await found('nosuchword')).toEqual([]);
    expect(await found('"; drop table --')).toEqual([]);
    expect(await found('  ...  ')).toHaveLength(VIDEOS);
  });

  it('sorts and joins nothing in full for a page', async () => {
    for (const order of ['newest', 'oldest', 'name', 'longest', 'largest', 'state'] as const) {
      for (const filter of [{}, { state: 'ready' as const }, { captions: true }]) {
        const plan = await explain(() => listStudioVideos(db, { order, filter, visible: ALL, limit: 50 }));
        expect(plan, `${order} ${JSON.stringify(filter)}\n${plan}`).not.toMatch(
          /SCAN studio_videos$|USE TEMP B-TREE|Seq Scan on studio_videos/m,
        );
      }
    }
    const few = await explain(() =>
      listStudioVideos(db, { order: 'name', filter: { state: 'failed' }, visible: ALL, limit: 50 }),
    );
    expect(few).toMatch(/studio_videos_of_state|studio_videos_by_name_key/);
  });
});

describe('10,000 jobs', () => {
  it('are listed by an index: the open ones in their order, then the failed ones', async () => {
    const jobs = await listStudioJobs(db, { visible: ALL, limit: 200 });
    expect(jobs).toHaveLength(200);
    expect(jobs.every(({ state }) => state === 'open')).toBe(true);
    const priorities = jobs.map(({ priority }) => priority);
    expect(priorities).toEqual([...priorities].sort((a, b) => b - a));
    const plan = await explain(() => listStudioJobs(db, { visible: ALL, limit: 200 }));
    expect(plan).not.toMatch(/SCAN (?:studio_videos|jobs|videos|job_steps)|USE TEMP B-TREE/);
  });
});

it('derives the rows of this test again, and finds nothing that has changed', async () => {
  const sample = sql`select kind, item from (select 'video' as kind, id as item from videos order by id limit 1100) as picked
    union all select kind, item from (select 'job' as kind, id as item from jobs order by id limit 100) as others`;
  const jobs = await listStudioJobs(db, { visible: ALL, limit: 200 });
  const changed = await readChanged(db);
  await sql`insert into studio_queue (kind, item) ${sample}`.execute(db);
  await refreshStudio(db);
  const counts = await readCounts(db, ALL);
  expect(counts.all).toBe(VIDEOS);
  const videos = await listChanges(db, { since: changed, visible: ALL, visibleJobs: [], limit: 10 });
  expect(videos.videos).toEqual([]);
  const withoutChange = (list: typeof jobs) => list.map(({ changed: _changed, ...job }) => job);
  expect(withoutChange(await listStudioJobs(db, { visible: ALL, limit: 200 }))).toEqual(withoutChange(jobs));
});

describe('changes', () => {
  const since = async (changed: number, visible: VisibleVideos = ALL, limit = 50) => {
    await refreshStudio(db);
    return listChanges(db, { since: changed, visible, visibleJobs: visible, limit });
  };

  it('are reported once, with what a signal covers, jobs and deletions', async () => {
    await refreshStudio(db);
    let cursor = await readChanged(db);
    expect(await since(cursor)).toEqual({ until: cursor, videos: [], jobs: [], removed: [] });
    const id = await newVideo({ owner: 'ann' });
    const other = await newVideo({ owner: 'otto' });
    const created = await since(cursor, [{ owner: 'ann' }]);
    expect(created.videos).toEqual([id]);
    cursor = created.until;

    const before = await readCounts(db, ALL);
    await changeVideo(db, id, {
      onlyFrom: ['uploading'],
      changes: { state: 'ready', name: 'Ready' },
      record: undefined,
    });
    const job = await db.transaction().execute(tx =>
      insertJob(tx, {
        ...{ video: id, kind: 'ladder', urgency: 1, needs: [], plan: {} },
        steps: [1, 2, 3].map(() => ({ kind: 'x', after: 0, mediaMs: 1_000 })),
      }),
    );
    const changed = await since(cursor);
    expect(changed.videos).toEqual([id]);
    expect(changed.jobs.map(({ job_id, media_ms }) => [job_id, Number(media_ms)])).toEqual([[job, 3_000]]);
    const after = await readCounts(db, ALL);
    expect(after['state:ready']).toBe((before['state:ready'] ?? 0) + 1);
    expect(after['state:uploading']).toBe((before['state:uploading'] ?? 0) - 1);
    expect(after.all).toBe(before.all);
    cursor = changed.until;

    await cancelJob(db, job);
    await deleteUploading(db, other);
    const ended = await since(cursor);
    expect(ended.jobs.map(({ state }) => state)).toEqual(['cancelled']);
    expect(ended.removed).toEqual([other]);
    // An update that changes nothing that is shown is no change.
    cursor = ended.until;
    await db.updateTable('videos').set({ extras_attempts: 1 }).where('id', '=', id).execute();
    expect((await since(cursor)).videos).toEqual([]);
  });

  it('are reported in parts that together miss nothing', async () => {
    await refreshStudio(db);
    let cursor = await readChanged(db);
    const ids = new Set<VideoId>();
    for (let count = 0; count < 12; count++) ids.add(await newVideo());
    const seen: VideoId[] = [];
    for (let part = 0; part < 3; part++) {
      const { until, videos } = await since(cursor, ALL, 5);
      seen.push(...videos);
      cursor = until;
    }
    expect(seen).toHaveLength(12);
    expect(new Set(seen)).toEqual(ids);
  });

  it('include every video whose record a signal covers', async () => {
    const rows = await db.selectFrom('records').select('video_id').orderBy('video_id').limit(2).execute();
    for (const [number, { video_id }] of rows.entries()) {
      const change = VIDEOS + 1 + number;
      await db.updateTable('records').set({ change }).where('video_id', '=', video_id).execute();
    }
    await refreshStudio(db);
    const cursor = await readChanged(db);
    await markSignalled(db, VIDEOS + 2);
    expect([...(await since(cursor)).videos].sort()).toEqual(rows.map(({ video_id }) => video_id));
  });
});

/** The plans of the statements on `studio_videos` and `studio_jobs` that `work` makes. */
async function explain(work: () => Promise<unknown>): Promise<string> {
  statements = [];
  const executor = db.getExecutor();
  const original = executor.executeQuery.bind(executor);
  executor.executeQuery = (query, ...rest) => {
    statements.push({ sql: query.sql, parameters: query.parameters });
    return original(query, ...rest);
  };
  try {
    await work();
  } finally {
    executor.executeQuery = original;
  }
  const statement = statements.findLast(each => /from "studio_(?:videos|jobs)"/.test(each.sql));
  if (!statement) throw new Error('no statement on a list of the studio');
  const prefix = isPostgres(db) ? 'explain ' : 'explain query plan ';
  const { rows } = await db.executeQuery<Record<string, unknown>>({
    query: sql``.toOperationNode(),
    queryId: { queryId: 'explain' },
    // The comment lets the adapter of SQLite return rows.
    sql: `${prefix}${statement.sql} /* returning */`,
    parameters: statement.parameters,
  } as never);
  return rows.map(row => String(row.detail ?? row['QUERY PLAN'])).join('\n');
}
