/** Which sites the trackers can reach, and since when. Trackers repeat their reports every few seconds. */
import { sql } from '../../kernel/sql/sql.ts';
import type { SiteId } from '../../protocol/base/ids.ts';
import { OUTAGE_MS, type PresenceReports } from '../placement/presence.ts';
import type { CentralDatabase } from './schema.ts';

/** An older report says nothing about the present. */
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
    down_since: up ? null : nowMs,
  }));
  for (let first = 0; first < rows.length; first += ROWS_PER_STATEMENT) {
    await db
      .insertInto('site_status_reports')
      .values(rows.slice(first, first + ROWS_PER_STATEMENT))
      .onConflict(conflict =>
        conflict.columns(['tracker_id', 'site_id']).doUpdateSet({
          up: sql`excluded.up`,
          reported_at: sql`excluded.reported_at`,
          down_since: sql`case when excluded.up = 1 then null
            else coalesce(site_status_reports.down_since, excluded.down_since) end`,
          returned_at: sql`case
            when excluded.up = 1 and site_status_reports.down_since <= excluded.reported_at - ${sql.lit(OUTAGE_MS)}
            then excluded.reported_at else site_status_reports.returned_at end`,
        }),
      )
      .execute();
  }
}

/** What the trackers know about a site. */
export interface ReportedStatus extends Pick<PresenceReports, 'state' | 'downSinceMs' | 'returnedAtMs'> {
  /** When a tracker last reported the site. */
  readonly reportedAtMs: number;
}

/**
 * A site is up if at least one tracker reaches it, because the viewers of that tracker can be sent there. Its state is unknown if
 * no tracker has reported it recently. Sites that no tracker ever reported are absent.
 */
export async function listSiteStatus(
  db: CentralDatabase,
  nowMs: number,
): Promise<ReadonlyMap<SiteId, ReportedStatus>> {
  const rows = await db.selectFrom('site_status_reports').selectAll().execute();
  const statuses = new Map<SiteId, ReportedStatus>();
  for (const row of rows) {
    const reportedAtMs = Number(row.reported_at);
    const isFresh = reportedAtMs > nowMs - FRESH_MS;
    const status: ReportedStatus = {
      state: !isFresh ? 'unknown' : row.up === 1 ? 'up' : 'down',
      downSinceMs: row.down_since === null ? undefined : Number(row.down_since),
      returnedAtMs: row.returned_at === null ? undefined : Number(row.returned_at),
      reportedAtMs,
    };
    const other = statuses.get(row.site_id);
    statuses.set(row.site_id, other ? combine(other, status) : status);
  }
  return statuses;
}

const STATES = ['up', 'down', 'unknown'] as const;

/** The reports of two trackers: the better state counts, and for equal states the shorter outage. */
function combine(a: ReportedStatus, b: ReportedStatus): ReportedStatus {
  const [best, other] = STATES.indexOf(a.state) <= STATES.indexOf(b.state) ? [a, b] : [b, a];
  const reportedAtMs = Math.max(a.reportedAtMs, b.reportedAtMs);
  if (best.state !== other.state) return { ...best, reportedAtMs };
  return {
    state: best.state,
    downSinceMs: Math.max(best.downSinceMs ?? 0, other.downSinceMs ?? 0) || undefined,
    returnedAtMs:
      best.returnedAtMs === undefined || other.returnedAtMs === undefined
        ? undefined
        : Math.min(best.returnedAtMs, other.returnedAtMs),
    reportedAtMs,
  };
}
