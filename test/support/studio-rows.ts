/** Many videos and jobs of a site, inserted in bulk, as a test or a benchmark of the studio needs them. */
import { isPostgres } from '../../src/kernel/sql/postgres.ts';
import { sql } from '../../src/kernel/sql/sql.ts';
import { hashOf, searchTextOf, wordsOf, writeWords } from '../../src/site/database/studio/words.ts';
import { listVideosWithRecords, type SiteDatabase } from '../../src/site/database/tables/videos.ts';

/** The owner of every hundredth video. */
export const ownerId = (number: number): string =>
  `01900000-0000-7000-9000-0000000001${String(number).padStart(2, '0')}`;

interface StudioRows {
  readonly videos: number;
  /** A tenth of them waits, and a hundredth has failed. The others are done. */
  readonly jobs: number;
}

/** A hundred owners, forty series; one video in a thousand has failed, one in a hundred awaits approval. */
export async function insertStudioRows(db: SiteDatabase, { videos, jobs }: StudioRows): Promise<void> {
  const numbers = (count: number) =>
    isPostgres(db)
      ? sql`select n from generate_series(cast(1 as bigint), cast(${count} as bigint)) as numbers(n)`
      : sql`with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ${count}) select n from numbers`;
  const hex = isPostgres(db) ? sql`lpad(to_hex(n), 12, '0')` : sql`printf('%012x', n)`;
  const prepared = sql`'{"container":"mp4","durationMs":' || cast(1000 + (n * 7919) % 7200000 as text) || ',"bitrateBps":1000000,"renditions":[],"width":1280,"height":720,"more":"${sql.raw('x'.repeat(600))}"}'`;
  await sql`
    insert into videos (id, name, description, language, private, audience, series_id, owner_id, owner_name, approval, state, error_code,
      error_detail, size_bytes, prepared, extras, extras_made, extras_attempts, offloaded, attempts, created_at, updated_at, details)
    select '01900000-0000-7000-8000-' || ${hex},
      case n % 3 when 0 then 'Lecture ' when 1 then '讲座 ' else 'Übung ' end || cast((n * 31) % 997 as text) || ' – part ' || cast(n as text),
      'The description of video ' || cast(n as text) || ${sql.lit(' with some words about physics, chemistry and 数学')},
      null, case when n % 20 = 0 then 1 else 0 end, null,
      case when n % 4 = 0 then null else 'series-' || cast(n % 40 as text) end,
      '01900000-0000-7000-9000-0000000001' || substr('0' || cast(n % 100 as text), case when n % 100 < 10 then 1 else 2 end), 'Owner', case when n % 100 = 1 then 'awaiting' else null end,
      case when n % 1000 = 0 then 'failed' when n % 500 = 1 then 'preparing' else 'ready' end,
      case when n % 1000 = 0 then 'conversion-failed' else null end, case when n % 1000 = 0 then 'It failed.' else null end,
      1000000 + (n * 104729) % 900000000, ${prepared},
      case when n % 3 = 0 then '{"captions":[{"rendition":{"kind":"captions","id":"c1","codec":"wvtt","bandwidthBps":1000,"averageBandwidthBps":1000,"language":"en"},"file":"c1.vtt","from":"upload"}]}' else null end,
      1, 0, 0, 0, '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', '{"tags":["physics","term-' || cast(n % 8 as text) || '"]}'
    from (${numbers(videos)}) as picked`.execute(db);
  await sql`
    insert into records (video_id, version, hash, body, withdrawn, published, registered_version, written_at, change)
    select '01900000-0000-7000-8000-' || ${hex}, n, 'hash', '{}', 0, 1, n, '2026-01-01T00:00:00.000Z', n
    from (${numbers(videos)}) as picked`.execute(db);
  await sql`
    insert into jobs (id, video_id, kind, state, priority, urgency, needs, plan, error, created_at, updated_at)
    select '02900000-0000-7000-8000-' || ${hex}, '01900000-0000-7000-8000-' || ${hex}, 'ladder',
      case when n % 10 = 0 then 'open' when n % 100 = 1 then 'set-aside' else 'done' end, n % 3, 1, '', '{"source":"source"}', null,
      '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z'
    from (${numbers(jobs)}) as picked`.execute(db);
  for (const number of [0, 1, 2, 3]) {
    await sql`
      insert into job_steps (job_id, number, kind, after, media_ms, state, attempts, owner, lease_until_ms, not_before_ms, done_ms, speed_milli)
      select '02900000-0000-7000-8000-' || ${hex}, ${sql.lit(number)}, 'encode', ${sql.lit(number === 3 ? 3 : 0)}, 10000,
        case when n % 10 = 0 then 'waiting' else 'done' end, 0, null, 0, 0, 0, 0
      from (${numbers(jobs)}) as picked`.execute(db);
  }
  await sql`update signal set change = ${videos}, signalled_change = ${videos}`.execute(db);
  await insertDerivedRows(db, { videos, jobs });
  if (isPostgres(db)) await sql`analyze`.execute(db);
}

