/** The catalogue: what sites published, by publication rules R3, R4, R5 and R9; listing and search for viewers. */

import { sql } from '../../kernel/sql.ts';
import type { Acknowledgement, RecordPage } from '../../protocol/gateway.ts';
import type { SiteId, VideoId } from '../../protocol/ids.ts';
import type { PublicationRecord } from '../../protocol/record.ts';
import type { Cursor } from './cursor.ts';
import { takePositions } from './feed.ts';
import type { CentralDatabase, VideoRow } from './schema.ts';

type Entry = RecordPage['records'][number];

interface Held {
  readonly version: number;
  readonly hash: string;
  readonly withdrawn: boolean;
}

export type Decision =
  /** Newer than what is held, or new. */
  | 'apply'
  /** Held already: acknowledged again, since the first acknowledgement may have been lost. */
  | 'again'
  /** R4: older than what is held. */
  | 'stale'
  /** R9: the version is known with another content. */
  | 'conflict'
  /** R5: a withdrawn video does not come back. */
  | 'withdrawn'
  /** The id belongs to another site's video. */
  | 'taken';

/** What to do with a record. Only `apply` and `again` are acknowledged: exactly what the catalogue then holds. */
export function decide(
  held: Held | undefined,
  takenByOther: boolean,
  { record, hash }: { readonly record: Pick<PublicationRecord, 'kind' | 'version'>; readonly hash: string },
): Decision {
  if (!held) return takenByOther ? 'taken' : 'apply';
  if (record.version < held.version) return 'stale';
  if (record.version === held.version) return hash === held.hash ? 'again' : 'conflict';
  return held.withdrawn && record.kind !== 'tombstone' ? 'withdrawn' : 'apply';
}

export interface Refusal {
  readonly video: VideoId;
  readonly version: number;
  readonly decision: Exclude<Decision, 'apply' | 'again'>;
}

export interface Taken {
  readonly acknowledged: readonly Acknowledgement[];
  readonly applied: number;
  readonly refused: readonly Refusal[];
}

/** Takes in one page of a site's records in one transaction. What it returns as acknowledged is committed (R2). */
export function takeRecords(
  db: CentralDatabase,
  site: SiteId,
  entries: readonly Entry[],
  nowMs: number,
): Promise<Taken> {
  return db.transaction().execute(async tx => {
    const owner = await tx
      .selectFrom('members')
      .select('revoked_at')
      .where('id', '=', site)
      .executeTakeFirstOrThrow();
    // Revoked while its page was on the way.
    if (owner.revoked_at !== null) throw new Error('This site was revoked.');
    const ids = entries.map(({ record }) => record.video as string);
    const known =
      ids.length === 0
        ? []
        : await tx
            .selectFrom('videos')
            .innerJoin('members', 'members.id', 'videos.site_id')
            .select(['site_id', 'video_id', 'version', 'hash', 'withdrawn', 'revoked_at'])
            .where('video_id', 'in', ids)
            .execute();
    const held = new Map<string, Held>();
    const taken = new Set<string>();
    for (const row of known) {
      if (row.site_id === site) {
        held.set(row.video_id, { version: row.version, hash: row.hash, withdrawn: row.withdrawn === 1 });
      } else if (row.revoked_at === null) {
        // The first site that published an id has it, unless that site was removed and joined anew.
        taken.add(row.video_id);
      }
    }

    const acknowledged: Acknowledgement[] = [];
    const refused: Refusal[] = [];
    const applied: Entry[] = [];
    for (const entry of entries) {
      const { record, hash } = entry;
      const decision = decide(held.get(record.video), taken.has(record.video), entry);
      if (decision === 'apply') {
        applied.push(entry);
        held.set(record.video, { version: record.version, hash, withdrawn: record.kind === 'tombstone' });
      }
      if (decision === 'apply' || decision === 'again') {
        acknowledged.push({ video: record.video, version: record.version, hash });
      } else {
        refused.push({ video: record.video, version: record.version, decision });
      }
    }
    if (applied.length > 0) {
      const position = await takePositions(tx, applied.length);
      for (const [order, { record, hash }] of applied.entries()) {
        const row = {
          version: record.version,
          hash,
          body: JSON.stringify(record),
          withdrawn: record.kind === 'tombstone' ? 1 : 0,
          position: position + order,
          search_text:
            record.kind === 'video' ? normaliseForSearch(`${record.name}\n${record.description}`) : '',
        };
        await tx
          .insertInto('videos')
          .values({
            ...row,
            site_id: site,
            video_id: record.video,
            published_at: nowMs,
            registered_at: null,
            registered_version: 0,
          })
          .onConflict(conflict =>
            conflict
              .columns(['site_id', 'video_id'])
              .doUpdateSet(row)
              .whereRef('excluded.version', '>', 'videos.version'),
          )
          .execute();
      }
    }
    return { acknowledged, applied: applied.length, refused };
  });
}

