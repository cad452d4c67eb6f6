/**
 * The copies that each site must hold, as a feed that the site follows. An assignment appears in the feed again when its video
 * changes, because the copy must then be updated to the new revision.
 */
import { sql } from '../../../kernel/sql/sql.ts';
import type { SiteId } from '../../../protocol/base/ids.ts';
import { type Assignment, type AssignmentFeed, MAX_ASSIGNMENT_PAGE_ROWS } from '../../../protocol/copies.ts';
import type { PlacementChange, PlacementEnd, StoredAssignment } from '../../placement/changes.ts';
import { parseReason } from '../../placement/why.ts';
import { claimPositions } from '../feed.ts';
import type { CentralDatabase, CentralTransaction } from '../schema.ts';
import { parseStoredRecord } from '../stored-record.ts';

export async function writePlacements(
  tx: CentralTransaction,
  changes: readonly PlacementChange[],
): Promise<void> {
  if (changes.length === 0) return;
  const first = await claimPositions(tx, changes.length);
  for (const [order, { site, video, wanted, reason }] of changes.entries()) {
    const row = {
      wanted: wanted ? 1 : 0,
      reason: JSON.stringify(reason),
      position: first + order,
      ends_at: null,
    };
    await tx
      .insertInto('placements')
      .values({ site_id: site, video_id: video, ...row })
      .onConflict(conflict => conflict.columns(['site_id', 'video_id']).doUpdateSet(row))
      .execute();
  }
}

/** Stores when assignments end. Their position in the feed does not change, because the sites need not know it. */
export async function writePlacementEnds(db: CentralDatabase, ends: readonly PlacementEnd[]): Promise<void> {
  if (ends.length === 0) return;
  await db.transaction().execute(async tx => {
    for (const { site, video, endsAtMs } of ends) {
      await tx
        .updateTable('placements')
        .set({ ends_at: endsAtMs })
        .where('site_id', '=', site)
        .where('video_id', '=', video)
        .execute();
    }
  });
}

export async function listStoredAssignments(db: CentralDatabase): Promise<StoredAssignment[]> {
  const rows = await db.selectFrom('placements').selectAll().execute();
  return rows.map(row => ({
    site: row.site_id,
    video: row.video_id,
    isWanted: row.wanted === 1,
    reason: parseReason(row.reason),
    endsAtMs: row.ends_at === null ? undefined : Number(row.ends_at),
  }));
}

/**
 * Lists the assignments of a site that changed after `start`. It makes only one query if there are none, because sites poll
 * all the time.
 */
export async function listAssignments(
  db: CentralDatabase,
  site: SiteId,
  start: number,
): Promise<AssignmentFeed> {
  const at = sql<number>`case when videos.position is not null and videos.position > placements.position
    then videos.position else placements.position end`;
  const rows = await db
    .selectFrom('placements')
    .leftJoin('videos', join =>
      join
        .onRef('videos.video_id', '=', 'placements.video_id')
        .on('videos.kind', '=', sql.lit('video'))
        .on('videos.superseded_by', 'is', null),
    )
    .select([
      'placements.video_id',
      'placements.wanted',
      'placements.reason',
      'videos.site_id as origin',
      'videos.body',
      'videos.hash',
      'videos.withdrawn',
      at.as('at'),
    ])
    .where('placements.site_id', '=', site)
    .where(at, '>', start)
    .orderBy('at')
    .orderBy('placements.video_id')
    .limit(MAX_ASSIGNMENT_PAGE_ROWS)
    .execute();
  if (rows.length === 0) return { assignments: [], position: start };
  const takenOver = new Set(
    (await db.selectFrom('promotions').select('video_id').where('to_site', '=', site).execute()).map(
      row => row.video_id,
    ),
  );
  return {
    assignments: rows.map((row): Assignment => {
      const video = row.video_id;
      const { text: reason } = parseReason(row.reason);
      const record = row.body === null ? undefined : parseStoredRecord(row.body);
      if (row.wanted === 0 || row.origin === null || record?.kind !== 'video')
        return { wanted: false, video, reason };
      return {
        wanted: true,
        video,
        origin: takenOver.has(row.video_id) ? site : row.origin,
        revision: record.revision,
        version: record.version,
        hash: row.hash ?? '',
        sizeBytes: record.sizeBytes,
        reason,
      };
    }),
    position: Number(rows.at(-1)?.at ?? start),
  };
}
