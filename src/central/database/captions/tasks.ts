/** The queue of videos whose captions central has to fetch. It survives a restart, and a video that changes again is fetched again. */
import { isAmong } from '../../../kernel/sql/rows.ts';
import { sql } from '../../../kernel/sql/sql.ts';
import type { RevisionId, SiteId, VideoId } from '../../../protocol/base/ids.ts';
import { UNDETERMINED_LANGUAGE } from '../../../protocol/publication/gateway.ts';
import type { CentralDatabase, CentralTransaction } from '../schema.ts';
import { storeCaptions } from '../search/captions.ts';
import { parseStoredRecord } from '../stored-record.ts';

export interface CaptionTask {
  readonly video: VideoId;
  readonly position: number;
  readonly attempts: number;
}

/** Which captions a video has now. */
export interface CurrentCaptions {
  readonly site: SiteId;
  readonly revision: RevisionId;
  readonly languages: readonly string[];
}

/** A record without this text has no captions. */
const CAPTIONS_MARK = '"kind":"captions"';

/**
 * Queues the videos that have changed since the last call, at most `limit`.
 *
 * @returns true if there are more
 */
export function queueChanged(db: CentralDatabase, limit: number): Promise<boolean> {
  return db.transaction().execute(async tx => {
    const state = await tx
      .selectFrom('caption_state')
      .select('position')
      .where('id', '=', 1)
      .executeTakeFirstOrThrow();
    const rows = await tx
      .selectFrom('videos')
      .select(['video_id', 'site_id', 'kind', 'position'])
      .select(sql<number>`case when body like ${`%${CAPTIONS_MARK}%`} then 1 else 0 end`.as('has_captions'))
      .where('position', '>', state.position)
      .orderBy('position')
      .limit(limit)
      .execute();
    const last = rows.at(-1);
    if (!last) return false;
    const videos = rows.filter(({ kind }) => kind === 'video');
    const known = new Set(
      await listKnown(
        tx,
        videos.map(({ video_id }) => video_id),
      ),
    );
    for (const { video_id, site_id, position, has_captions } of videos) {
      if (has_captions === 0 && !known.has(video_id)) continue;
      const task = { site_id, position, attempts: 0, not_before: 0 };
      await tx
        .insertInto('caption_tasks')
        .values({ video_id, ...task })
        .onConflict(conflict => conflict.column('video_id').doUpdateSet(task))
        .execute();
    }
    await tx.updateTable('caption_state').set({ position: last.position }).where('id', '=', 1).execute();
    return rows.length === limit;
  });
}

async function listKnown(tx: CentralTransaction, videos: readonly VideoId[]): Promise<readonly VideoId[]> {
  if (videos.length === 0) return [];
  const rows = await tx
    .selectFrom('caption_tags')
    .select('video_id')
    .distinct()
    .where(isAmong(tx, 'video_id', videos))
    .execute();
  return rows.map(({ video_id }) => video_id);
}

/** The tasks that are due, by site, oldest first. */
export async function listDueTasks(
  db: CentralDatabase,
  nowMs: number,
  limit: number,
): Promise<ReadonlyMap<string, readonly CaptionTask[]>> {
  const rows = await db
    .selectFrom('caption_tasks')
    .select(['video_id', 'site_id', 'position', 'attempts'])
    .where('not_before', '<=', nowMs)
    .orderBy('position')
    .limit(limit)
    .execute();
  const tasks = new Map<string, CaptionTask[]>();
  for (const { video_id, site_id, position, attempts } of rows) {
    const ofSite = tasks.get(site_id) ?? [];
    tasks.set(site_id, ofSite);
    ofSite.push({ video: video_id, position, attempts });
  }
  return tasks;
}

