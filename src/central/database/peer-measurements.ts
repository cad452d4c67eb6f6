/**
 * Relays measurements of networks between trackers without reading them. They are optional: they are kept for minutes and
 * bounded, and losing some does no harm.
 */
import { newId } from '../../protocol/base/ids.ts';
import type { PeerMeasurementsRequest } from '../../protocol/peer-measurements.ts';
import type { CentralDatabase } from './schema.ts';

const MAX_AGE_MS = 600_000;
/** Rows in one response. The next request gets the rest. */
const MAX_PAGE_ROWS = 20;

export async function recordPeerMeasurements(
  db: CentralDatabase,
  tracker: string,
  summaries: PeerMeasurementsRequest['summaries'],
  nowMs: number,
): Promise<void> {
  if (summaries.length === 0) return;
  await db
    .deleteFrom('peer_measurements')
    .where('reported_at', '<', nowMs - MAX_AGE_MS)
    .execute();
  await db
    .insertInto('peer_measurements')
    .values({ id: newId(), tracker_id: tracker, reported_at: nowMs, body: JSON.stringify(summaries) })
    .execute();
}

export interface ReportedMeasurements {
  readonly tracker: string;
  readonly ageMs: number;
  readonly summaries: PeerMeasurementsRequest['summaries'];
}

/** Lists the measurements that other trackers reported after the row `after`. */
export async function listPeerMeasurements(
  db: CentralDatabase,
  tracker: string,
  after: string,
  nowMs: number,
): Promise<{ readonly after: string; readonly more: boolean; readonly peers: ReportedMeasurements[] }> {
  const rows = await db
    .selectFrom('peer_measurements')
    .selectAll()
    .where('id', '>', after)
    .where('tracker_id', '!=', tracker)
    .where('reported_at', '>', nowMs - MAX_AGE_MS)
    .orderBy('id')
    .limit(MAX_PAGE_ROWS + 1)
    .execute();
  const page = rows.slice(0, MAX_PAGE_ROWS);
  return {
    after: page.at(-1)?.id ?? after,
    more: rows.length > MAX_PAGE_ROWS,
    peers: page.map(({ tracker_id, reported_at, body }) => ({
      tracker: tracker_id,
      ageMs: Math.max(0, nowMs - reported_at),
      summaries: JSON.parse(body),
    })),
  };
}
