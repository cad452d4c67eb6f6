/** The leases of one central on the sites that it reads: renewed while it reads, and released afterwards. */

import type { Clock } from '../../kernel/lifecycle/clock.ts';
import type { Log } from '../../kernel/log.ts';
import { batching, succeeded } from '../../kernel/sql/batching.ts';
import {
  acquireLease,
  acquireLeases,
  type Lease,
  type LeaseTerm,
  releaseLeases,
  renewLeases,
} from '../database/publication/leases.ts';
import type { CentralDatabase } from '../database/schema.ts';

/** After this time the leases of a central that was killed expire. */
const LEASE_MS = 15_000;
const RENEW_MS = 4_000;
const MAX_BATCH = 64;

export interface LeasingDeps {
  readonly db: CentralDatabase;
  /** A name that only this process uses. */
  readonly holder: string;
  readonly clock: Clock;
  readonly log: Log;
}

export class Leasing {
  readonly #deps: LeasingDeps;
  readonly #held = new Map<string, Lease>();
  readonly #acquire = batching<string, Lease | undefined>(MAX_BATCH, async names => {
    return (await acquireLeases(this.#deps.db, names, this.#term(LEASE_MS))).map(succeeded);
  });
  readonly #release = batching<Lease, void>(MAX_BATCH, async leases => {
    await releaseLeases(this.#deps.db, leases);
    return leases.map(() => succeeded(undefined));
  });
  #cancelRenewal: (() => void) | undefined;

  constructor(deps: LeasingDeps) {
    this.#deps = deps;
  }

  /** Returns undefined if another central holds the lease. */
  async acquire(name: string): Promise<Lease | undefined> {
    const lease = await this.#acquire(name);
    if (!lease) return undefined;
    this.#held.set(name, lease);
    this.#cancelRenewal ??= this.#deps.clock.after(RENEW_MS, () => this.#renew());
    return lease;
  }

  async release(lease: Lease): Promise<void> {
    this.#held.delete(lease.name);
    await this.#release(lease);
  }

  /** Returns true to one of all centrals, once in `durationMs`. */
  async claimPeriod(name: string, durationMs: number): Promise<boolean> {
    return (await acquireLease(this.#deps.db, name, this.#term(durationMs))) !== undefined;
  }

  stop(): void {
    this.#cancelRenewal?.();
  }

  #term(durationMs: number): LeaseTerm {
    const { holder, clock } = this.#deps;
    return { holder, nowMs: clock.now(), durationMs };
  }

  #renew(): void {
    this.#cancelRenewal = undefined;
    if (this.#held.size === 0) return;
    const { db, clock, log } = this.#deps;
    renewLeases(db, [...this.#held.keys()], this.#term(LEASE_MS)).catch(error =>
      log.warn({ err: error }, 'could not renew leases'),
    );
    this.#cancelRenewal = clock.after(RENEW_MS, () => this.#renew());
  }
}
