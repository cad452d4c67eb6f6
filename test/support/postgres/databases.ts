/**
 * Makes and drops an empty database for a suite. Suites run on both engines: on SQLite in the project `unit`, on
 * PostgreSQL in the project `postgres` (vitest.config.ts).
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { inject } from 'vitest';
import type { DatabaseLocation, Engine } from '../../../src/kernel/sql/sql.ts';
import './global.ts';

export interface TestDatabase {
  readonly place: DatabaseLocation;
  drop(): Promise<void>;
}

export const ENGINE: Engine = process.env.TRIBUTARY_TEST_ENGINE === 'postgres' ? 'postgres' : 'sqlite';

let made = 0;

async function administer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: inject('postgresUrl') });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Connections to the database should be closed before it is dropped; the others are cut. */
export async function makeDatabase(engine: Engine = ENGINE): Promise<TestDatabase> {
  if (engine === 'sqlite') {
    const directory = await mkdtemp(join(tmpdir(), 'tributary-database-'));
    return {
      place: join(directory, 'test.sqlite'),
      drop: () => rm(directory, { recursive: true, force: true }),
    };
  }
  const name = `test_${process.pid}_${Date.now().toString(36)}_${++made}`;
  await administer(`create database ${name}`);
  const url = new URL(inject('postgresUrl'));
  url.pathname = `/${name}`;
  return { place: url.href, drop: () => administer(`drop database if exists ${name} with (force)`) };
}
