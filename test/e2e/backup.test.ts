/** The drill: back up under load, restore the old copy, watch it heal. Nothing withdrawn comes back, nothing published is lost. */
import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Cluster,
  type Part,
  startCluster,
  TOKEN,
  untilRegistered,
  uploadTo,
  videoAt,
  videosNamed,
} from './cluster.ts';
import { readFilm, shortFilm } from './films.ts';
import { COMMAND, eventually, runProgram } from './parts.ts';

const HEAL_MS = 60_000;

let cluster: Cluster;
let site: Part;
let film: Buffer;
beforeAll(async () => {
  film = readFilm(shortFilm());
  cluster = await startCluster();
  site = await cluster.addSite('Hangzhou');
  await site.start();
});
afterAll(() => cluster?.stop());

const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
const rename = (id: string, name: string) =>
  fetch(`${site.url}/api/videos/${id}`, { method: 'PATCH', headers, body: JSON.stringify({ name }) });
const withdraw = (id: string) =>
  fetch(`${site.url}/api/videos/${id}`, {
    method: 'DELETE',
    headers: { authorization: headers.authorization },
  });

function backUp(part: Part): string {
  const to = join(cluster.directory, 'backup', part.name);
  const config = join(cluster.directory, `${part.name}.toml`);
  const run = runProgram(process.execPath, [COMMAND, 'backup', '--config', config, '--to', to]);
  expect(run.stderr).toBe('');
  expect(run.status).toBe(0);
  return join(to, part.kind);
}

/** As docs/backup.md says. */
async function restore(part: Part, from: string): Promise<void> {
  await part.end('SIGKILL');
  const name = `${part.kind}.sqlite`;
  for (const suffix of ['-wal', '-shm']) rmSync(join(part.directory, name + suffix), { force: true });
  copyFileSync(join(from, name), join(part.directory, name));
  await part.start();
}

/** Edits without end, until it is told to stop. */
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

/** What happened before a backup, then after it; and what must be true however much was forgotten. */
async function drill(part: Part, tag: string): Promise<void> {
  const kept = await uploadTo(site, film, `Kept ${tag}`);
  const edited = await uploadTo(site, film, `Before ${tag}`);
  const withdrawn = await uploadTo(site, film, `Withdrawn ${tag}`);
  const busy = await uploadTo(site, film, `Busy ${tag}`);
  for (const id of [kept, edited, withdrawn, busy]) await untilRegistered(site, id);

  const work = load(busy);
  await sleep(200);
  const backup = backUp(part);
  await sleep(200);
  expect(await work.stop()).toBeGreaterThan(5);

  await rename(edited, `After ${tag}`);
  await rename(busy, `Rested ${tag}`);
  await withdraw(withdrawn);
  const published = await uploadTo(site, film, `New ${tag}`);
  for (const id of [edited, published, busy]) await untilRegistered(site, id);
  await eventually(
    'it is withdrawn',
    async () => (await videosNamed(cluster, `Withdrawn ${tag}`)).length === 0 || undefined,
  );

  await restore(part, backup);
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
      HEAL_MS,
    );
  }
  await eventually(
    'what was withdrawn stays so everywhere',
    async () => {
      const listed = await videosNamed(cluster, `Withdrawn ${tag}`);
      const { status } = await fetch(`${cluster.tracker.url}/play/${withdrawn}`);
      const { state } = await videoAt(site, withdrawn);
      return (listed.length === 0 && [404, 410].includes(status) && state === 'withdrawn') || undefined;
    },
    HEAL_MS,
  );
  expect(existsSync(join(site.directory, 'videos', withdrawn))).toBe(false);
  // The old name is nowhere: no history was forked.
  expect(await videosNamed(cluster, `Before ${tag}`)).toEqual([]);
}

describe('a restored backup', () => {
  it('of a site heals', () => drill(site, 'at the site'));
  it('of central heals', () => drill(cluster.central, 'at central'));
});
