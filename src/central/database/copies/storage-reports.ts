/** What each site last reported on its storage: space for copies, whether it serves viewers, and damaged files. */
import type { SiteId } from '../../../protocol/base/ids.ts';
import { type StorageReport, storageReportSchema } from '../../../protocol/copies.ts';
import type { CentralDatabase } from '../schema.ts';

export interface ReceivedReport extends StorageReport {
  readonly receivedAtMs: number;
}

/** @returns whether the report differs from the last one in more than the free space */
export async function writeStorageReport(
  db: CentralDatabase,
  site: SiteId,
  report: StorageReport,
  nowMs: number,
): Promise<boolean> {
  const before = await db
    .selectFrom('storage_reports')
    .select('body')
    .where('site_id', '=', site)
    .executeTakeFirst();
  const row = { reported_at: nowMs, body: JSON.stringify(report) };
  await db
    .insertInto('storage_reports')
    .values({ site_id: site, ...row })
    .onConflict(conflict => conflict.column('site_id').doUpdateSet(row))
    .execute();
  if (!before) return true;
  const withoutSpace = (each: StorageReport): string => JSON.stringify({ ...each, freeBytes: 0 });
  return withoutSpace(storageReportSchema.parse(JSON.parse(before.body))) !== withoutSpace(report);
}

export async function listStorageReports(db: CentralDatabase): Promise<ReadonlyMap<SiteId, ReceivedReport>> {
  const rows = await db.selectFrom('storage_reports').selectAll().execute();
  return new Map(
    rows.map(row => [
      row.site_id,
      { ...storageReportSchema.parse(JSON.parse(row.body)), receivedAtMs: Number(row.reported_at) },
    ]),
  );
}
