/**
 * One page of the studio's list. The narrow rows are read in the order of an index, or, if a filter leaves few videos, by the index of
 * that filter. Neither reads all videos.
 */
import type { ExpressionBuilder } from 'kysely';
import { isPostgres } from '../../../kernel/sql/postgres.ts';
import { sql } from '../../../kernel/sql/sql.ts';
import type { VideoId } from '../../../protocol/base/ids.ts';
import type { SiteVideoFilter, SiteVideoOrder } from '../../../protocol/studio.ts';
import type { SiteSchema } from '../tables/schema.ts';
import type { StudioVideoRow } from '../tables/studio-index.ts';
import type { SiteDatabase, VisibleVideos } from '../tables/videos.ts';
import { countVideosOf, readCounts } from './counts.ts';
import { countWords, hasWords, parseWordQuery, type WordQuery } from './words.ts';

export interface StudioQuery {
  readonly filter: SiteVideoFilter;
  readonly order: SiteVideoOrder;
  readonly limit: number;
  /** The last video of the previous page. */
  readonly after?: Position | undefined;
  /** The videos that the person may see. */
  readonly visible: VisibleVideos;
}

/** A place in the list: the value of the order, and the video. */
export interface Position {
  readonly key: string | number;
  readonly video: VideoId;
}

type SortColumn = 'video_id' | 'name_key' | 'duration_ms' | 'size_bytes' | 'state_order';
const ORDERS: Readonly<
  Record<SiteVideoOrder, { readonly column: SortColumn; readonly direction: 'asc' | 'desc' }>
> = {
  newest: { column: 'video_id', direction: 'desc' },
  oldest: { column: 'video_id', direction: 'asc' },
  name: { column: 'name_key', direction: 'asc' },
  longest: { column: 'duration_ms', direction: 'desc' },
  largest: { column: 'size_bytes', direction: 'desc' },
  state: { column: 'state_order', direction: 'asc' },
};
/** Videos of the same state: newest first. */
const tieOf = (order: SiteVideoOrder): 'asc' | 'desc' =>
  order === 'state' ? 'desc' : ORDERS[order].direction;

/** Up to this many rows are found by their filter and sorted; otherwise the order is followed until the page is full. */
const FEW = 1_000;

export interface StudioPage {
  readonly ids: readonly VideoId[];
  /** Undefined on the last page. */
  readonly next: Position | undefined;
}

export async function listStudioVideos(db: SiteDatabase, query: StudioQuery): Promise<StudioPage> {
  const { order, limit, after, visible, filter } = query;
  const { column, direction } = ORDERS[order];
  const tie = tieOf(order);
  const words = filter.q === undefined ? undefined : parseWordQuery(filter.q);
  const isByOrder = !(await hasFew(db, query, words));
  const rows = await db
    .selectFrom('studio_videos')
    .select(['video_id', column])
    .where(matches({ filter, visible, isHidden: isByOrder && !isPostgres(db) }))
    .$if(words !== undefined, builder => builder.where(hasWords(db, words as WordQuery)))
    .$if(after !== undefined, builder =>
      builder.where(({ eb, or, and }) => {
        const { key, video } = after as Position;
        const beyond = eb('video_id', tie === 'asc' ? '>' : '<', video);
        if (column === 'video_id') return beyond;
        return and([
          // The index starts here.
          eb(column, direction === 'asc' ? '>=' : '<=', key),
          or([eb(column, direction === 'asc' ? '>' : '<', key), beyond]),
        ]);
      }),
    )
    .orderBy(column, direction)
    .$if(column !== 'video_id', builder => builder.orderBy('video_id', tie))
    .limit(limit + 1)
    .execute();
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    ids: page.map(({ video_id }) => video_id),
    next: rows.length > limit && last ? { key: last[column], video: last.video_id } : undefined,
  };
}

/** The newest videos, without the rows of the studio. */
export async function listNewest(
  db: SiteDatabase,
  visible: VisibleVideos,
  limit: number,
): Promise<readonly VideoId[]> {
  const rows = await db
    .selectFrom('videos')
    .select('id')
    .where(({ eb, and, or }) =>
      or(
        visible.map(({ owner, series }) =>
          and([
            ...(owner === undefined ? [] : [eb('owner_id', '=', owner)]),
            ...(series === undefined ? [] : [eb('series_id', '=', series)]),
          ]),
        ),
      ),
    )
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
  return rows.map(({ id }) => id);
}

interface Matching {
  readonly filter: SiteVideoFilter;
  readonly visible: VisibleVideos;
  /** Hides the filters from SQLite's choice of an index, which knows nothing of how many rows have a value. */
  readonly isHidden: boolean;
}

function matches({ filter, visible, isHidden }: Matching) {
  const { state, audience, series, owner, approval, captions } = filter;
  return ({ eb, and, or }: ExpressionBuilder<SiteSchema, 'studio_videos'>) => {
    const equals = (column: keyof StudioVideoRow & string, value: string | number) =>
      isHidden ? sql<boolean>`+${sql.ref(column)} = ${value}` : eb(column, '=', value as never);
    return and([
      ...(state === undefined ? [] : [equals('state', state)]),
      ...(audience === undefined ? [] : [equals('audience', audience)]),
      ...(series === undefined ? [] : [equals('series_id', series)]),
      ...(owner === undefined ? [] : [equals('owner_id', owner)]),
      ...(approval === undefined ? [] : [equals('approval', approval)]),
      ...(captions === undefined ? [] : [equals('captions', Number(captions))]),
      or(
        visible.map(each =>
          and([
            ...(each.owner === undefined ? [] : [equals('owner_id', each.owner)]),
            ...(each.series === undefined ? [] : [equals('series_id', each.series)]),
          ]),
        ),
      ),
    ]);
  };
}

/** True if a filter, or what the person may see, leaves few videos. */
async function hasFew(
  db: SiteDatabase,
  { filter, visible }: StudioQuery,
  words: WordQuery | undefined,
): Promise<boolean> {
  if (words && (await countWords(db, words, FEW + 1)) <= FEW) return true;
  const counts = await readCounts(db, [{}]);
  const of = (facet: string | undefined): number[] => (facet === undefined ? [] : [counts[facet] ?? 0]);
  const sizes = [
    ...of(filter.state && `state:${filter.state}`),
    ...of(filter.audience && `audience:${filter.audience}`),
    ...of(filter.approval && `approval:${filter.approval}`),
  ];
  if (filter.owner !== undefined) sizes.push(await countVideosOf(db, { owner: filter.owner }));
  if (filter.series !== undefined) sizes.push(await countVideosOf(db, { series: filter.series }));
  if (!visible.some(({ owner, series }) => owner === undefined && series === undefined)) {
    const each = await Promise.all(visible.map(one => countVideosOf(db, one)));
    sizes.push(each.reduce((sum, n) => sum + n, 0));
  }
  return Math.min(...sizes) <= FEW;
}
