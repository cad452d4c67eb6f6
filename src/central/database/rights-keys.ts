/** The master keys of grants and tokens. Central makes them, stores them encrypted, and rotates them for an operator. */
import { randomBytes } from 'node:crypto';
import type { SecretBox } from '../../kernel/identity/secret-box.ts';
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

export async function makeFirstKey(db: CentralDatabase, secrets: SecretBox, nowMs: number): Promise<void> {
  const found = await db.selectFrom('rights_keys').select('generation').limit(1).executeTakeFirst();
  if (found) return;
  await db
    .insertInto('rights_keys')
    .values({ generation: 1, encrypted_key: newMaster(secrets), created_at: nowMs, until: null })
    // Another central on this database may have made it first.
    .onConflict(conflict => conflict.doNothing())
    .execute();
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
  return db.transaction().execute(async tx => {
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
