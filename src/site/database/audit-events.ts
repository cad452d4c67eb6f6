/** The events that this site has yet to report to central's audit log, and those that it reported lately. */
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
      .columns(['seq', 'body', 'sent'])
      .expression(eb =>
        eb
          .selectFrom('audit_events')
          .select(({ fn }) => [
            sql<number>`coalesce(${fn.max('seq')}, 0) + 1`.as('seq'),
            sql<string>`cast(${body} as text)`.as('body'),
            sql<number>`0`.as('sent'),
          ])
          .where(sql<boolean>`true`),
      )
      .onConflict(conflict => conflict.column('seq').doNothing())
      .executeTakeFirstOrThrow();
    if (numInsertedOrUpdatedRows === 1n) return;
  }
}
