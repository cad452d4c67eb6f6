/** Both databases are backed up under load, lost, and restored: nothing withdrawn comes back, and nothing published is lost. */
import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  type Cluster,
  type Part,
  startCluster,
  TOKEN,
  untilRegistered,
  uploadTo,
  videoAt,
  videosNamed,
} from '../../support/cluster.ts';
import { eventually } from '../../support/eventually.ts';
import { makeDatabase, type TestDatabase } from '../../support/postgres/databases.ts';
import { findPostgresProgram } from '../../support/postgres/server.ts';
import { COMMAND } from '../../support/programs.ts';
import { readVideo, shortVideo } from '../../support/sample-videos.ts';

const RECOVERY_MS = 60_000;

let cluster: Cluster;
let site: Part;
let body: Buffer;

const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
const rename = (id: string, name: string) =>
  fetch(`${site.url}/api/videos/${id}`, { method: 'PATCH', headers, body: JSON.stringify({ name }) });
const withdraw = (id: string) =>
  fetch(`${site.url}/api/videos/${id}`, {
    method: 'DELETE',
    headers: { authorization: headers.authorization },
  });

/** Backs up a part's database while it runs, and restores the backup, both as docs/backup.md says. */
interface BackupMethod {
  backUp(part: Part): Promise<string>;
  /** Restores while the part is not running. */
  restore(part: Part, from: string): Promise<void>;
}

/** Runs a program while this process continues to edit. @throws Error if the program fails */
async function run(program: string, args: readonly string[]): Promise<void> {
  const { stderr } = await promisify(execFile)(program, args);
  expect(stderr).toBe('');
}

const embedded: BackupMethod = {
  async backUp(part) {
    const to = join(cluster.directory, 'backup', part.name);
    await run(process.execPath, [
      COMMAND,
      'backup',
      '--config',
      join(cluster.directory, `${part.name}.toml`),
      '--to',
      to,
    ]);
    return join(to, part.kind);
  },
  async restore(part, from) {
    const name = `${part.kind}.sqlite`;
    for (const suffix of ['-wal', '-shm']) rmSync(join(part.directory, name + suffix), { force: true });
    copyFileSync(join(from, name), join(part.directory, name));
  },
};

/** `databases` are central's and the site's, in this order. */
const onPostgres = (databases: readonly TestDatabase[]): BackupMethod => {
  const urlOf = (part: Part): string => databases[part.kind === 'central' ? 0 : 1]?.place ?? '';
  return {
    async backUp(part) {
      const to = join(cluster.directory, `${part.kind}.dump`);
      await run(findPostgresProgram('pg_dump') ?? '', ['--format=custom', `--file=${to}`, urlOf(part)]);
      return to;
    },
    async restore(part, from) {
      const { pathname } = new URL(urlOf(part));
      const name = pg.escapeIdentifier(pathname.slice(1));
      const client = new pg.Client({ connectionString: inject('postgresUrl') });
      await client.connect();
      await client.query(`drop database ${name} with (force)`);
      await client.query(`create database ${name}`);
      await client.end();
      await run(findPostgresProgram('pg_restore') ?? '', [`--dbname=${urlOf(part)}`, from]);
    },
  };
};

/** Edits a video continuously until it is stopped. */
function load(id: string) {
  let stopped = false;
  let edits = 0;
  const done = (async () => {
    while (!stopped) {
      expect((await rename(id, `Under load ${++edits}`)).ok).toBe(true);
      await sleep(2);
    }
  })();
  return {
    async stop(): Promise<number> {
      stopped = true;
      await done;
      return edits;
    },
  };
}

/** Changes videos before and after a backup, restores the backup, and checks that every change is still there. */
async function drill(method: BackupMethod, part: Part, tag: string): Promise<void> {
  const kept = await uploadTo(site, body, `Kept ${tag}`);
  const edited = await uploadTo(site, body, `Before ${tag}`);
  const withdrawn = await uploadTo(site, body, `Withdrawn ${tag}`);
  const busy = await uploadTo(site, body, `Busy ${tag}`);
  for (const id of [kept, edited, withdrawn, busy]) await untilRegistered(site, id);

  const work = load(busy);
  await sleep(200);
  const backup = await method.backUp(part);
  await sleep(200);
  expect(await work.stop()).toBeGreaterThan(5);

  await rename(edited, `After ${tag}`);
  await rename(busy, `Rested ${tag}`);
  await withdraw(withdrawn);
  const published = await uploadTo(site, body, `New ${tag}`);
  for (const id of [edited, published, busy]) await untilRegistered(site, id);
  await eventually(
    'it is withdrawn',
    async () => (await videosNamed(cluster, `Withdrawn ${tag}`)).length === 0 || undefined,
  );

  await part.kill('SIGKILL');
  await method.restore(part, backup);
  await part.start();
  const expected = [
    [kept, `Kept ${tag}`],
    [edited, `After ${tag}`],
    [busy, `Rested ${tag}`],
    [published, `New ${tag}`],
  ] as const;
  for (const [id, name] of expected) {
    await eventually(
      `${name} is there, registered, and plays`,
      async () => {
        const [found] = await videosNamed(cluster, name);
        if (found?.id !== id || found.state !== 'registered') return undefined;
        const atSite = await videoAt(site, id);
        if (atSite.state !== 'ready' || atSite.name !== name || !atSite.published) return undefined;
        const segment = `${site.url}/v/${id}/${found.revision}/source-video/1.m4s`;
        const play = await fetch(`${cluster.tracker.url}/play/${id}`);
        return ((await fetch(segment)).ok && play.ok) || undefined;
      },
      RECOVERY_MS,
    );
  }
  await eventually(
    'the withdrawn video stays withdrawn everywhere',
    async () => {
      const listed = await videosNamed(cluster, `Withdrawn ${tag}`);
      const { status } = await fetch(`${cluster.tracker.url}/play/${withdrawn}`);
      const { state } = await videoAt(site, withdrawn);
      return (listed.length === 0 && [404, 410].includes(status) && state === 'withdrawn') || undefined;
    },
    RECOVERY_MS,
  );
  expect(existsSync(join(site.directory, 'videos', withdrawn))).toBe(false);
  // The old name is nowhere: the history has no fork.
  expect(await videosNamed(cluster, `Before ${tag}`)).toEqual([]);
}

/** Starts a cluster for the tests of one suite. */
function setUp(newDatabase?: () => Promise<string>): void {
  beforeAll(async () => {
    body = readVideo(shortVideo());
    cluster = await startCluster(newDatabase ? { newDatabase } : {});
    site = await cluster.addSite('Hangzhou');
    await site.start();
  });
  afterAll(() => cluster?.stop());
}

describe('a restored backup of an embedded database', () => {
  setUp();
  it('of a site is brought up to date', () => drill(embedded, site, 'at the site'));
  it('of central is brought up to date', () => drill(embedded, cluster.central, 'at central'));
});

describe.skipIf(!findPostgresProgram('pg_dump'))('a restored dump of a PostgreSQL database', () => {
  const databases: TestDatabase[] = [];
  const method = onPostgres(databases);
  // Databases are dropped last: these hooks run in reverse order.
  afterAll(() => Promise.all(databases.map(database => database.drop())));
  setUp(async () => {
    const database = await makeDatabase('postgres');
    databases.push(database);
    return database.place;
  });
  it('of a site is brought up to date', () => drill(method, site, 'at the site'));
  it('of central is brought up to date', () => drill(method, cluster.central, 'at central'));
});
