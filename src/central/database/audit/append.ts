/** Appends entries to the audit log. A lock on the one row of `audit_chain` makes all centrals on a database write one chain. */
import type { Insertable } from 'kysely';
import type { AuditEntry } from '../../../protocol/people/audit.ts';
import type { CentralSchema, CentralTransaction } from '../schema.ts';
import { bodyOf, hashOf, type Position, type Prover } from './chain.ts';

/** What the writer of an entry knows; the place in the chain is not decided yet. */
export type NewEntry = Omit<AuditEntry, 'seq' | 'hash'>;

/**
 * Appends entries, in order. Call it last in a transaction: the lock is held until the commit, and a transaction that waited for
 * another lock after this one could deadlock.
 *
 * @returns the new end of the chain
 */
export async function appendEntries(
  tx: CentralTransaction,
  prover: Prover,
  entries: readonly NewEntry[],
  nowMs: number,
): Promise<Position> {
  const before = await tx
    .updateTable('audit_chain')
    .set(({ eb }) => ({ seq: eb('seq', '+', entries.length) }))
    .where('id', '=', 1)
    .returning(['seq', 'hash'])
    .executeTakeFirstOrThrow();
  let end: Position = { seq: Number(before.seq) - entries.length, hash: before.hash };
  if (entries.length === 0) return end;
  const rows: Insertable<CentralSchema['audit_entries']>[] = [];
  for (const entry of entries) {
    const seq = end.seq + 1;
    const body = bodyOf({ seq, ...entry });
    end = { seq, hash: hashOf(end.hash, body) };
    rows.push({
      ...end,
      body,
      proof: prover.entry(end),
      stored_at: nowMs,
      ...columnsOf(entry),
    });
  }
  await tx.insertInto('audit_entries').values(rows).execute();
  await tx
    .updateTable('audit_chain')
    .set({ hash: end.hash, proof: prover.end(end) })
    .where('id', '=', 1)
    .execute();
  return end;
}

/** The columns for filters, which repeat members of the entry. */
export const columnsOf = (entry: NewEntry) => ({
  at: Date.parse(entry.at),
  action: entry.action,
  person_id: personOf(entry),
  object: entry.object ?? null,
  member_id: entry.member ?? null,
  member_seq: entry.memberSeq ?? null,
});

const personOf = ({ who }: NewEntry): string | null =>
  who.kind === 'person' || who.kind === 'token' ? (who.id ?? null) : null;
