/** Converts between this tracker's measurements and those of other trackers. No I/O. */
import type { PeerMeasurementsRequest, PeerMeasurementsResponse } from '../../protocol/peer-measurements.ts';
import { MAX_SUMMARIES } from '../../protocol/peer-measurements.ts';
import type { NetworkMemory } from '../memory/network-memory.ts';
import type { ReportIngestion } from '../reports/report-ingestion.ts';

export interface MeasurementSink {
  readonly memory: Pick<NetworkMemory, 'absorb'>;
  readonly ingestion: Pick<ReportIngestion, 'peerMeasurement'>;
}

/** The measurements since `sinceMs` that viewers reported to this tracker. */
export const listOwnMeasurements = (
  memory: Pick<NetworkMemory, 'summaries'>,
  sinceMs: number,
  nowMs: number,
): PeerMeasurementsRequest['summaries'] => [...memory.summaries(sinceMs, nowMs, MAX_SUMMARIES)];

/** Records the measurements of other trackers, with the age that they have now. */
export function recordPeerMeasurements(
  peers: PeerMeasurementsResponse['peers'],
  { memory, ingestion }: MeasurementSink,
  nowMs: number,
): void {
  for (const { tracker, ageMs, summaries } of peers) {
    const aged = summaries.map(each => ({
      ...each,
      ageMs: each.ageMs + ageMs,
      failedAgoMs: each.failedAgoMs === undefined ? undefined : each.failedAgoMs + ageMs,
    }));
    memory.absorb(tracker, aged, nowMs);
    for (const summary of aged) ingestion.peerMeasurement(summary, nowMs);
  }
}
