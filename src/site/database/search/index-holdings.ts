/** Indexes the queued videos of a site, in small steps. */
import {
  type Cue,
  deleteCaptions,
  readCaptionLexemes,
  writeCaptions,
} from '../../../kernel/search/database/captions.ts';
import { searchTables } from '../../../kernel/search/database/tables.ts';
import { writeDocuments } from '../../../kernel/search/database/write.ts';
import { makeDocument } from '../../../kernel/search/document.ts';
import { isAmong } from '../../../kernel/sql/rows.ts';
import type { SiteId, VideoId } from '../../../protocol/base/ids.ts';
import { type Extras, parseExtras } from '../extras.ts';
import { listTurned } from '../tables/scheduled-videos.ts';
import type { SiteDatabase } from '../tables/videos.ts';
import { readHoldings } from './read-holdings.ts';

export interface LocalCaptions {
  readonly video: VideoId;
  readonly revision: string;
  readonly language: string;
  readonly cues: readonly Cue[];
}

export interface IndexDeps {
  readonly site: SiteId | undefined;
  /** The captions of an own video, from its files. */
  readonly readCaptions: (
    video: VideoId,
    revision: string,
    extras: Extras,
  ) => Promise<readonly LocalCaptions[]>;
}

/** @returns false if nothing is queued */
export async function indexHoldings(db: SiteDatabase, limit: number, deps: IndexDeps): Promise<boolean> {
  const queued = await db
    .selectFrom('search_queue')
    .selectAll()
    .orderBy('seq', 'desc')
    .orderBy('video_id')
    .limit(limit)
    .execute();
  if (queued.length === 0) return false;
  const videos = queued.map(({ video_id }) => video_id);
  const captions = await readChangedCaptions(db, videos, deps);
  await db.transaction().execute(async tx => {
    const search = searchTables(tx);
    await tx
      .deleteFrom('search_queue')
      .where(isAmong(tx, 'video_id', videos))
      .execute();
    const held = await readHoldings(tx, videos, deps.site);
    await deleteCaptions(search, [...captions.keys(), ...videos.filter(video => !held.has(video))]);
    for (const each of [...captions.values()].flat()) await writeCaptions(search, each);
    const lexemes = await readCaptionLexemes(search, videos);
    await writeDocuments(
      search,
      queued.map(({ video_id: video, seq }) => {
        const found = held.get(video);
        const said = { has: found?.hasCaptions ?? false, lexemes: lexemes.get(video) ?? [] };
        return {
          video,
          document: found && makeDocument(found.video, said),
          ...(seq > 0 ? { seq: Number(seq) } : {}),
        };
      }),
    );
  });
  return true;
}

/** The captions of own videos whose revision is not the indexed one. */
async function readChangedCaptions(
  db: SiteDatabase,
  videos: readonly VideoId[],
  { readCaptions }: IndexDeps,
): Promise<ReadonlyMap<VideoId, readonly LocalCaptions[]>> {
  const rows = await db
    .selectFrom('videos')
    .select(['id', 'revision', 'extras'])
    .where('id', 'in', videos)
    .where('state', '=', 'ready')
    .execute();
  const known = await db
    .selectFrom('search_captions')
    .select(['video_id', 'revision'])
    .where('video_id', 'in', videos)
    .execute();
  const indexed = new Map(known.map(({ video_id, revision }) => [video_id, revision]));
  const changed = new Map<VideoId, readonly LocalCaptions[]>();
  for (const { id, revision, extras } of rows)
    if (revision !== null && indexed.get(id) !== revision)
      changed.set(id, await readCaptions(id, revision, parseExtras(extras)));
  return changed;
}

/** Queues the videos that became visible or ended after `sinceMs`, up to `nowMs`. */
export async function queueTurned(db: SiteDatabase, sinceMs: number, nowMs: number): Promise<void> {
  const { own, copies } = await listTurned(db, sinceMs, nowMs);
  const rows = [...new Set([...own, ...copies])].map(video_id => ({ video_id, seq: 0 }));
  if (rows.length > 0)
    await db
      .insertInto('search_queue')
      .values(rows)
      .onConflict(conflict => conflict.doNothing())
      .execute();
}
