/** A Prometheus gauge whose value is read when the metrics are requested. */
import { Gauge, type Registry } from 'prom-client';
import { withinLimit } from '../lifecycle/time-limit.ts';

const LIMIT_MS = 2_000;

/** A gauge that cannot be read in time is left out of the response, so that the other metrics are still reported. */
export function addGauge(register: Registry, name: string, help: string, read: () => Promise<number>): void {
  new Gauge({
    name,
    help,
    registers: [register],
    async collect() {
      await withinLimit(LIMIT_MS, undefined, read).then(
        value => this.set(value),
        () => this.remove(),
      );
    },
  });
}