/** What `refreshStudio` derives from these rows, in a tenth of the time. */
async function insertDerivedRows(db: SiteDatabase, { videos, jobs }: StudioRows): Promise<void> {
  await sql`delete from studio_queue`.execute(db);
  const captions = sql`case when extras is null then 0 else 1 end`;
  const rank = sql`case when error_code is not null then 0 when state = 'preparing' then 3 else 4 end`;
  const duration = isPostgres(db)
    ? sql`cast(prepared::json->>'durationMs' as bigint)`
    : sql`json_extract(prepared, '$.durationMs')`;
  await sql`
    insert into studio_videos (video_id, number, words_hash, changed, fingerprint, state, state_order, audience, approval, owner_id, series_id, captions,
      name_key, duration_ms, size_bytes)
    select id, records.change, '', records.change, updated_at || ',' || version || ',1,' || version || ',1', state, ${rank},
      case when private = 1 then 'private' else 'public' end, approval, owner_id, series_id, ${captions},
      replace(lower(name), 'Ü', 'ü'), ${duration}, size_bytes
    from videos inner join records on records.video_id = videos.id`.execute(db);
  await insertWords(db);
  for (const [owner, series] of [
    [sql`owner_id`, sql`coalesce(series_id, '')`],
    [sql`'*'`, sql`'*'`],
  ] as const) {
    for (const facet of [
      sql`'all'`,
      sql`'state:' || state`,
      sql`'audience:' || audience`,
      sql`'approval:' || approval`,
      sql`case when captions = 1 then 'captions:yes' else 'captions:no' end`,
    ]) {
      await sql`
        insert into studio_counts (owner_id, series_id, facet, n)
        select ${owner}, ${series}, ${facet}, count(*) from studio_videos where ${facet} is not null group by 1, 2, 3`.execute(
        db,
      );
    }
  }
  await sql`
    insert into studio_jobs (job_id, video_id, changed, state_order, priority, urgency, hidden, media_ms, done_ms, speed_milli, leased,
      attempts, last_error, started_ms, started_done_ms)
    select id, video_id, 1, case state when 'open' then 0 when 'set-aside' then 1 else 2 end, priority, urgency, 0, 40000, 0, 0, 0, 0,
      null, 0, 0
    from jobs`.execute(db);
  await sql`update studio_state set changed = ${Math.max(videos, jobs)}`.execute(db);
}

/** The first ones as they are derived, with the hash of their text; the others with the same words, made by the database. */
const DERIVED_WORDS = 1_200;

async function insertWords(db: SiteDatabase): Promise<void> {
  const ids = await db.selectFrom('videos').select('id').orderBy('id').limit(DERIVED_WORDS).execute();
  const rows = await listVideosWithRecords(
    db,
    ids.map(({ id }) => id),
  );
  await writeWords(
    db,
    rows.map(row => ({ number: Number(row.change), words: wordsOf(searchTextOf(row)) })),
  );
  for (const row of rows)
    await db
      .updateTable('studio_videos')
      .set({ words_hash: hashOf(searchTextOf(row)) })
      .where('video_id', '=', row.id)
      .execute();
  const words = sql`case number % 3 when 0 then 'lecture' when 1 then '讲 座 讲座' else 'ubung' end || ' ' ||
    cast((number * 31) % 997 as text) || ' part ' || cast(number as text) ||
    ' the description of video with some words about physics chemistry and 数 学 数学 term ' || cast(number % 8 as text)`;
  await (isPostgres(db)
    ? sql`update studio_videos set words = array_to_tsvector(string_to_array(${words}, ' ')) where number > ${DERIVED_WORDS}`
    : sql`insert into studio_words (rowid, words) select number, ${words} from studio_videos where number > ${DERIVED_WORDS}`
  ).execute(db);
}
