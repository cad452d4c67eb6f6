/** One central's leases on the sites that it reads: kept alive while it reads, given back afterwards. */

import type { Clock } from '../../kernel/lifecycle/clock.ts';
import type { Log } from '../../kernel/log.ts';
import { batching, succeeded } from '../../kernel/sql/batching.ts';
import {
  acquireLease,
  acquireLeases,
  type Lease,
  releaseLeases,
  renewLeases,
} from '../database/publication/leases.ts';
import type { CentralDatabase } from '../database/schema.ts';

/** What a central held that was killed is free again after this. */
const LEASE_MS = 15_000;
const RENEW_MS = 4_000;
const MAX_BATCH = 64;

export interface LeasingOptions {
  readonly db: CentralDatabase;
  /** Of this process and no other. */
  readonly holder: string;
  readonly clock: Clock;
  readonly log: Log;
}

export class Leasing {
  readonly #options: LeasingOptions;
  readonly #held = new Map<string, Lease>();
  readonly #acquire = batching<string, Lease | undefined>(MAX_BATCH, async names => {
    const { db, holder, clock } = this.#options;
    return (await acquireLeases(db, names, holder, clock.now(), LEASE_MS)).map(succeeded);
  });
  readonly #release = batching<Lease, void>(MAX_BATCH, async leases => {
    await releaseLeases(this.#options.db, leases);
    return leases.map(() => succeeded(undefined));
  });
  #cancelRenewal: (() => void) | undefined;

  constructor(options: LeasingOptions) {
    this.#options = options;
  }

  /** Undefined where another central has it. */
  async acquire(name: string): Promise<Lease | undefined> {
    const lease = await this.#acquire(name);
    if (!lease) return undefined;
    this.#held.set(name, lease);
    this.#cancelRenewal ??= this.#options.clock.after(RENEW_MS, () => this.#renew());
    return lease;
  }

  async release(lease: Lease): Promise<void> {
    this.#held.delete(lease.name);
    await this.#release(lease);
  }

  /** True for one of all centrals, once in `durationMs`. */
  async isTurn(name: string, durationMs: number): Promise<boolean> {
    const { db, holder, clock } = this.#options;
    return (await acquireLease(db, name, holder, clock.now(), durationMs)) !== undefined;
  }

  stop(): void {
    this.#cancelRenewal?.();
  }

  #renew(): void {
    this.#cancelRenewal = undefined;
    if (this.#held.size === 0) return;
    const { db, holder, clock, log } = this.#options;
    renewLeases(db, holder, [...this.#held.keys()], clock.now(), LEASE_MS).catch(error =>
      log.warn({ err: error }, 'leases were not renewed'),
    );
    this.#cancelRenewal = clock.after(RENEW_MS, () => this.#renew());
  }
}
