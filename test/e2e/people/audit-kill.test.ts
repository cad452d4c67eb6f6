/** Central is killed around the commit of a change of people: the change and its entry in the audit log are both there, or neither. */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { verifyAuditLog } from '../../../src/central/audit/verify-command.ts';
import type { Failpoint } from '../../../src/kernel/failpoint.ts';
import { requestCentral, TOKEN } from '../../support/central-requests.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/free-port.ts';
import { makeDatabase, type TestDatabase } from '../../support/postgres/databases.ts';
import { COMMAND } from '../../support/programs.ts';
import { makeTemporaryDirectory, removeDirectory } from '../../support/temporary-directory.ts';

let directory: string;
let child: ChildProcess | undefined;
let database: TestDatabase | undefined;
beforeEach(async () => {
  directory = await makeTemporaryDirectory('audit-kill');
});
afterEach(async () => {
  child?.kill('SIGKILL');
  await database?.drop();
  database = undefined;
  await removeDirectory(directory);
});

interface Started {
  /** The signal that ends it. */
  readonly ended: Promise<NodeJS.Signals | null>;
}
async function start(url: string, failpoint?: Failpoint): Promise<Started> {
  const config = join(directory, 'central.toml');
  await writeFile(
    config,
    `[central]\nlisten = "${new URL(url).host}"\ndataDirectory = "${directory}/data"\noperatorToken = "${TOKEN}"\n${database ? `database = "${database.place}"\n` : ''}`,
  );
  const started = spawn(process.execPath, [COMMAND, 'central', '--config', config], {
    stdio: 'ignore',
    env: { ...process.env, ...(failpoint ? { TRIBUTARY_FAILPOINT: failpoint } : {}) },
  });
  child = started;
  const ended = new Promise<NodeJS.Signals | null>(done => started.once('exit', (_, signal) => done(signal)));
  await eventually('central is up', async () => (await fetch(`${url}/readyz`)).ok);
  return { ended };
}

it.each([
  ['change-not-committed', 0, 'sqlite'],
  ['change-committed', 1, 'sqlite'],
  ['change-not-committed', 0, 'postgres'],
  ['change-committed', 1, 'postgres'],
] as const)('killed at %s, there are %i changes and entries (%s)', async (failpoint, expected, engine) => {
  if (engine === 'postgres') database = await makeDatabase('postgres');
  const url = `http://127.0.0.1:${await freePort()}`;
  const { ended: killed } = await start(url, failpoint);
  const body = { name: 'Li Na', email: 'li.na@example.edu', roles: [] };
  await expect(requestCentral(url, 'POST', '/api/people', { body })).rejects.toThrow();
  expect(await killed).toBe('SIGKILL');

  const { ended: stopped } = await start(url);
  const verify = () =>
    verifyAuditLog({ dataDirectory: join(directory, 'data'), database: database?.place }, undefined);
  const read = async () => ({
    people: (await requestCentral(url, 'GET', '/api/people?q=li.na@example.edu')).body.people.length,
    entries: (await requestCentral(url, 'GET', '/api/audit?action=person.create')).body.entries.length,
  });
  expect(await verify()).toMatchObject({ ok: true });
  expect(await read()).toEqual({ people: expected, entries: expected });
  // The log continues after it.
  const { status } = await requestCentral(url, 'POST', '/api/people', {
    body: { ...body, email: 'b@example.edu' },
  });
  expect(status).toBe(201);
  expect(await verify()).toMatchObject({ ok: true });
  child?.kill('SIGTERM');
  await stopped;
});
