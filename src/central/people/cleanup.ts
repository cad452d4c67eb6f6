/** Deletes expired sessions, tokens, links and codes every hour. Several centrals may do so at the same time. */
import { type Repeating, repeat } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import type { CentralConfig } from '../config.ts';
import { deleteExpired } from '../database/people/expired.ts';
import type { CentralDatabase } from '../database/schema.ts';

const INTERVAL_MS = 3_600_000;

export interface CleanupDeps {
  readonly db: CentralDatabase;
  readonly config: Pick<CentralConfig, 'sessionIdle' | 'siteSessionLifetime'>;
  readonly log: Log;
}

export const startCleanup = ({ db, config, log }: CleanupDeps): Repeating =>
  repeat(async () => {
    try {
      const lifetimes = { idleMs: config.sessionIdle, statementMs: config.siteSessionLifetime };
      await deleteExpired(db, lifetimes, Date.now());
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'could not delete expired sessions; will retry');
    }
    return INTERVAL_MS;
  });
