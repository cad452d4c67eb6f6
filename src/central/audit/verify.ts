/**
 * Proves that the audit log is complete and unchanged since its first entry, or since those that the retention removed. It reads pages
 * without a transaction, so it also works while centrals write. Entries are never changed, so each page is consistent.
 */
import { type AuditEntry, auditEntrySchema } from '../../protocol/people/audit.ts';
import { columnsOf } from '../database/audit/append.ts';
import { bodyOf, hashOf, type Position, type Prover } from '../database/audit/chain.ts';
import { type ChainRow, listRows, readChain } from '../database/audit/chain-rows.ts';
import type { CentralDatabase } from '../database/schema.ts';

export type Verdict =
  | {
      readonly ok: true;
      readonly entries: number;
      /** The times of the first and the last entry. Absent if there is none. */
      readonly from?: string;
      readonly until?: string;
      readonly end: Position;
      /** The number of the last entry that the retention removed. */
      readonly removed: number;
    }
  | {
      readonly ok: false;
      /** The first entry that is wrong or missing. */
      readonly seq: number;
      readonly fault: string;
    };

export interface VerifyDeps {
  readonly db: CentralDatabase;
  readonly prover: Prover;
  /** Entries that were seen outside the database: the checkpoint of this central, lines of an export. Hashes by `seq`. */
  readonly witnessed: ReadonlyMap<number, string>;
}

const PAGE_ROWS = 1_000;

/** The retention removed entries while they were read. */
class Removed extends Error {}

export async function verifyLog(deps: VerifyDeps): Promise<Verdict> {
  for (;;) {
    try {
      return await verifyOnce(deps);
    } catch (error) {
      if (error instanceof Fault) return { ok: false, seq: error.seq, fault: error.message };
      if (!(error instanceof Removed)) throw error;
    }
  }
}

class Fault extends Error {
  readonly seq: number;
  constructor(seq: number, message: string) {
    super(message);
    this.seq = seq;
  }
}

async function verifyOnce({ db, prover, witnessed }: VerifyDeps): Promise<Verdict> {
  const chain = await readChain(db);
  requireAnchor(chain, prover);
  const removed: Position = { seq: chain.removed_seq, hash: chain.removed_hash };
  const memberSeqs = new Map<string, number>();
  let last = removed;
  let first: AuditEntry | undefined;
  let newest: AuditEntry | undefined;
  for (;;) {
    const rows = await listRows(db, last.seq, PAGE_ROWS);
    for (const row of rows) {
      if (row.seq !== last.seq + 1) {
        if ((await readChain(db)).removed_seq !== chain.removed_seq) throw new Removed();
        throw new Fault(last.seq + 1, 'The entry is missing.');
      }
      newest = verifyRow(row, last, prover);
      first ??= newest;
      requireNextOfMember(newest, memberSeqs);
      last = { seq: row.seq, hash: row.hash };
      requireWitnessed(last, witnessed);
      if (last.seq === chain.seq) requireEnd(last, chain, prover);
    }
    if (rows.length < PAGE_ROWS) break;
  }
  await requireComplete(db, last, chain, witnessed);
  return {
    ok: true,
    entries: last.seq - removed.seq,
    ...(first ? { from: first.at } : {}),
    ...(newest ? { until: newest.at } : {}),
    end: last,
    removed: removed.seq,
  };
}

function requireAnchor({ removed_seq, removed_hash, removed_proof }: ChainRow, prover: Prover): void {
  if (removed_seq === 0 && removed_hash === '') return;
  if (removed_proof === prover.removed({ seq: removed_seq, hash: removed_hash })) return;
  throw new Fault(
    removed_seq,
    'Entries up to this one are missing, and there is no proof that the retention removed them.',
  );
}

function verifyRow(
  row: Awaited<ReturnType<typeof listRows>>[number],
  last: Position,
  prover: Prover,
): AuditEntry {
  const { seq, body, hash, proof } = row;
  if (hash !== hashOf(last.hash, body)) {
    throw new Fault(seq, 'The entry does not match its hash: it was changed, inserted or moved.');
  }
  if (proof !== prover.entry({ seq, hash })) {
    throw new Fault(
      seq,
      'The proof of the entry is wrong: its hash was computed without the key of central, or central.key was replaced.',
    );
  }
  const entry = parseEntry(body, hash);
  if (entry?.seq !== seq || bodyOf(JSON.parse(body)) !== body)
    throw new Fault(seq, 'The entry cannot be read.');
  const columns = Object.entries(columnsOf(entry));
  const different = columns.find(([name, value]) => row[name as keyof typeof row] !== value);
  if (different) throw new Fault(seq, `The column ${different[0]} differs from the entry: it was changed.`);
  return entry;
}

function parseEntry(body: string, hash: string): AuditEntry | undefined {
  try {
    return auditEntrySchema.parse({ ...JSON.parse(body), hash });
  } catch {
    return undefined;
  }
}

function requireNextOfMember({ seq, member, memberSeq }: AuditEntry, known: Map<string, number>): void {
  if (member === undefined || memberSeq === undefined) return;
  const before = known.get(member);
  if (before !== undefined && memberSeq !== before + 1) {
    throw new Fault(
      seq,
      `The entry of member ${member} has the number ${memberSeq}, expected ${before + 1}.`,
    );
  }
  known.set(member, memberSeq);
}

function requireWitnessed({ seq, hash }: Position, witnessed: ReadonlyMap<number, string>): void {
  const seen = witnessed.get(seq);
  if (seen === undefined || seen === hash) return;
  throw new Fault(seq, 'Another entry with this number was seen earlier: the log was written again.');
}

function requireEnd(last: Position, chain: ChainRow, prover: Prover): void {
  if (last.hash === chain.hash && chain.proof === prover.end(last)) return;
  throw new Fault(
    last.seq,
    'The end of the chain is not proved: entries at the end were removed or changed.',
  );
}

async function requireComplete(
  db: CentralDatabase,
  last: Position,
  chain: ChainRow,
  witnessed: ReadonlyMap<number, string>,
): Promise<void> {
  if (last.seq < chain.seq) {
    if ((await readChain(db)).removed_seq !== chain.removed_seq) throw new Removed();
    throw new Fault(last.seq + 1, `The entry is missing, and all after it up to ${chain.seq}.`);
  }
  if (last.seq > chain.seq && last.seq > (await readChain(db)).seq) {
    throw new Fault(chain.seq + 1, 'The entry is not part of the chain: it is after its end.');
  }
  const seen = Math.max(0, ...witnessed.keys());
  if (seen > last.seq) {
    throw new Fault(
      last.seq + 1,
      `The entry is missing at the end of the log: entry ${seen} was seen earlier. Was the database restored from a backup?`,
    );
  }
}
