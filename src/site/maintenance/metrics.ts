/** What a site tells its metrics (Prometheus). */
import { Counter, Gauge, type Registry } from 'prom-client';
import { addGauge } from '../../kernel/gauge.ts';
import type { BufferStats } from '../delivery/buffer.ts';

export function registerBufferMetrics(register: Registry, stats: () => BufferStats): void {
  const counters = {
    tributary_buffer_hits_total: ['Requests answered from what was kept.', () => stats().hits],
    tributary_buffer_misses_total: ['Requests that had to be filled.', () => stats().misses],
    tributary_buffer_egress_bytes_total: ['Bytes on the wire to viewers.', () => stats().egress.viewers],
    tributary_buffer_fills_egress_bytes_total: [
      "Bytes on the wire to other sites' fills.",
      () => stats().egress.fills,
    ],
    tributary_buffer_ingress_bytes_total: [
      'Body bytes fetched from other sites.',
      () => stats().ingressBytes,
    ],
  } as const;
  for (const [name, [help, read]] of Object.entries(counters)) {
    new Counter({
      name,
      help,
      registers: [register],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }
  new Gauge({
    name: 'tributary_buffer_active_responses',
    help: 'Responses under way.',
    registers: [register],
    collect() {
      this.set(stats().activeResponses);
    },
  });
}

export const registerRecordMetrics = (register: Registry, unpublished: () => Promise<number>): void =>
  addGauge(
    register,
    'tributary_records_unpublished',
    'Records that the centre has not acknowledged.',
    unpublished,
  );
