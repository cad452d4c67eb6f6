/** Durable file operations: what has been answered for is on the disk. */
import type { Stats } from 'node:fs';
import { type FileHandle, open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Flushes a file to the disk. After a flush that failed, the system may have dropped what it could not write, and the next
 * flush would succeed without it: so nothing is tried again and nothing acknowledged, and the process stops.
 */
export async function flush(file: FileHandle): Promise<void> {
  try {
    await file.datasync();
  } catch (cause) {
    const fault = new Error(
      'The disk did not confirm a write. Stopping, because what it holds is in doubt.',
      { cause },
    );
    process.nextTick(() => {
      throw fault;
    });
    await new Promise(() => {});
  }
}

/** Makes a directory's entries durable (a rename or an unlink in it). */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await flush(directory);
  } finally {
    await directory.close();
  }
}

export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await flush(file);
  } finally {
    await file.close();
  }
}

/** Renames within one file system, then makes both directories durable. The file itself was synced before. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncDirectory(dirname(to));
  if (dirname(from) !== dirname(to)) await syncDirectory(dirname(from));
}

/** Writes a small file so that it is there whole or not at all, also after power loss. */
export async function writeDurably(path: string, content: string, mode = 0o644): Promise<void> {
  const temporary = `${path}.new`;
  const file = await open(temporary, 'w', mode);
  try {
    await file.writeFile(content);
    await flush(file);
  } finally {
    await file.close();
  }
  await renameDurably(temporary, path);
}

/** Undefined where there is no such file. */
export async function findStats(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch {
    return undefined;
  }
}

/** The disk has no space left for a write; also as SQLite and PostgreSQL say it. */
export function isDiskFull(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { readonly code?: string; readonly message?: string };
  return ['ENOSPC', 'EDQUOT', '53100'].includes(code ?? '') || /database or disk is full/.test(message ?? '');
}
