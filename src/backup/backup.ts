/**
 * `tributary backup` takes a consistent copy of an embedded database while its part runs, and copies the keys. It does not copy
 * videos: their files never change, so any tool that copies files can do that (docs/backup.md).
 */
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory, syncFile } from '../kernel/files.ts';
import { nameOf } from '../kernel/sql/sql.ts';
import { copySqlite, findDamage } from '../kernel/sql/sqlite.ts';

/** Anyone with these files can act as the part, so the copies are as secret as the originals. */
const KEYS = ['central.key', 'member.key', 'member.json', 'rights.json'];

export interface BackedUpPart {
  readonly part: 'central' | 'tracker' | 'site';
  readonly dataDirectory: string;
  /** The URL of its database, or undefined for the embedded one. */
  readonly database: string | undefined;
}

/**
 * Copies each part to `to`/{part}. Each file of an earlier backup is replaced atomically.
 * @throws Error if the copy of a database is damaged; an earlier copy is kept
 */
export async function backUp(
  parts: readonly BackedUpPart[],
  to: string,
  print: (line: string) => void,
): Promise<void> {
  for (const { part, dataDirectory, database } of parts) {
    const directory = join(to, part);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    for (const name of KEYS.filter(key => existsSync(join(dataDirectory, key)))) {
      await replaceDurably(join(directory, name), async unfinished => {
        await copyFile(join(dataDirectory, name), unfinished);
        await chmod(unfinished, 0o600);
      });
      print(`✓ ${part}: ${name}`);
    }
    const file = `${part}.sqlite`;
    if (database !== undefined) {
      print(`– ${part}: its database is ${nameOf(database)}; back it up with pg_dump`);
    } else if (existsSync(join(dataDirectory, file))) {
      await replaceDurably(join(directory, file), async unfinished => {
        copySqlite(join(dataDirectory, file), unfinished);
        const damage = findDamage(unfinished);
        if (damage) throw new Error(`The copy of ${file} is damaged (${damage}). Nothing was replaced.`);
        await chmod(unfinished, 0o600);
      });
      print(`✓ ${part}: ${file}`);
    }
    if (part === 'site') print(`– site: videos are in ${join(dataDirectory, 'videos')}; copy them next`);
  }
}

async function replaceDurably(path: string, write: (unfinished: string) => Promise<void>): Promise<void> {
  const unfinished = `${path}.new`;
  await rm(unfinished, { force: true });
  await write(unfinished);
  await syncFile(unfinished);
  await rename(unfinished, path);
  await syncDirectory(join(path, '..'));
}
