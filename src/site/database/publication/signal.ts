/** The signal flag, and the start and the epoch of this site's database. */
import { newNonce } from '../../../kernel/identity/keys.ts';
import type { SignalRow } from '../tables/schema.ts';
import type { SiteDatabase } from '../tables/videos.ts';

export const readSignal = (db: SiteDatabase): Promise<SignalRow> =>
  db.selectFrom('signal').selectAll().executeTakeFirstOrThrow();

/** Reads and locks the row, so that transactions that number, adopt or mark records run one after the other on every engine. */
export const lockSignal = (transaction: SiteDatabase): Promise<SignalRow> =>
  transaction
    .updateTable('signal')
    .set(({ ref }) => ({ version: ref('version') }))
    .where('id', '=', 1)
    .returningAll()
    .executeTakeFirstOrThrow();

/** R7: begins a new start. Records written from now on get no version before the handshake. @returns the secret of the video ids */
export async function beginStart(db: SiteDatabase, start: string): Promise<string> {
  const { id_secret } = await db
    .updateTable('signal')
    .set(({ eb }) => ({
      start,
      id_secret: eb.case().when('id_secret', '=', '').then(newNonce()).else(eb.ref('id_secret')).end(),
    }))
    .where('id', '=', 1)
    .returning('id_secret')
    .executeTakeFirstOrThrow();
  return id_secret;
}

/** Central has stored the signal. The flag becomes "sent", unless a record was written meanwhile. */
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

/** Stores that withdrawals up to `position` in central's feed were carried out. */
export async function noteWithdrawals(db: SiteDatabase, position: number): Promise<void> {
  await db.updateTable('signal').set({ withdrawals: position }).where('id', '=', 1).execute();
}