/** Returns undefined for a video that is withdrawn, or that no active site publishes. */
export async function findCurrentCaptions(
  db: CentralDatabase,
  video: VideoId,
): Promise<CurrentCaptions | undefined> {
  const row = await db
    .selectFrom('videos')
    .innerJoin('members', 'members.id', 'videos.site_id')
    .select(['videos.site_id', 'videos.body'])
    .where('videos.video_id', '=', video)
    .where('videos.kind', '=', sql.lit('video'))
    .where('videos.withdrawn', '=', sql.lit(0))
    .where('videos.superseded_by', 'is', null)
    .where('members.revoked_at', 'is', null)
    .orderBy('videos.published_at')
    .executeTakeFirst();
  const record = row && parseStoredRecord(row.body);
  if (!row || record?.kind !== 'video') return undefined;
  const languages = record.renditions.flatMap(rendition =>
    rendition.kind === 'captions' ? [rendition.language ?? UNDETERMINED_LANGUAGE] : [],
  );
  return { site: row.site_id, revision: record.revision, languages: [...new Set(languages)] };
}

/** The tags of the captions that central has of a video, by language. */
export async function listTags(db: CentralDatabase, video: VideoId): Promise<ReadonlyMap<string, string>> {
  const rows = await db
    .selectFrom('caption_tags')
    .select(['language', 'tag'])
    .where('video_id', '=', video)
    .execute();
  return new Map(rows.map(({ language, tag }) => [language, tag]));
}

export interface FetchedCaptions {
  readonly video: VideoId;
  readonly revision: RevisionId;
  readonly language: string;
  readonly tag: string;
  readonly cues: readonly { readonly startMs: number; readonly endMs: number; readonly text: string }[];
}

/** Stores captions for the search, unless the video has changed since they were requested: then it is queued again. */
export async function saveCaptions(
  db: CentralDatabase,
  { tag, ...captions }: FetchedCaptions,
  task: CaptionTask,
): Promise<void> {
  await db.transaction().execute(async tx => {
    const { video, language } = captions;
    // The lock makes a withdrawal wait, which then removes these captions.
    const current = await tx
      .updateTable('videos')
      .set(({ ref }) => ({ position: ref('position') }))
      .where('video_id', '=', video)
      .where('kind', '=', sql.lit('video'))
      .where('withdrawn', '=', sql.lit(0))
      .where('position', '<=', task.position)
      .returning('position')
      .executeTakeFirst();
    if (!current) return;
    await storeCaptions(tx, captions);
    await tx
      .insertInto('caption_tags')
      .values({ video_id: video, language, tag })
      .onConflict(conflict => conflict.columns(['video_id', 'language']).doUpdateSet({ tag }))
      .execute();
  });
}

/** Removes the captions of a video in languages that it does not have any more. */
export async function dropCaptions(
  db: CentralDatabase,
  video: VideoId,
  revision: string,
  languages: readonly string[],
): Promise<void> {
  for (const language of languages) {
    await db.transaction().execute(async tx => {
      await storeCaptions(tx, { video, revision, language, cues: [] });
      await tx
        .deleteFrom('caption_tags')
        .where('video_id', '=', video)
        .where('language', '=', language)
        .execute();
    });
  }
}

/** A task that was queued again meanwhile stays. */
export async function completeTask(db: CentralDatabase, { video, position }: CaptionTask): Promise<void> {
  await db
    .deleteFrom('caption_tasks')
    .where('video_id', '=', video)
    .where('position', '=', position)
    .execute();
}

export async function postponeTask(
  db: CentralDatabase,
  { video, position, attempts }: CaptionTask,
  notBeforeMs: number,
): Promise<void> {
  await db
    .updateTable('caption_tasks')
    .set({ attempts: attempts + 1, not_before: notBeforeMs })
    .where('video_id', '=', video)
    .where('position', '=', position)
    .execute();
}

/** Postpones all tasks of a site that cannot be reached. */
export async function postponeSite(db: CentralDatabase, site: string, notBeforeMs: number): Promise<void> {
  await db
    .updateTable('caption_tasks')
    .set({ not_before: notBeforeMs })
    .where('site_id', '=', site)
    .where('not_before', '<', notBeforeMs)
    .execute();
}
