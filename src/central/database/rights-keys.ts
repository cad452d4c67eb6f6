/** The master keys of grants and tokens. Central makes them, stores them encrypted, and rotates them for an operator. */
import { randomBytes } from 'node:crypto';
import type { SecretBox } from '../../kernel/identity/secret-box.ts';
import { StartupError } from '../../kernel/lifecycle/startup-error.ts';
import { inTransaction } from '../../kernel/sql/transaction.ts';
import { claimPositions } from './feed.ts';
import type { CentralDatabase } from './schema.ts';

const MAX_GENERATION = 255;

export interface Master {
  readonly generation: number;
  readonly master: Buffer;
  /** Grants signed with this key are accepted until then. Undefined for the current key. */
  readonly untilMs: number | undefined;
}

const newMaster = (secrets: SecretBox): string => secrets.encrypt(randomBytes(32).toString('base64url'));

const findNewest = (db: CentralDatabase) =>
  db
    .selectFrom('rights_keys')
    .select('encrypted_key')
    .orderBy('created_at', 'desc')
    .limit(1)
    .executeTakeFirst();

/**
 * Makes the first master key if there is none.
 *
 * @param keyPath where this central has the key with which `secrets` encrypts, for the error
 * @throws StartupError if a central with another key uses this database: members would refuse what one of the two signs
 */
export async function openMasters(
  db: CentralDatabase,
  secrets: SecretBox,
  keyPath: string,
  nowMs: number,
): Promise<void> {
  if (!(await findNewest(db))) {
    await db
      .insertInto('rights_keys')
      .values({ generation: 1, encrypted_key: newMaster(secrets), created_at: nowMs, until: null })
      // Another central on this database may have made it first.
      .onConflict(conflict => conflict.doNothing())
      .execute();
  }
  const newest = await findNewest(db);
  try {
    if (newest) secrets.decrypt(newest.encrypted_key);
  } catch (cause) {
    throw new StartupError(
      `The database belongs to a central with a key other than ${keyPath}. Copy central.key from the data directory of that central, or from its backup`,
      { cause },
    );
  }
}

/** Lists the valid master keys. The first is the current one, which signs. */
export async function listMasters(
  db: CentralDatabase,
  secrets: SecretBox,
  nowMs: number,
): Promise<readonly [Master, ...Master[]]> {
  const rows = await db.selectFrom('rights_keys').selectAll().orderBy('created_at', 'desc').execute();
  const masters = rows
    .filter(({ until }) => until === null || Number(until) > nowMs)
    .map(({ generation, encrypted_key, until }) => ({
      generation,
      master: Buffer.from(secrets.decrypt(encrypted_key), 'base64url'),
      untilMs: until === null ? undefined : Number(until),
    }));
  const newest = masters.find(({ untilMs }) => untilMs === undefined);
  if (!newest) throw new Error('The database has no master key for grants.');
  return [newest, ...masters.filter(master => master !== newest)];
}

/** Makes a new master key, which signs from now on. Grants of earlier keys are accepted for at most another `keepMs`. */
export function rotateMaster(
  db: CentralDatabase,
  secrets: SecretBox,
  keepMs: number,
  nowMs: number,
): Promise<number> {
  return inTransaction(db, async tx => {
    // The lock makes rotations by several centrals run one after another, and the position notifies all of them.
    await claimPositions(tx, 1);
    const last = await tx
      .selectFrom('rights_keys')
      .select(['generation', 'created_at'])
      .where('until', 'is', null)
      .executeTakeFirstOrThrow();
    const until = nowMs + keepMs;
    await tx
      .updateTable('rights_keys')
      .set({ until })
      .where(({ eb, or }) => or([eb('until', 'is', null), eb('until', '>', until)]))
      .execute();
    const generation = (last.generation % MAX_GENERATION) + 1;
    const row = {
      encrypted_key: newMaster(secrets),
      created_at: Math.max(nowMs, Number(last.created_at) + 1),
      until: null,
    };
    await tx
      .insertInto('rights_keys')
      .values({ generation, ...row })
      .onConflict(conflict => conflict.column('generation').doUpdateSet(row))
      .execute();
    return generation;
  });
}
