/** The signal flag (mission, requirement 7), and the start and the epoch that this site database is in. */
import type { SignalRow } from '../schema.ts';
import type { SiteDatabase } from '../videos.ts';

export const readSignal = (db: SiteDatabase): Promise<SignalRow> =>
  db.selectFrom('signal').selectAll().executeTakeFirstOrThrow();

/** Reads the row for writing: whoever numbers, adopts or marks comes one after another, on every engine. */
export const lockSignal = (transaction: SiteDatabase): Promise<SignalRow> =>
  transaction
    .updateTable('signal')
    .set(({ ref }) => ({ version: ref('version') }))
    .where('id', '=', 1)
    .returningAll()
    .executeTakeFirstOrThrow();

/** R7: a new start. What is written from now on waits without a version until central has been greeted. */
export async function beginStart(db: SiteDatabase, start: string): Promise<void> {
  await db.updateTable('signal').set({ start }).where('id', '=', 1).execute();
}

/**
 * The centre has stored our signal. The flag becomes "sent" only if nothing was written since: a record written
 * meanwhile leaves it "not sent".
 */
export async function markSignalled(db: SiteDatabase, change: number): Promise<void> {
  await db
    .updateTable('signal')
    .set(({ eb }) => ({
      signalled_change: change,
      flag: eb
        .case()
        .when('change', '=', change)
        .then('sent' as const)
        .else('not-sent' as const)
        .end(),
    }))
    .where('signalled_change', '<=', change)
    .execute();
}

/** Withdrawals up to `position` of central's feed were carried out here. */
export async function noteWithdrawals(db: SiteDatabase, position: number): Promise<void> {
  await db.updateTable('signal').set({ withdrawals: position }).where('id', '=', 1).execute();
}
