/** The events that this site has yet to report to central's audit log, and those that it reported lately. */
import type { Outbox } from '../../kernel/audit/report-events.ts';
import { sql } from '../../kernel/sql/sql.ts';
import type { AuditEvent } from '../../protocol/people/audit.ts';
import type { SiteDatabase } from './tables/videos.ts';

/** Stores an event under the next number. Numbers have no gaps, also if several processes of this site write at the same time. */
export async function insertAuditEvent(db: SiteDatabase, event: AuditEvent): Promise<void> {
  const body = JSON.stringify(event);
  for (;;) {
    // A process that takes the same number waits for the commit of the first one here, and then takes the number after it.
    const { numInsertedOrUpdatedRows } = await db
      .insertInto('audit_events')
      .columns(['seq', 'body', 'sent', 'sent_ms'])
      .expression(eb =>
        eb
          .selectFrom('audit_events')
          .select(({ fn }) => [
            sql<number>`coalesce(${fn.max('seq')}, 0) + 1`.as('seq'),
            sql<string>`cast(${body} as text)`.as('body'),
            sql<number>`0`.as('sent'),
            sql<number>`0`.as('sent_ms'),
          ])
          .where(sql<boolean>`true`),
      )
      .onConflict(conflict => conflict.column('seq').doNothing())
      .executeTakeFirstOrThrow();
    if (numInsertedOrUpdatedRows === 1n) return;
  }
}

/** Events are kept this long after central has stored them, in case central is restored from an older backup. */
const KEEP_SENT_MS = 30 * 86_400_000;

export const createAuditOutbox = (db: SiteDatabase, now = Date.now): Outbox => ({
  async listUnsent(limit) {
    const rows = await db
      .selectFrom('audit_events')
      .select(['seq', 'body'])
      .where('sent', '=', 0)
      .orderBy('seq')
      .limit(limit)
      .execute();
    return rows.map(({ seq, body }) => ({ seq: Number(seq), event: JSON.parse(body) as AuditEvent }));
  },
  async markSent(seq) {
    await db
      .updateTable('audit_events')
      .set({ sent: 1, sent_ms: now() })
      .where('seq', '<=', seq)
      .where('sent', '=', 0)
      .execute();
    // The newest one stays, because the next number follows from it.
    await db
      .deleteFrom('audit_events')
      .where('sent', '=', 1)
      .where('sent_ms', '<', now() - KEEP_SENT_MS)
      .where('seq', '<', seq)
      .execute();
  },
  async markUnsent(after) {
    await db.updateTable('audit_events').set({ sent: 0 }).where('seq', '>', after).execute();
  },
  async renumber(from, first) {
    await db.transaction().execute(async tx => {
      // Through negative numbers, because no two rows may have the same number at any time.
      await sql`
        update audit_events set sent = 0, seq = -numbered.renumbered
        from (
          select seq as old_seq, row_number() over (order by seq) + ${first - 1} as renumbered
          from audit_events where seq >= ${from}
        ) as numbered
        where audit_events.seq = numbered.old_seq`.execute(tx);
      await tx
        .updateTable('audit_events')
        .set(({ eb }) => ({ seq: eb('seq', '*', -1) }))
        .where('seq', '<', 0)
        .execute();
    });
  },
});
