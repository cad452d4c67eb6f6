/** The metrics of central. */
import { Counter, type Registry } from 'prom-client';
import { addGauge } from '../kernel/metrics/gauge.ts';

type Count = Pick<Counter, 'inc'>;

export interface CentralMetrics {
  readonly signals: Count;
  readonly records: Count;
  readonly rejections: Count;
  readonly collectFailures: Count;
}

export function createMetrics(
  registry: Registry,
  gauges: { readonly videos: () => Promise<number>; readonly pendingSignals: () => Promise<number> },
): CentralMetrics {
  const registers = [registry];
  const counter = (name: string, help: string): Counter =>
    new Counter({ name: `tributary_central_${name}`, help, registers });
  addGauge(
    registry,
    'tributary_central_videos',
    'Videos in the catalogue, without withdrawn ones.',
    gauges.videos,
  );
  addGauge(
    registry,
    'tributary_central_pending_signals',
    'Received signals that are not handled yet.',
    gauges.pendingSignals,
  );
  return {
    signals: counter('signals_total', 'Signals received from sites.'),
    records: counter('records_total', 'Records of sites that were accepted and acknowledged.'),
    rejections: counter('records_rejected_total', 'Records that were neither applied nor acknowledged.'),
    collectFailures: counter('collect_failures_total', 'Runs of the collector that failed.'),
  };
}
