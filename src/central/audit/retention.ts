/** Removes the entries of the audit log that are older than the setting `auditDays`, once a day and at each start. */
import { type Repeating, repeat } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import type { Prover } from '../database/audit/chain.ts';
import { removeOldest } from '../database/audit/remove.ts';
import type { CentralDatabase } from '../database/schema.ts';

const DAY_MS = 86_400_000;
const RETRY_MS = 60_000;

export interface RetentionDeps {
  readonly db: CentralDatabase;
  readonly prover: Prover;
  readonly days: number;
  readonly log: Log;
}

export const startRetention = ({ db, prover, days, log }: RetentionDeps): Repeating =>
  repeat(async abort => {
    try {
      const nowMs = Date.now();
      let removed = 0;
      while (!abort.aborted) {
        const count = await removeOldest(db, prover, nowMs - days * DAY_MS, Date.now());
        if (count === 0) break;
        removed += count;
      }
      if (removed > 0) log.info({ removed }, 'old audit entries were removed');
      return DAY_MS;
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'old audit entries could not be removed; will retry');
      return RETRY_MS;
    }
  });
