/** Removes the oldest entries of the audit log. A proved anchor takes their place, so that the others can still be verified. */
import type { CentralDatabase } from '../schema.ts';
import { appendEntries } from './append.ts';
import type { Prover } from './chain.ts';

const MAX_REMOVED = 5_000;

/**
 * Removes up to 5,000 entries that central stored before `beforeMs`, and writes an entry about it.
 *
 * @returns the number of removed entries
 */
export function removeOldest(
  db: CentralDatabase,
  prover: Prover,
  beforeMs: number,
  nowMs: number,
): Promise<number> {
  return db.transaction().execute(async tx => {
    await appendEntries(tx, prover, [], nowMs);
    const rows = await tx
      .selectFrom('audit_entries')
      .select(['seq', 'hash', 'stored_at'])
      .orderBy('seq')
      .limit(MAX_REMOVED)
      .execute();
    const kept = rows.findIndex(({ stored_at }) => stored_at >= beforeMs);
    const removed = kept < 0 ? rows : rows.slice(0, kept);
    const last = removed.at(-1);
    if (!last) return 0;
    await tx.deleteFrom('audit_entries').where('seq', '<=', last.seq).execute();
    await tx
      .updateTable('audit_chain')
      .set({ removed_seq: last.seq, removed_hash: last.hash, removed_proof: prover.removed(last) })
      .where('id', '=', 1)
      .execute();
    const after = { removed: removed.length, lastSeq: last.seq, before: new Date(beforeMs).toISOString() };
    await appendEntries(
      tx,
      prover,
      [{ at: new Date(nowMs).toISOString(), who: { kind: 'system' }, action: 'audit.retention', after }],
      nowMs,
    );
    return removed.length;
  });
}
