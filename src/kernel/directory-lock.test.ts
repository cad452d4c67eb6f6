import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeTemporaryDirectory, removeDirectory } from '../../test/support/temporary-directory.ts';
import { lockDirectory } from './directory-lock.ts';
import { createLifetime } from './lifecycle/lifetime.ts';
import { silentLog } from './log.ts';

let directory: string;
beforeEach(async () => {
  directory = await makeTemporaryDirectory('lock');
});
afterEach(() => removeDirectory(directory));

const lifetime = () => createLifetime(silentLog);

it('lets one process of a part use a directory, and another one after it has stopped', async () => {
  const first = lifetime();
  await lockDirectory(directory, 'web', first);
  await expect(lockDirectory(directory, 'web', lifetime())).rejects.toThrow(
    `${directory} is in use by another running web (process ${process.pid}). Set a different dataDirectory for each`,
  );
  await lockDirectory(directory, 'origin', lifetime());
  await first.stop();
  await lockDirectory(directory, 'web', lifetime());
});

it('is free after its holder was killed', async () => {
  const program = `const { DatabaseSync } = require('@photostructure/sqlite');
    const database = new DatabaseSync(process.argv[1]);
    database.exec('BEGIN EXCLUSIVE');
    console.log('locked');
    setInterval(() => {}, 1_000);`;
  const holder = spawn(process.execPath, ['-e', program, join(directory, '.web.lock')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  await expect(lockDirectory(directory, 'web', lifetime())).rejects.toThrow('is in use');
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  await lockDirectory(directory, 'web', lifetime());
});
