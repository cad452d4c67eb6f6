/** The Prometheus metrics of a site. */
import { Counter, type Registry } from 'prom-client';
import { addGauge } from '../../kernel/metrics/gauge.ts';
import type { CheckCounts } from '../database/file-checks.ts';
import type { BufferStats } from '../delivery/delivery.ts';

export function registerBufferMetrics(register: Registry, stats: () => BufferStats): void {
  const counters = {
    tributary_buffer_hits_total: ['Requests served from the cache.', () => stats().hits],
    tributary_buffer_misses_total: ['Requests that needed a fill.', () => stats().misses],
    tributary_buffer_egress_bytes_total: ['Bytes sent to viewers.', () => stats().egress.viewers],
    tributary_buffer_fills_egress_bytes_total: [
      'Bytes sent to the fills of other sites.',
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
  addGauge(
    register,
    'tributary_buffer_active_responses',
    'Responses in progress.',
    async () => stats().activeResponses,
  );
}

export function registerFileCheckMetrics(register: Registry, count: () => Promise<CheckCounts>): void {
  const gauges = {
    tributary_files_checked_videos: ['Videos and copies whose files were checked for bit rot.', 'checked'],
    tributary_files_damaged_videos: ['Videos and copies with damage that is not repaired.', 'damaged'],
    tributary_files_repaired_videos: [
      'Videos whose damaged bytes were fetched from another site.',
      'repaired',
    ],
  } as const;
  for (const [name, [help, member]] of Object.entries(gauges)) {
    addGauge(register, name, help, async () => (await count())[member]);
  }
  addGauge(
    register,
    'tributary_files_oldest_check_seconds',
    'The age of the oldest of the last checks.',
    async () => {
      const { oldestCheckMs } = await count();
      return oldestCheckMs === undefined ? 0 : Math.max(0, (Date.now() - oldestCheckMs) / 1_000);
    },
  );
}

export const registerRecordMetrics = (register: Registry, unpublished: () => Promise<number>): void =>
  addGauge(
    register,
    'tributary_records_unpublished',
    'Records that central has not acknowledged.',
    unpublished,
  );
