/** Takes the audit events of members into the log: each once, in the order of the member's own numbers, without gaps. */

import type { ReportedEvent } from '../../../kernel/audit/report-events.ts';
import { canonicalJson } from '../../../protocol/base/canonical.ts';
import type { AuditEvent, AuditReceipt } from '../../../protocol/people/audit.ts';
import type { CentralDatabase, CentralTransaction } from '../schema.ts';
import { appendEntries, type NewEntry } from './append.ts';
import type { Prover } from './chain.ts';

/**
 * @param events with consecutive numbers; at least one
 * @returns without storing anything if the events do not follow those in the log
 */
export function receiveEvents(
  db: CentralDatabase,
  prover: Prover,
  { member, events, nowMs }: { member: string; events: readonly ReportedEvent[]; nowMs: number },
): Promise<AuditReceipt> {
  return db.transaction().execute(async tx => {
    // Locks the end of the chain first, so that a report that is sent twice at the same time is stored once.
    await appendEntries(tx, prover, [], nowMs);
    const stored = await tx
      .selectFrom('audit_members')
      .select('seq')
      .where('member_id', '=', member)
      .executeTakeFirst();
    const last = Number(stored?.seq ?? 0);
    const differs = await findDifferent(
      tx,
      member,
      events.filter(({ seq }) => seq <= last),
    );
    if (differs !== undefined) return { seq: last, differs };
    const added = events.filter(({ seq }) => seq > last);
    if (added.length === 0 || added[0]?.seq !== last + 1) return { seq: last };
    const receivedAt = new Date(nowMs).toISOString();
    const entries: NewEntry[] = [];
    for (const { seq, event } of added) {
      const who = await findViewer(tx, event);
      entries.push({ ...event, who: who ?? event.who, member, memberSeq: seq, receivedAt });
    }
    const seq = last + added.length;
    await tx
      .insertInto('audit_members')
      .values({ member_id: member, seq })
      .onConflict(conflict => conflict.column('member_id').doUpdateSet({ seq }))
      .execute();
    await appendEntries(tx, prover, entries, nowMs);
    return { seq };
  });
}

/** Central may have replaced `who`, so it is not compared. An event that the retention has removed differs. */
const identityOf = ({ at, action, object, before, after }: AuditEvent): string =>
  canonicalJson({ at, action, object, before, after });

async function findDifferent(
  tx: CentralTransaction,
  member: string,
  events: readonly ReportedEvent[],
): Promise<number | undefined> {
  if (events.length === 0) return undefined;
  const rows = await tx
    .selectFrom('audit_entries')
    .select(['member_seq', 'body'])
    .where('member_id', '=', member)
    .where(
      'member_seq',
      'in',
      events.map(({ seq }) => seq),
    )
    .execute();
  const known = new Map(rows.map(row => [Number(row.member_seq), JSON.parse(row.body) as AuditEvent]));
  return events.find(({ seq, event }) => {
    const entry = known.get(seq);
    return entry === undefined || identityOf(entry) !== identityOf(event);
  })?.seq;
}

/** The person for whom central issued the grant with which a video was watched. */
async function findViewer(
  tx: CentralTransaction,
  { action, who }: AuditEvent,
): Promise<AuditEvent['who'] | undefined> {
  if (action !== 'video.watch' || who.kind !== 'nobody') return undefined;
  const [, grant] = /^grant:([0-9a-f]{16})$/.exec(who.credential ?? '') ?? [];
  if (grant === undefined) return undefined;
  const person = await tx
    .selectFrom('grants')
    .innerJoin('people', 'people.id', 'grants.person_id')
    .select(['people.id', 'people.name'])
    .where('grants.id', '=', grant)
    .executeTakeFirst();
  return person && { ...who, kind: 'person', ...person };
}
