/**
 * Records requests that were rejected although their signature is valid: a wrong clock, or a replayed request, here or at a
 * site. They appear in the signal log, at most once a minute for each site and reason, so that a flood cannot fill the log.
 */

import type { SiteId } from '../protocol/base/ids.ts';
import { recordRejection } from './database/publication/signals.ts';
import type { CentralDatabase } from './database/schema.ts';

const ONCE_IN_MS = 60_000;
const MAX_REMEMBERED = 10_000;

export class RejectionLog {
  readonly #db: CentralDatabase;
  readonly #noted = new Map<string, number>();

  constructor(db: CentralDatabase) {
    this.#db = db;
  }

  async note(site: SiteId, code: string, reason: string, nowMs = Date.now()): Promise<void> {
    const key = `${site} ${code}`;
    if ((this.#noted.get(key) ?? Number.NEGATIVE_INFINITY) > nowMs - ONCE_IN_MS) return;
    if (this.#noted.size >= MAX_REMEMBERED) this.#noted.clear();
    this.#noted.set(key, nowMs);
    await recordRejection(this.#db, site, { code, reason }, nowMs);
  }
}
