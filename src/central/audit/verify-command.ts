/** Opens the audit log of a central that may be running, and verifies it. Changes nothing. */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import * as z from 'zod';
import { ConfigError } from '../../kernel/config/config-error.ts';
import { readOrMakeKey } from '../../kernel/identity/keys.ts';
import { openExistingDatabase } from '../../kernel/sql/sql.ts';
import type { CentralConfig } from '../config.ts';
import { createProver } from '../database/audit/chain.ts';
import type { CentralSchema } from '../database/schema.ts';
import { readCheckpoint } from './checkpoint.ts';
import { type Verdict, verifyLog } from './verify.ts';

const lineSchema = z.object({ seq: z.int().positive(), hash: z.string() });

/** @param exported an earlier export as JSON lines, whose entries must still be in the log */
export async function verifyAuditLog(
  { dataDirectory, database }: Pick<CentralConfig, 'dataDirectory' | 'database'>,
  exported: string | undefined,
): Promise<Verdict> {
  const witnessed = new Map<number, string>();
  if (exported !== undefined) await addLines(exported, witnessed);
  const checkpoint = readCheckpoint(dataDirectory);
  if (checkpoint) {
    const seen = witnessed.get(checkpoint.seq);
    if (seen !== undefined && seen !== checkpoint.hash) {
      const fault = 'The export and the checkpoint of this central have different entries of this number.';
      return { ok: false, seq: checkpoint.seq, fault };
    }
    witnessed.set(checkpoint.seq, checkpoint.hash);
  }
  const key = await readOrMakeKey(join(dataDirectory, 'central.key'));
  const db = openExistingDatabase<CentralSchema>(database ?? join(dataDirectory, 'central.sqlite'));
  try {
    return await verifyLog({ db, prover: createProver(key), witnessed });
  } finally {
    await db.destroy();
  }
}

async function addLines(path: string, witnessed: Map<number, string>): Promise<void> {
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    number++;
    if (line.trim() === '') continue;
    const { seq, hash } = parseLine(line, `${path}, line ${number}`);
    witnessed.set(seq, hash);
  }
}

function parseLine(line: string, place: string): z.infer<typeof lineSchema> {
  try {
    return lineSchema.parse(JSON.parse(line));
  } catch (cause) {
    throw new ConfigError(`${place} is not an entry of the audit log.`, { cause });
  }
}
