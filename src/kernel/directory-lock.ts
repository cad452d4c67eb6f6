/**
 * Lets only one process of a part use a data directory. Two sites in one directory would overwrite each other's records and files.
 * The operating system releases the lock when the process ends, however it ends.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeDataDirectory } from './lifecycle/data-directory.ts';
import type { Lifetime } from './lifecycle/lifetime.ts';
import { StartupError } from './lifecycle/startup-error.ts';
import { tryLockFile } from './sql/sqlite.ts';

/**
 * Creates the directory if necessary, and locks it.
 *
 * @param part a site may run in several processes with one directory, each with other parts
 * @throws StartupError if another process of this part uses the directory
 */
export async function lockDirectory(directory: string, part: string, lifetime: Lifetime): Promise<void> {
  await makeDataDirectory(directory);
  const path = join(directory, `.${part}.lock`);
  const holderPath = join(directory, `.${part}.pid`);
  const release = tryLockFile(path);
  if (!release) {
    throw new StartupError(
      `${directory} is in use by another running ${part}${describeHolder(holderPath)}. Set a different dataDirectory for each`,
    );
  }
  writeFileSync(holderPath, String(process.pid), { mode: 0o600 });
  lifetime.add('lock of the data directory', release);
}

function describeHolder(path: string): string {
  try {
    const pid = readFileSync(path, 'utf8');
    return /^\d{1,10}$/.test(pid) ? ` (process ${pid})` : '';
  } catch {
    return '';
  }
}