/** One spelling for what people write alike: full and half width (NFKC), upper and lower case. */
export const normaliseForSearch = (text: string): string => text.normalize('NFKC').toLowerCase();

export interface VideoQuery {
  readonly q?: string | undefined;
  readonly site?: SiteId | undefined;
  readonly limit: number;
  readonly before?: Cursor | undefined;
}

const videoColumns = [
  'videos.site_id',
  'videos.video_id',
  'videos.version',
  'videos.body',
  'videos.withdrawn',
  'videos.published_at',
  'videos.registered_at',
  'videos.registered_version',
  'members.name as site_name',
] as const;

export type ListedVideo = Pick<
  VideoRow,
  | 'site_id'
  | 'video_id'
  | 'version'
  | 'body'
  | 'withdrawn'
  | 'published_at'
  | 'registered_at'
  | 'registered_version'
> & { readonly site_name: string };

/** Newest first; one row more than `limit` where there is more. */
export function listVideos(db: CentralDatabase, query: VideoQuery): Promise<ListedVideo[]> {
  let select = db
    .selectFrom('videos')
    .innerJoin('members', 'members.id', 'videos.site_id')
    .select(videoColumns)
    .where('videos.withdrawn', '=', sql.lit(0))
    .where('members.revoked_at', 'is', null);
  if (query.site) select = select.where('videos.site_id', '=', query.site);
  if (query.before) {
    const { at, id } = query.before;
    select = select.where(sql<boolean>`(videos.published_at, videos.video_id) < (${at}, ${id})`);
  }
  for (const word of searchWords(query.q)) {
    // LIKE and no full-text index: Chinese is written without spaces, so a word tokenizer finds nothing inside a sentence,
    // and a trigram index cannot find one or two characters, which is how long most Chinese words are. A scan of short
    // normalised texts costs milliseconds for the catalogues that this serves, and is right for every script.
    select = select.where(sql<boolean>`videos.search_text like ${`%${escapeLike(word)}%`} escape '\\'`);
  }
  return select
    .orderBy('videos.published_at', 'desc')
    .orderBy('videos.video_id', 'desc')
    .limit(query.limit + 1)
    .execute();
}

const searchWords = (q: string | undefined): string[] =>
  normaliseForSearch(q ?? '')
    .split(/\s+/u)
    .filter(word => word !== '');

const escapeLike = (word: string): string => word.replaceAll(/[\\%_]/g, '\\$&');

/** The video that has this id. Where a removed site and a present one have it, the present one's; then the first. */
export function findVideo(
  db: CentralDatabase,
  video: VideoId,
): Promise<(ListedVideo & { readonly revoked_at: number | null }) | undefined> {
  return db
    .selectFrom('videos')
    .innerJoin('members', 'members.id', 'videos.site_id')
    .select([...videoColumns, 'members.revoked_at'])
    .where('videos.video_id', '=', video)
    .orderBy(sql`case when members.revoked_at is null then 0 else 1 end`)
    .orderBy('videos.published_at')
    .executeTakeFirst();
}

export async function listRegistrations(
  db: CentralDatabase,
  site: SiteId,
  videos: readonly VideoId[],
): Promise<{ video: VideoId; version: number }[]> {
  const rows = await db
    .selectFrom('videos')
    .select(['video_id', 'registered_version'])
    .where('site_id', '=', site)
    .where('video_id', 'in', videos as readonly string[])
    .where('registered_version', '>', 0)
    .execute();
  return rows.map(row => ({ video: row.video_id as VideoId, version: row.registered_version }));
}

export async function countVideos(db: CentralDatabase): Promise<number> {
  const { count } = await db
    .selectFrom('videos')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('withdrawn', '=', sql.lit(0))
    .executeTakeFirstOrThrow();
  return Number(count);
}
