import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { freePort } from '../../test/support/free-port.ts';
import { makeTemporaryDirectory, removeDirectory } from '../../test/support/temporary-directory.ts';
import { tryListen } from '../kernel/http/try-listen.ts';
import { startDemo } from './demo.ts';

/** Behaves like a central that is ready, but fails when the demo registers its tracker. It ignores the end of its input. */
const FAILING_CENTRAL = `
  const { readFileSync } = require('node:fs');
  const [, port] = /listen = "127.0.0.1:(\\d+)"/.exec(readFileSync(process.argv.at(-1), 'utf8'));
  require('node:http')
    .createServer((request, response) => {
      response.statusCode = request.url === '/readyz' ? 200 : 500;
      response.end();
    })
    .listen(Number(port), '127.0.0.1', () => console.log('listening', process.pid));
`;

it('releases its processes, ports and files if the start fails half-way', async () => {
  const directory = await makeTemporaryDirectory('demo');
  try {
    const port = await freePort();
    const lines: string[] = [];
    await expect(
      startDemo({
        dataDirectory: directory,
        port,
        command: [process.execPath, '-e', FAILING_CENTRAL],
        environment: process.env,
        print: line => lines.push(line),
      }),
    ).rejects.toThrow('500');
    expect(lines).toEqual([`✓ central            http://127.0.0.1:${port}`]);
    const [, pid] =
      /listening (\d+)/.exec(readFileSync(join(directory, 'logs', 'central.log'), 'utf8')) ?? [];
    expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH');
    expect(await tryListen('127.0.0.1', port)).toBeUndefined();
    expect(existsSync(join(directory, 'demo.json'))).toBe(false);
  } finally {
    await removeDirectory(directory);
  }
});
