/**
 * Keeps the end of the audit log in the data directory, outside the database. An attacker who can only write to the database cannot
 * remove the newest entries without notice then. A checkpoint that does not match the log any more is never replaced.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { writeDurably } from '../../kernel/files.ts';
import type { Lifetime } from '../../kernel/lifecycle/lifetime.ts';
import { repeat } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import type { Position } from '../database/audit/chain.ts';
import { findHash, readChain } from '../database/audit/chain-rows.ts';
import type { CentralDatabase } from '../database/schema.ts';

const FILE = 'audit.checkpoint.json';
const EVERY_MS = 5_000;

const checkpointSchema = z.object({ seq: z.int().nonnegative(), hash: z.string() });

/** @throws Error if the file cannot be read */
export function readCheckpoint(directory: string): Position | undefined {
  const path = join(directory, FILE);
  if (!existsSync(path)) return undefined;
  try {
    return checkpointSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new Error(`${path} is damaged. Move it away after you have verified the log.`, { cause });
  }
}

/** Moves the checkpoint on. @returns false if the log no longer contains the entry at the checkpoint */
export async function moveCheckpoint(db: CentralDatabase, directory: string): Promise<boolean> {
  const before = readCheckpoint(directory);
  const chain = await readChain(db);
  if (before && before.seq > chain.removed_seq) {
    if ((await findHash(db, before.seq)) !== before.hash) return false;
    if (before.seq === chain.seq) return true;
  }
  if (chain.seq === 0) return before === undefined;
  const { seq, hash } = chain;
  await writeDurably(join(directory, FILE), JSON.stringify({ seq, hash }), 0o600);
  return true;
}

export function startCheckpoints(
  { db, directory, log }: { readonly db: CentralDatabase; readonly directory: string; readonly log: Log },
  lifetime: Lifetime,
): void {
  let lastReason: string | undefined;
  const warn = (reason: string | undefined): void => {
    if (reason !== undefined && reason !== lastReason) log.error({ reason }, 'the audit log is in doubt');
    lastReason = reason;
  };
  const move = (): Promise<void> =>
    moveCheckpoint(db, directory).then(
      matches =>
        warn(
          matches
            ? undefined
            : `The database lacks entries that this central has seen. If you restored it from a backup, delete ${join(directory, FILE)}; otherwise run tributary audit verify.`,
        ),
      (error: unknown) => warn(messageOf(error)),
    );
  const loop = repeat(async () => {
    await move();
    return EVERY_MS;
  });
  lifetime.add('audit checkpoint', async () => {
    await loop.stop();
    await move();
  });
}
