/**
 * The number of videos of each series, changed in the transactions that change the videos. Nothing counts them on request. A video
 * counts for a series while the catalogue lists it.
 */
import { isAmong } from '../../../kernel/sql/rows.ts';
import { sql } from '../../../kernel/sql/sql.ts';
import type { SiteId, VideoId } from '../../../protocol/base/ids.ts';
import type { SeriesId } from '../../../protocol/people/permissions.ts';
import { claimPositions } from '../feed.ts';
import type { CentralTransaction } from '../schema.ts';
import type { SeriesCounts } from './series.ts';

/** The videos that a transaction may change. */
type Affected = { readonly videos: readonly VideoId[] } | { readonly site: SiteId };

/** Runs `write`, and adds what it changes to the counts. All changes of `affected` must be inside `write`. */
export async function keepSeriesCounts<T>(
  tx: CentralTransaction,
  affected: Affected,
  write: () => Promise<T>,
): Promise<T> {
  // The lock of the feed makes changes of videos run one after another.
  await claimPositions(tx, 0);
  const before = await countListed(tx, affected);
  const result = await write();
  const after = await countListed(tx, affected);
  for (const series of new Set([...before.keys(), ...after.keys()]))
    await addCounts(tx, series, difference(after.get(series), before.get(series)));
  return result;
}

const NONE: SeriesCounts = { public: 0, internal: 0, hidden: 0 };

const difference = (a = NONE, b = NONE): SeriesCounts => ({
  public: a.public - b.public,
  internal: a.internal - b.internal,
  hidden: a.hidden - b.hidden,
});

async function countListed(
  tx: CentralTransaction,
  affected: Affected,
): Promise<ReadonlyMap<SeriesId, SeriesCounts>> {
  const rows = await tx
    .selectFrom('videos')
    .innerJoin('members', 'members.id', 'videos.site_id')
    .select(({ fn }) => ['series_id', 'private', 'audience', fn.countAll<number>().as('videos')])
    .where('series_id', 'is not', null)
    .where('videos.withdrawn', '=', sql.lit(0))
    .where('videos.kind', '=', sql.lit('video'))
    .where('videos.superseded_by', 'is', null)
    .where('members.revoked_at', 'is', null)
    .where(
      'videos' in affected
        ? isAmong(tx, 'video_id', affected.videos)
        : sql<boolean>`site_id = ${affected.site}`,
    )
    .groupBy(['series_id', 'private', 'audience'])
    .execute();
  const counts = new Map<SeriesId, SeriesCounts>();
  for (const { series_id, private: isPrivate, audience, videos } of rows) {
    if (series_id === null) continue;
    const kind = isPrivate !== 1 ? 'public' : audience === 'internal' ? 'internal' : 'hidden';
    const known = counts.get(series_id) ?? NONE;
    counts.set(series_id, { ...known, [kind]: known[kind] + Number(videos) });
  }
  return counts;
}

async function addCounts(tx: CentralTransaction, series: SeriesId, by: SeriesCounts): Promise<void> {
  if (by.public === 0 && by.internal === 0 && by.hidden === 0) return;
  await tx
    .insertInto('series_counts')
    .values({ series_id: series, ...by })
    .onConflict(conflict =>
      conflict.column('series_id').doUpdateSet(({ eb, ref }) => ({
        public: eb(ref('series_counts.public'), '+', by.public),
        internal: eb(ref('series_counts.internal'), '+', by.internal),
        hidden: eb(ref('series_counts.hidden'), '+', by.hidden),
      })),
    )
    .execute();
}
