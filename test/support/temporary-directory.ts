/** Directories that a test or a harness works in and removes at its end. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Makes an empty directory. `name` shows which test it belongs to. */
export const makeTemporaryDirectory = (name: string): Promise<string> =>
  mkdtemp(join(tmpdir(), `tributary-${name}-`));

/** Removes it with everything inside. Processes that have just ended may still hold files, hence the retries. */
export const removeDirectory = (path: string): Promise<void> =>
  rm(path, { recursive: true, force: true, maxRetries: 5 });
