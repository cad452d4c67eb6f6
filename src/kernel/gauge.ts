/** A gauge whose value is read when it is asked for. */
import { Gauge, type Registry } from 'prom-client';
import { withinLimit } from './lifecycle/time-limit.ts';

const LIMIT_MS = 2_000;

/** One that cannot be read, or not in time, is left out of the answer: all others are still told. */
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
