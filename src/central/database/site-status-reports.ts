/** Which sites the trackers can reach. Trackers repeat their reports every few seconds; older ones are ignored. */
import { sql } from '../../kernel/sql/sql.ts';
import type { SiteId } from '../../protocol/base/ids.ts';
import type { CentralDatabase } from './schema.ts';

const FRESH_MS = 30_000;
const ROWS_PER_STATEMENT = 500;

export interface SiteStatus {
  readonly site: SiteId;
  readonly up: boolean;
}

export async function recordSiteStatus(
  db: CentralDatabase,
  tracker: string,
  statuses: readonly SiteStatus[],
  nowMs: number,
): Promise<void> {
  const bySite = new Map(statuses.map(({ site, up }) => [site, up]));
  const rows = [...bySite].map(([site_id, up]) => ({
    tracker_id: tracker,
    site_id,
    up: up ? 1 : 0,
    reported_at: nowMs,
  }));
  for (let first = 0; first < rows.length; first += ROWS_PER_STATEMENT) {
    await db
      .insertInto('site_status_reports')
      .values(rows.slice(first, first + ROWS_PER_STATEMENT))
      .onConflict(conflict =>
        conflict
          .columns(['tracker_id', 'site_id'])
          .doUpdateSet(({ ref }) => ({ up: ref('excluded.up'), reported_at: ref('excluded.reported_at') })),
      )
      .execute();
  }
}

/**
 * A site is up if at least one tracker reaches it, because the viewers of that tracker can be sent there. Sites without a recent
 * report are absent.
 */
export async function listSiteStatus(
  db: CentralDatabase,
  nowMs: number,
): Promise<ReadonlyMap<SiteId, 'up' | 'down'>> {
  const rows = await db
    .selectFrom('site_status_reports')
    .select(['site_id', sql<number>`max(up)`.as('up')])
    .where('reported_at', '>', nowMs - FRESH_MS)
    .groupBy('site_id')
    .execute();
  return new Map(rows.map(row => [row.site_id, row.up === 1 ? 'up' : 'down']));
}
