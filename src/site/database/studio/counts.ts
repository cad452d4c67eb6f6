/**
 * How many videos each filter of the studio finds. The counts are kept for each owner and series, so that they can be added up for a
 * person who sees only some videos, and for all videos together.
 */
import { sql } from '../../../kernel/sql/sql.ts';
import type { StudioVideoRow } from '../tables/studio-index.ts';
import type { SiteDatabase, VisibleVideos } from '../tables/videos.ts';
import { facetsOf } from './derive-rows.ts';

export interface CountChange {
  readonly row: StudioVideoRow;
  readonly by: 1 | -1;
}

const ALL = '*';

/** In the transaction that changes the rows. */
export async function changeCounts(db: SiteDatabase, changes: readonly CountChange[]): Promise<void> {
  const sums = new Map<string, number>();
  for (const { row, by } of changes) {
    for (const facet of facetsOf(row)) {
      for (const cell of [
        [ALL, ALL, facet],
        [row.owner_id ?? '', row.series_id ?? '', facet],
      ]) {
        const key = cell.join('\n');
        sums.set(key, (sums.get(key) ?? 0) + by);
      }
    }
  }
  const rows = [...sums]
    .filter(([, n]) => n !== 0)
    .map(([key, n]) => {
      const [owner_id = '', series_id = '', facet = ''] = key.split('\n');
      return { owner_id, series_id, facet, n };
    });
  if (rows.length === 0) return;
  await db
    .insertInto('studio_counts')
    .values(rows)
    .onConflict(conflict =>
      conflict
        .columns(['owner_id', 'series_id', 'facet'])
        .doUpdateSet({ n: sql<number>`studio_counts.n + excluded.n` }),
    )
    .execute();
}

export type Counts = Readonly<Record<string, number>>;

/** Counts by facet for a person who sees these videos. */
export async function readCounts(db: SiteDatabase, visible: VisibleVideos): Promise<Counts> {
  const seesAll = visible.some(({ owner, series }) => owner === undefined && series === undefined);
  const rows = await db
    .selectFrom('studio_counts')
    .select(({ fn }) => ['facet', fn.sum<number>('n').as('n')])
    .where(({ eb, and, or }) =>
      seesAll
        ? and([eb('owner_id', '=', ALL), eb('series_id', '=', ALL)])
        : or(
            visible.map(({ owner, series }) =>
              and([
                eb('owner_id', owner === undefined ? '<>' : '=', owner ?? ALL),
                ...(series === undefined ? [] : [eb('series_id', '=', series)]),
              ]),
            ),
          ),
    )
    .groupBy('facet')
    .execute();
  return Object.fromEntries(rows.map(({ facet, n }) => [facet, Number(n)]));
}

/** How many videos of an owner, of a series or of all there are. */
export async function countVideosOf(
  db: SiteDatabase,
  { owner, series }: { readonly owner?: string | undefined; readonly series?: string | undefined },
): Promise<number> {
  const row = await db
    .selectFrom('studio_counts')
    .select(({ fn }) => fn.sum<number>('n').as('n'))
    .where('facet', '=', 'all')
    .where(({ eb, and }) =>
      owner === undefined && series === undefined
        ? and([eb('owner_id', '=', ALL), eb('series_id', '=', ALL)])
        : and([
            eb('owner_id', owner === undefined ? '<>' : '=', owner ?? ALL),
            ...(series === undefined ? [] : [eb('series_id', '=', series)]),
          ]),
    )
    .executeTakeFirst();
  return Number(row?.n ?? 0);
}
