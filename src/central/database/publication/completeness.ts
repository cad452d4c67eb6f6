/** The completeness of the catalogue for each site: the result of the last comparison of digests. */
import type { SiteId } from '../../../protocol/base/ids.ts';
import type { CentralDatabase, PublicationRow } from '../schema.ts';

const note = async (db: CentralDatabase, site: SiteId, changes: Partial<PublicationRow>): Promise<void> => {
  await db.updateTable('publications').set(changes).where('site_id', '=', site).execute();
};

export const noteComplete = (
  db: CentralDatabase,
  site: SiteId,
  records: number,
  nowMs: number,
): Promise<void> => note(db, site, { complete_at: nowMs, complete_records: records, differed_at: null });

export const noteDifference = (db: CentralDatabase, site: SiteId, nowMs: number): Promise<void> =>
  note(db, site, { differed_at: nowMs });

export async function listPublications(db: CentralDatabase): Promise<ReadonlyMap<string, PublicationRow>> {
  const rows = await db.selectFrom('publications').selectAll().execute();
  return new Map(rows.map(row => [row.site_id, row]));
}
