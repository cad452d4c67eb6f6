/**
 * What trackers tell each other of the networks they have heard of, passed on unread. It is a comfort: kept for minutes, bounded,
 * and nobody misses what is lost.
 */

import { newId } from '../../protocol/ids.ts';
import type { PeerMeasurementsRequest } from '../../protocol/peer-measurements.ts';
import type { CentralDatabase } from './schema.ts';

const KEPT_MS = 600_000;
/** Told at once; what is left is told next time. */
const ROWS = 20;

export async function recordPeerMeasurements(
  db: CentralDatabase,
  tracker: string,
  summaries: PeerMeasurementsRequest['summaries'],
  nowMs: number,
): Promise<void> {
  if (summaries.length === 0) return;
  await db
    .deleteFrom('peer_measurements')
    .where('reported_at', '<', nowMs - KEPT_MS)
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

/** What others told after that one. */
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
    .where('reported_at', '>', nowMs - KEPT_MS)
    .orderBy('id')
    .limit(ROWS + 1)
    .execute();
  const taken = rows.slice(0, ROWS);
  return {
    after: taken.at(-1)?.id ?? after,
    more: rows.length > ROWS,
    peers: taken.map(({ tracker_id, reported_at, body }) => ({
      tracker: tracker_id,
      ageMs: Math.max(0, nowMs - reported_at),
      summaries: JSON.parse(body) as PeerMeasurementsRequest['summaries'],
    })),
  };
}
