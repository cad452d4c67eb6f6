/** Lets a function that needs a transaction run within one that its caller has begun. */
import { type Kysely, Transaction } from 'kysely';

/** Runs `work` in the transaction `db` if it is one, otherwise in a new one. */
export const inTransaction = <Schema, Result>(
  db: Kysely<Schema>,
  work: (tx: Transaction<Schema>) => Promise<Result>,
): Promise<Result> => (db instanceof Transaction ? work(db) : db.transaction().execute(work));
