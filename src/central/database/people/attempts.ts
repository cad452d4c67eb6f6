/**
 * Limits attempts to sign in. An attempt counts as a failure before it is checked, so that attempts at the same time cannot exceed
 * a limit; a success takes it back.
 */
import type { CentralDatabase } from '../schema.ts';

/** A limit: `free` failures, then growing delays. One failure is forgotten in each `forgetMs`. */
export interface AttemptLimit {
  readonly free: number;
  readonly forgetMs: number;
  /** The longest delay between two attempts. */
  readonly maxDelayMs: number;
}

/** What an attempt counts against. `key` is stored: it must not reveal who signs in. */
export interface Counter {
  readonly key: string;
  readonly limit: AttemptLimit;
}

const FIRST_DELAY_MS = 10_000;

/** The delay after so many failures that are not forgotten yet. */
export const delayAfter = (failures: number, { free, maxDelayMs }: AttemptLimit): number =>
  failures < free ? 0 : Math.min(maxDelayMs, FIRST_DELAY_MS * 2 ** (failures - free));

const levelAt = ({ level, at }: { readonly level: number; readonly at: number }, nowMs: number): number =>
  Math.max(0, Number(level) - Math.max(0, nowMs - Number(at)));

/** Counts an attempt, or counts nothing and returns for how many milliseconds there may be no attempt. */
export function countAttempt(
  db: CentralDatabase,
  counters: readonly Counter[],
  nowMs: number,
): Promise<number> {
  // Always in the same order, so that two transactions cannot deadlock.
  const sorted = [...counters].sort((a, b) => (a.key < b.key ? -1 : 1));
  return db.transaction().execute(async tx => {
    let waitMs = 0;
    const levels: number[] = [];
    for (const { key, limit } of sorted) {
      const row = await tx
        .insertInto('sign_in_attempts')
        .values({ key, level: 0, at: nowMs })
        // This changes nothing, but it locks the row.
        .onConflict(conflict =>
          conflict.column('key').doUpdateSet(({ ref }) => ({ at: ref('sign_in_attempts.at') })),
        )
        .returning(['level', 'at'])
        .executeTakeFirstOrThrow();
      const level = levelAt(row, nowMs);
      levels.push(level);
      const failures = Math.ceil(level / limit.forgetMs);
      const delayMs = delayAfter(failures, limit);
      // Another central's clock may be ahead, and this attempt may have waited for the row.
      if (delayMs > 0) waitMs = Math.max(waitMs, Number(row.at) + delayMs - nowMs);
    }
    if (waitMs > 0) return waitMs;
    for (const [index, { key, limit }] of sorted.entries())
      await tx
        .updateTable('sign_in_attempts')
        .set({ level: Math.round(levels[index] ?? 0) + limit.forgetMs, at: nowMs })
        .where('key', '=', key)
        .execute();
    return 0;
  });
}

/** Takes an attempt back, because it was a success. */
export async function uncountAttempt(db: CentralDatabase, counters: readonly Counter[]): Promise<void> {
  for (const { key, limit } of counters)
    await db
      .updateTable('sign_in_attempts')
      .set(({ eb }) => ({ level: eb('level', '-', limit.forgetMs) }))
      .where('key', '=', key)
      .execute();
}

export const forgetAttempts = async (db: CentralDatabase, keys: readonly string[]): Promise<void> => {
  await db.deleteFrom('sign_in_attempts').where('key', 'in', keys).execute();
};
