/** Durable file operations: when one of them returns, its effect survives a power loss. */

import type { Stats } from 'node:fs';
import { chmod, type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorCodeOf } from './error-code.ts';
import { messageOf, type Problem, problem } from './problem.ts';

/**
 * Flushes a file to disk. If a flush fails, the system may have dropped the data that it could not write, and the next flush
 * would succeed without that data. Therefore nothing is retried or acknowledged, and the process stops.
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

/** Makes the entries of a directory durable, for example after a rename or an unlink in it. */
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

/** Renames a file within one file system and makes both directories durable. The caller has synced the file itself. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncDirectory(dirname(to));
  if (dirname(from) !== dirname(to)) await syncDirectory(dirname(from));
}

/** Writes a small file atomically: after a power loss, either the whole file exists or none of it. */
export async function writeDurably(path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
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

/**
 * Deletes a directory with everything in it, or a file. Another process may still write there, for example a conversion that has
 * not noticed yet that its video was withdrawn: what appears during the deletion is deleted too, for up to five seconds.
 */
export const deleteTree = (path: string): Promise<void> =>
  rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });

/** Returns undefined if the file does not exist. */
export async function findStats(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch {
    return undefined;
  }
}

/** Codes of writes for which the file system has no space; `EFBIG`: it does not store files of this size. */
const FULL_CODES: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', '53100']);
const FULL_MESSAGE = /database or disk is full/;
/** Codes of a file system, a disk or a process that cannot work at the moment, whatever the file. */
const FAILED_CODES: ReadonlySet<string> = new Set([
  ...['EIO', 'EROFS', 'EACCES', 'EPERM', 'EBUSY', 'ENODEV', 'ENXIO', 'ESTALE', 'EREMOTEIO', 'EUCLEAN'],
  ...['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN'],
]);
/** Messages of SQLite, which have no code. */
const FAILED_MESSAGE = /disk I\/O error|unable to open database file/;

/** True if a write failed because the disk is full, as reported by the system, SQLite or PostgreSQL. */
export const isDiskFull = (error: unknown): boolean => isFileFault(error, FULL_CODES, FULL_MESSAGE);

/**
 * Returns the problem to respond with if a file operation failed because of the machine: 507 `disk-full` or 503
 * `storage-failed`, also if it is the cause of the error. Returns undefined for any other error.
 */
export function findStorageProblem(error: unknown): Problem | undefined {
  if (isDiskFull(error)) {
    return problem(
      'disk-full',
      'The disk of this machine is full. Free some space, then try again. Nothing was changed.',
      { cause: error },
    );
  }
  if (isFileFault(error, FAILED_CODES, FAILED_MESSAGE)) {
    const reason = errorCodeOf(error) ?? messageOf(error);
    return problem(
      'storage-failed',
      `This machine cannot use its storage at the moment (${reason}). Try again in a moment.`,
      { cause: error, headers: { 'retry-after': '5' } },
    );
  }
  return error instanceof Error && error.cause !== undefined ? findStorageProblem(error.cause) : undefined;
}

const isFileFault = (error: unknown, codes: ReadonlySet<string>, message: RegExp): boolean =>
  codes.has(errorCodeOf(error) ?? '') || (error instanceof Error && message.test(error.message));

/**
 * Makes a data directory that only its owner may use, and takes the rights of others from one that exists and from the files in
 * it: databases, keys and settings of an earlier version. What belongs to another user stays as it is; doctor reports it.
 */
export async function openPrivateDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  await takeRightsOfOthers(path);
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isFile()) await takeRightsOfOthers(join(path, entry.name));
  }
}

async function takeRightsOfOthers(path: string): Promise<void> {
  const mode = (await findStats(path))?.mode;
  if (mode !== undefined && (mode & 0o077) !== 0) await chmod(path, mode & 0o700).catch(() => {});
}
