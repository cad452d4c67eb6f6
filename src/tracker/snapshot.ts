/**
 * The registry on disk, so that a restart has all videos at once, also while central is away. One JSON value a line; the last
 * one seals the file with the SHA-256 of all before it, and a file whose seal is broken counts as none.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { z } from 'zod';
import { renameDurably } from '../kernel/files.ts';
import type { Log } from '../kernel/log.ts';
import { messageOf } from '../kernel/problem.ts';
import type { Change } from '../protocol/central.ts';
import type { Registry } from './registry.ts';

/** Written in slices: requests are answered in between, and no string grows with the registry. */
const LINES_A_SLICE = 2_000;
const NEWLINE = 0x0a;

const headSchema = z.strictObject({
  snapshot: z.literal(2),
  central: z.string(),
  position: z.int().nonnegative(),
});

const formatSeal = (sha256: string): string => `${JSON.stringify({ sha256 })}\n`;

/** @returns the change-feed position it stands at; 0 where there is none, or none of this central. */
export async function readSnapshot(
  path: string,
  central: string,
  registry: Registry,
  log: Log,
): Promise<number> {
  if (!existsSync(path)) return 0;
  try {
    const bytes = await readFile(path);
    const end = bytes.lastIndexOf(NEWLINE, bytes.length - 2) + 1;
    const body = bytes.subarray(0, end);
    if (bytes.subarray(end).toString() !== formatSeal(createHash('sha256').update(body).digest('hex'))) {
      throw new Error('it is damaged');
    }
    let position: number | undefined;
    for (let from = 0; from < end; ) {
      const to = body.indexOf(NEWLINE, from);
      const value: unknown = JSON.parse(body.toString('utf8', from, to));
      from = to + 1;
      if (position === undefined) {
        const head = headSchema.parse(value);
        if (head.central !== central) return 0;
        position = head.position;
      } else {
        // Under the seal stand changes that were parsed when they came; parsing them again would take most of the start.
        registry.apply([value as Change]);
      }
    }
    return position ?? 0;
  } catch (error) {
    log.warn({ path, reason: messageOf(error) }, 'the snapshot is unreadable; all is asked of central again');
    return 0;
  }
}

/**
 * Changes that come in while it writes may be in the file or not: they follow `position`, so they will be read again, and
 * then change nothing.
 */
export async function writeSnapshot(
  path: string,
  central: string,
  position: number,
  registry: Registry,
): Promise<void> {
  const temporary = `${path}.new`;
  const file = await open(temporary, 'w');
  try {
    const hash = createHash('sha256');
    let lines = [JSON.stringify({ snapshot: 2, central, position })];
    const flush = async (): Promise<void> => {
      const text = `${lines.join('\n')}\n`;
      lines = [];
      hash.update(text);
      await file.appendFile(text);
    };
    for (const change of registry.dump()) {
      lines.push(JSON.stringify(change));
      if (lines.length >= LINES_A_SLICE) await flush();
    }
    if (lines.length > 0) await flush();
    await file.appendFile(formatSeal(hash.digest('hex')));
    await file.sync();
  } finally {
    await file.close();
  }
  await renameDurably(temporary, path);
}
