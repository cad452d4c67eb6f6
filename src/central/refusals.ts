/**
 * Requests that were refused although their signature is beyond doubt: a clock that is off, a request that somebody sent
 * again, here or at a site. They are put on the signal desk, once a minute for each site and reason: a flood of them must
 * not drown the desk.
 */

import type { SiteId } from '../protocol/ids.ts';
import { noteRefusal } from './database/publication/signals.ts';
import type { CentralDatabase } from './database/schema.ts';

const ONCE_IN_MS = 60_000;
const MAX_REMEMBERED = 10_000;

export class Refusals {
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
    await noteRefusal(this.#db, site, { code, reason }, nowMs);
  }
}
