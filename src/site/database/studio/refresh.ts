/**
 * Takes changed videos and jobs out of the queue, and updates the rows of the studio, the counts and the sequence of changes, in one
 * transaction for each batch. The row of `studio_state` is locked first, so changes are numbered in the order in which they become visible.
 */
import { setImmediate as nextTick } from 'node:timers/promises';
import type { Transaction } from 'kysely';
import type { VideoId } from '../../../protocol/base/ids.ts';
import { readSignal } from '../publication/signal.ts';
import type { SiteSchema } from '../tables/schema.ts';
import type { StudioJobRow, StudioVideoRow } from '../tables/studio-index.ts';
import { listVideosWithRecords, type SiteDatabase } from '../tables/videos.ts';
import { type CountChange, changeCounts } from './counts.ts';
import { deriveJobRow, deriveStart, deriveVideoRow, type JobSums } from './derive-rows.ts';
import { noteSpeed } from './speeds.ts';
import { removeWords, searchTextOf, type VideoWords, wordsOf, writeWords } from './words.ts';

type Tx = Transaction<SiteSchema>;

/** Rows of the queue in one transaction, which takes a few milliseconds. */
const BATCH_ROWS = 200;
/** Removals are kept for so many changes. A page that is further behind reloads its list. */
export const KEPT_CHANGES = 100_000;

/** Derives everything that was in the queue when it was called. @returns false if there is more after `limitMs` */
export async function refreshStudio(db: SiteDatabase, limitMs = Number.POSITIVE_INFINITY): Promise<boolean> {
  const endMs = performance.now() + limitMs;
  const last = await db
    .selectFrom('studio_queue')
    .select(({ fn }) => fn.max('seq').as('seq'))
    .executeTakeFirst();
  if (last?.seq == null) return true;
  for (const until = Number(last.seq); ; ) {
    const rows = await refreshBatch(db, until);
    if (rows < BATCH_ROWS) return true;
    if (performance.now() >= endMs) return false;
    await nextTick();
  }
}

const refreshBatch = (db: SiteDatabase, until: number): Promise<number> =>
  db.transaction().execute(async tx => {
    const state = await tx
      .updateTable('studio_state')
      .set(({ ref }) => ({ changed: ref('changed') }))
      .where('id', '=', 1)
      .returning('changed')
      .executeTakeFirstOrThrow();
    const queued = await tx
      .selectFrom('studio_queue')
      .selectAll()
      .where('seq', '<=', until)
      .orderBy('seq')
      .limit(BATCH_ROWS)
      .execute();
    if (queued.length === 0) return 0;
    const idsOf = (kind: 'video' | 'job'): string[] => [
      ...new Set(queued.filter(row => row.kind === kind).map(({ item }) => item)),
    ];
    let changed = Number(state.changed);
    const next = (): number => ++changed;
    await refreshVideos(tx, idsOf('video') as VideoId[], next);
    await refreshJobs(tx, idsOf('job'), next);
    await tx
      .deleteFrom('studio_queue')
      .where(
        'seq',
        'in',
        queued.map(({ seq }) => seq),
      )
      .execute();
    if (changed !== Number(state.changed)) {
      await tx.updateTable('studio_state').set({ changed }).where('id', '=', 1).execute();
      await tx
        .deleteFrom('studio_removals')
        .where('changed', '<', changed - KEPT_CHANGES)
        .execute();
    }
    return queued.length;
  });

async function refreshVideos(tx: Tx, ids: readonly VideoId[], next: () => number): Promise<void> {
  if (ids.length === 0) return;
  const signalled = Number((await readSignal(tx)).signalled_change);
  const videos = new Map((await listVideosWithRecords(tx, ids)).map(row => [row.id, row]));
  const before = new Map(
    (await tx.selectFrom('studio_videos').selectAll().where('video_id', 'in', ids).execute()).map(row => [
      row.video_id,
      row,
    ]),
  );
  const counts: CountChange[] = [];
  const rows: StudioVideoRow[] = [];
  const words: VideoWords[] = [];
  for (const id of ids) {
    const video = videos.get(id);
    const old = before.get(id);
    if (!video) {
      if (old) await removeVideo(tx, old, next());
      if (old) counts.push({ row: old, by: -1 });
      continue;
    }
    const derived = deriveVideoRow(video, signalled);
    if (old && isSame(derived, old)) continue;
    const changed = next();
    const row = { ...derived, changed, number: Number(old?.number ?? changed) };
    if (old?.words_hash !== row.words_hash)
      words.push({ number: row.number, words: wordsOf(searchTextOf(video)) });
    if (old) counts.push({ row: old, by: -1 });
    counts.push({ row, by: 1 });
    rows.push(row);
  }
  if (rows.length > 0)
    await tx
      .insertInto('studio_videos')
      .values(rows)
      .onConflict(conflict =>
        conflict.column('video_id').doUpdateSet(({ ref }) => excluded(rows[0] as StudioVideoRow, ref)),
      )
      .execute();
  await writeWords(tx, words);
  await changeCounts(tx, counts);
}

