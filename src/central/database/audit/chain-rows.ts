/** Reads the rows of the audit log as they are stored, to verify them. */
import type { AuditEntryRow } from '../people/tables.ts';
import type { CentralDatabase } from '../schema.ts';

export interface ChainRow {
  readonly seq: number;
  readonly hash: string;
  readonly proof: string;
  readonly removed_seq: number;
  readonly removed_hash: string;
  readonly removed_proof: string;
}

/** @throws if the row is missing, without which central cannot write either */
export const readChain = (db: CentralDatabase): Promise<ChainRow> =>
  db
    .selectFrom('audit_chain')
    .select(['seq', 'hash', 'proof', 'removed_seq', 'removed_hash', 'removed_proof'])
    .where('id', '=', 1)
    .executeTakeFirstOrThrow();

export const listRows = (db: CentralDatabase, after: number, limit: number): Promise<AuditEntryRow[]> =>
  db.selectFrom('audit_entries').selectAll().where('seq', '>', after).orderBy('seq').limit(limit).execute();

/** The hash of an entry; undefined if there is none, or if the retention has removed it. */
export const findHash = async (db: CentralDatabase, seq: number): Promise<string | undefined> =>
  (await db.selectFrom('audit_entries').select('hash').where('seq', '=', seq).executeTakeFirst())?.hash;
