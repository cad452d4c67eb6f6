/** The registry on disk, so that a restart has all videos at once, also while central is away. One JSON value a line. */
import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { writeDurably } from '../kernel/files.ts';
import type { Log } from '../kernel/log.ts';
import { messageOf } from '../kernel/problem.ts';
import { type Change, changeSchema } from '../protocol/central.ts';
import type { Registry } from './registry.ts';

const headSchema = z.strictObject({
  snapshot: z.literal(1),
  central: z.string(),
  position: z.int().nonnegative(),
});

/** @returns the change-feed position it stands at; 0 where there is none, or none of this central. */
export async function readSnapshot(
  path: string,
  central: string,
  registry: Registry,
  log: Log,
): Promise<number> {
  if (!existsSync(path)) return 0;
  try {
    let position: number | undefined;
    const changes: Change[] = [];
    for await (const line of createInterface({
      input: createReadStream(path),
      crlfDelay: Number.POSITIVE_INFINITY,
    })) {
      if (position === undefined) {
        const head = headSchema.parse(JSON.parse(line));
        if (head.central !== central) return 0;
        position = head.position;
      } else changes.push(changeSchema.parse(JSON.parse(line)));
    }
    registry.apply(changes);
    return position ?? 0;
  } catch (error) {
    log.warn({ path, reason: messageOf(error) }, 'the snapshot is unreadable; all is asked of central again');
    return 0;
  }
}

export async function writeSnapshot(
  path: string,
  central: string,
  position: number,
  registry: Registry,
): Promise<void> {
  const lines = [JSON.stringify({ snapshot: 1, central, position })];
  for (const change of registry.dump()) lines.push(JSON.stringify(change));
  await writeDurably(path, `${lines.join('\n')}\n`);
}