/** Sets every column to the value of the rejected row. */
const excluded = <Row extends object>(row: Row, ref: (column: never) => unknown): Row =>
  Object.fromEntries(Object.keys(row).map(column => [column, ref(`excluded.${column}` as never)])) as Row;

const isSame = (now: Omit<StudioVideoRow, 'changed' | 'number'>, before: StudioVideoRow): boolean =>
  (Object.keys(now) as (keyof typeof now)[]).every(name => now[name] === before[name]);

async function removeVideo(tx: Tx, { video_id, number }: StudioVideoRow, changed: number): Promise<void> {
  await removeWords(tx, [Number(number)]);
  await tx.deleteFrom('studio_videos').where('video_id', '=', video_id).execute();
  await noteRemoval(tx, video_id, changed);
}

const noteRemoval = (tx: Tx, item: string, changed: number) =>
  tx
    .insertInto('studio_removals')
    .values({ item, changed })
    .onConflict(conflict => conflict.column('item').doUpdateSet({ changed }))
    .execute();

async function refreshJobs(tx: Tx, ids: readonly string[], next: () => number): Promise<void> {
  if (ids.length === 0) return;
  const jobs = new Map(
    (await tx.selectFrom('jobs').selectAll().where('id', 'in', ids).execute()).map(row => [row.id, row]),
  );
  const before = new Map(
    (await tx.selectFrom('studio_jobs').selectAll().where('job_id', 'in', ids).execute()).map(row => [
      row.job_id,
      row,
    ]),
  );
  const sums = await sumSteps(tx, ids);
  const rows: StudioJobRow[] = [];
  for (const id of ids) {
    const job = jobs.get(id);
    const old = before.get(id);
    if (!job) {
      if (old) await tx.deleteFrom('studio_jobs').where('job_id', '=', id).execute();
      if (old) await noteRemoval(tx, id, next());
      continue;
    }
    const sum = sums.get(id) ?? NO_STEPS;
    const start = deriveStart(sum, old, Date.now());
    const row = { ...deriveJobRow(job, sum, start), changed: next() };
    rows.push(row);
    if (job.state === 'done' && old?.state_order === 0 && start.started_ms > 0)
      await noteSpeed(tx, {
        kind: job.kind,
        mediaMs: sum.media_ms - start.started_done_ms,
        workMs: Date.now() - start.started_ms,
      });
  }
  if (rows.length > 0)
    await tx
      .insertInto('studio_jobs')
      .values(rows)
      .onConflict(conflict =>
        conflict.column('job_id').doUpdateSet(({ ref }) => excluded(rows[0] as StudioJobRow, ref)),
      )
      .execute();
}

const NO_STEPS: JobSums = {
  media_ms: 0,
  done_ms: 0,
  speed_milli: 0,
  leased: 0,
  attempts: 0,
  last_error: null,
};

async function sumSteps(tx: Tx, jobs: readonly string[]): Promise<ReadonlyMap<string, JobSums>> {
  const rows = await tx
    .selectFrom('job_steps')
    .select(({ fn, eb }) => [
      'job_id',
      fn.sum<number>('media_ms').as('media_ms'),
      fn.sum<number>('done_ms').as('done_ms'),
      fn.sum<number>('speed_milli').as('speed_milli'),
      fn.sum<number>(eb.case().when('state', '=', 'leased').then(1).else(0).end()).as('leased'),
      fn.max('attempts').as('attempts'),
      fn.max('error').as('last_error'),
    ])
    .where('job_id', 'in', jobs)
    .groupBy('job_id')
    .execute();
  return new Map(
    rows.map(({ job_id, last_error, ...sums }) => [
      job_id,
      {
        media_ms: Number(sums.media_ms),
        done_ms: Number(sums.done_ms),
        speed_milli: Number(sums.speed_milli),
        leased: Number(sums.leased),
        attempts: Number(sums.attempts),
        last_error,
      },
    ]),
  );
}
