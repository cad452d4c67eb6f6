import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { freePort } from '../../test/support/free-port.ts';
import { messageOf } from './problem.ts';
import { describeSystemError } from './system-error.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tributary-errors-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const errorOf = async (emitter: NodeJS.EventEmitter): Promise<unknown> => (await once(emitter, 'error'))[0];
const listen = async (server: Server): Promise<number> => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
};
const reading = (path: string): unknown => {
  try {
    return readFileSync(path);
  } catch (error) {
    return error;
  }
};

it('a refused connection', async () => {
  const port = await freePort();
  expect(messageOf(await errorOf(connect(port, '127.0.0.1')))).toBe(`127.0.0.1:${port} refuses connections`);
});

it('a closed connection', async () => {
  const server = createServer(socket => socket.resetAndDestroy());
  const socket = connect(await listen(server), '127.0.0.1');
  expect(messageOf(await errorOf(socket))).toMatch(/^(127.0.0.1:\d+|the other side) closed the connection$/);
  server.close();
});

it('a closed connection of fetch', async () => {
  const server = createServer(socket => socket.once('data', () => socket.end()));
  const failure: unknown = await fetch(`http://127.0.0.1:${await listen(server)}`).catch(
    error => error.cause,
  );
  expect(messageOf(failure)).toBe('the other side closed the connection');
  server.close();
});

it('an unknown host', async () => {
  const error = Object.assign(new Error('getaddrinfo ENOTFOUND nowhere.invalid'), {
    code: 'ENOTFOUND',
    syscall: 'getaddrinfo',
    hostname: 'nowhere.invalid',
  });
  expect(messageOf(error)).toBe('name servers do not know nowhere.invalid');
});

it('a port in use, and an address of another machine', async () => {
  const server = createServer();
  const port = await listen(server);
  expect(messageOf(await errorOf(createServer().listen(port, '127.0.0.1')))).toBe(
    `127.0.0.1:${port} is already in use by another program (set another \`listen\`)`,
  );
  server.close();
  expect(messageOf(await errorOf(createServer().listen(port, '192.0.2.1')))).toBe(
    `this machine does not have the address 192.0.2.1:${port} (set another \`listen\`)`,
  );
});

it('a missing file, a path below a file, and a missing program', async () => {
  const missing = join(directory, 'none');
  expect(messageOf(reading(missing))).toBe(`there is no file or directory ${missing}`);
  const file = join(directory, 'file');
  writeFileSync(file, '');
  expect(messageOf(reading(join(file, 'below')))).toBe(`a part of the path ${join(file, 'below')} is a file`);
  expect(messageOf(await errorOf(spawn('/nonexistent/program')))).toBe(
    'the program /nonexistent/program was not found',
  );
});

it('other errors keep their message', () => {
  const database = Object.assign(new Error('permission denied'), { code: '42501' });
  expect(describeSystemError(database)).toBeUndefined();
  expect(messageOf(database)).toBe('permission denied');
});
