/** Deletes what has ended: sessions, tokens, links, codes, and counters of attempts. */
import type { CentralDatabase } from '../schema.ts';
import { deletePeopleChanges } from './changes.ts';

const DAY_MS = 86_400_000;
/** What has ended is kept for this long, so that a late request for it is refused and not unknown. */
const KEEP_MS = DAY_MS;

export interface Lifetimes {
  /** How long a session may be unused. */
  readonly idleMs: number;
  /** How long a member may rely on a statement. */
  readonly statementMs: number;
}

export async function deleteExpired(
  db: CentralDatabase,
  { idleMs, statementMs }: Lifetimes,
  nowMs: number,
): Promise<void> {
  const before = nowMs - KEEP_MS;
  await db
    .deleteFrom('sessions')
    .where(({ eb, or, and }) =>
      or([
        eb('expires_at', '<', before),
        eb('revoked_at', '<', before),
        // A session at a site is used without central while the site is disconnected.
        and([eb('site_id', 'is', null), eb('last_used_at', '<', before - idleMs)]),
      ]),
    )
    .execute();
  await db
    .deleteFrom('api_tokens')
    .where(({ eb, or }) => or([eb('expires_at', '<', before), eb('revoked_at', '<', before)]))
    .execute();
  await db.deleteFrom('links').where('expires_at', '<', before).execute();
  await db.deleteFrom('sign_in_codes').where('expires_at', '<', before).execute();
  await db.deleteFrom('provider_sign_ins').where('expires_at', '<', before).execute();
  await db.deleteFrom('sign_in_attempts').where('at', '<', before).execute();
  // Twice as long as any statement: the clocks of members differ, and the setting may have been larger.
  await deletePeopleChanges(db, nowMs - Math.max(7 * DAY_MS, 2 * statementMs));
}
