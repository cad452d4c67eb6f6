/** Creates the data directory of a part, and finds out in time if it cannot be used. */
import { mkdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { errorCodeOf } from '../error-code.ts';
import { messageOf } from '../problem.ts';
import { requireRealFileSystem } from './file-systems.ts';
import { StartupError } from './startup-error.ts';
import { TimeLimitExceeded, withinLimit } from './time-limit.ts';

/** A mount whose server is gone does not respond at all. */
const RESPONSE_MS = 10_000;

/** @throws StartupError with the reason, at the latest after `limitMs` */
export async function makeDataDirectory(
  path: string,
  { mode = 0o700, limitMs = RESPONSE_MS, makeDirectory = makeEach } = {},
): Promise<void> {
  requireRealFileSystem(path);
  try {
    await withinLimit(limitMs, undefined, async () => {
      await makeDirectory(resolve(path), mode);
      if (!(await stat(path)).isDirectory()) throw new Error('it is a file');
    });
  } catch (cause) {
    if (cause instanceof StartupError) throw cause;
    const reason =
      cause instanceof TimeLimitExceeded
        ? `it did not respond within ${limitMs / 1_000} s. If it is on a network, check its server, or unmount it`
        : messageOf(cause);
    throw new StartupError(`The directory ${path} cannot be used: ${reason}`, { cause });
  }
}

/**
 * Creates missing directories one by one. The `recursive` option of Node never ends where a parent exists and a new directory is
 * reported as missing, as in /proc.
 */
async function makeEach(path: string, mode: number): Promise<void> {
  const missing: string[] = [];
  let existing = path;
  while (!(await exists(existing))) {
    missing.unshift(existing.slice(dirname(existing).length).replace(/^\//, ''));
    existing = dirname(existing);
  }
  // A link may lead into another file system.
  let at = await realpath(existing);
  requireRealFileSystem(at);
  for (const name of missing) {
    at = join(at, name);
    await mkdir(at, { mode }).catch(error => {
      // Another process of this part may have created it.
      if (errorCodeOf(error) !== 'EEXIST') throw error;
    });
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return false;
    throw error;
  }
}
