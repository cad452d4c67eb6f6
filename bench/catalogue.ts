/**
 * Measures the calls that find videos, on both engines: CPU time and duration of each, also with twenty at a time, and how long
 * `/healthz` takes meanwhile. `BENCH_VIDEOS` is the number of videos (default 10,000), `BENCH_ENGINES` the engines, and
 * `BENCH_DIRECTORY` keeps the databases for the next run.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type CentralSchema, migrations } from '../src/central/database/schema.ts';
import { openDatabase } from '../src/kernel/sql/sql.ts';
import { startPostgres } from '../test/support/postgres/server.ts';
import { RARE_WORD } from './catalogue/corpus.ts';
import { fill } from './catalogue/fill.ts';
import { bundle } from './peers/bundle.ts';
import { readFirstLine, stopProcess } from './peers/process.ts';

const VIDEOS = Number(process.env.BENCH_VIDEOS ?? 10_000);
const ENGINES = (process.env.BENCH_ENGINES ?? 'sqlite,postgres').split(',');
const RUNS = Number(process.env.BENCH_RUNS ?? 60);
const CONCURRENT = 20;
/** A busy machine takes long to start a process. */
const START_MS = 60_000;
const GOAL_CPU_MS = 50;
const GOAL_CONCURRENT_MS = 100;
const GOAL_HEALTH_MS = 20;

const CALLS: Readonly<Record<string, string>> = {
  'front page': '/api/videos',
  'one Chinese character': '/api/videos?q=学',
  'two Chinese characters': '/api/videos?q=数据',
  'two rare Chinese characters': '/api/videos?q=丂乤',
  'four Chinese characters': '/api/videos?q=机器学习',
  'a common word': '/api/videos?q=lecture',
  'two words': '/api/videos?q=quantum biology',
  'a rare word': `/api/videos?q=${RARE_WORD}`,
  'no match': '/api/videos?q=neverwritten',
  'the beginning of a word': '/api/videos?q=quan',
  'a phrase in captions': '/api/videos?q="lecture introduction"',
  'two facets': '/api/videos?year=2019&tag=tag7',
  'a word and two facets': '/api/videos?q=lecture&year=2019&language=en',
  'a common word, recorded': '/api/videos?q=lecture&order=recorded',
  'a common word, by title': '/api/videos?q=lecture&order=title',
  'by title': '/api/videos?order=title',
  'most played': '/api/videos?order=played',
  'facets of everything': '/api/facets',
  'facets of a word': '/api/facets?q=lecture',
  suggestions: '/api/suggestions?q=quan',
};

const percentile = (values: readonly number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))] ?? 0;

/** CPU time of all threads of a process, in milliseconds, from the scheduler. */
function readCpuMs(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`)
      .map(task => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]) / 1e6)
      .reduce((sum, ms) => sum + ms, 0);
  } catch {
    return 0;
  }
}

interface Server {
  readonly url: string;
  readonly cpuMs: () => number;
}

async function measure(
  server: Server,
  path: string,
): Promise<{ readonly cpu: number[]; readonly wall: number[] }> {
  const [cpu, wall]: [number[], number[]] = [[], []];
  for (let run = 0; run < RUNS; run++) {
    const before = server.cpuMs();
    const startMs = performance.now();
    const response = await fetch(server.url + path);
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${text}`);
    wall.push(performance.now() - startMs);
    cpu.push(server.cpuMs() - before);
  }
  // The first calls read from disk and compile.
  return { cpu: cpu.slice(3), wall: wall.slice(3) };
}

/** All calls, twenty at a time. */
async function measureConcurrent({
  url,
}: Server): Promise<{ readonly wall: number[]; readonly health: number[] }> {
  const [wall, health]: [number[], number[]] = [[], []];
  let isDone = false;
  const probe = (async () => {
    while (!isDone) {
      const startMs = performance.now();
      await (await fetch(`${url}/healthz`)).text();
      health.push(performance.now() - startMs);
      await sleep(5);
    }
  })();
  const paths = Array.from({ length: 10 }, () => Object.values(CALLS)).flat();
  await Promise.all(
    Array.from({ length: CONCURRENT }, async () => {
      for (let path = paths.pop(); path !== undefined; path = paths.pop()) {
        const startMs = performance.now();
        await (await fetch(url + path)).text();
        wall.push(performance.now() - startMs);
      }
    }),
  );
  isDone = true;
  await probe;
  return { wall, health };
}

async function measureAll(engine: string, server: Server): Promise<Readonly<Record<string, number>>> {
  const ratios: Record<string, number> = {};
  console.log(
    `\n${engine}, ${VIDEOS} videos\n\n| call | CPU p50 | CPU p99 | wall p50 | wall p99 |\n| --- | --- | --- | --- | --- |`,
  );
  let worst = 0;
  for (const [name, path] of Object.entries(CALLS)) {
    const { cpu, wall } = await measure(server, path);
    const figures = [
      percentile(cpu, 0.5),
      percentile(cpu, 0.99),
      percentile(wall, 0.5),
      percentile(wall, 0.99),
    ];
    worst = Math.max(worst, percentile(cpu, 0.99));
    console.log(`| ${name} | ${figures.map(ms => `${ms.toFixed(1)} ms`).join(' | ')} |`);
  }
  const { wall, health } = await measureConcurrent(server);
  console.log(
    `| ${CONCURRENT} at a time | | | ${percentile(wall, 0.5).toFixed(1)} ms | ${percentile(wall, 0.99).toFixed(1)} ms |`,
  );
  console.log(
    `| /healthz meanwhile | | | ${percentile(health, 0.5).toFixed(1)} ms | ${Math.max(...health).toFixed(1)} ms (longest) |`,
  );
  ratios[`${engine}: CPU of the slowest call`] = GOAL_CPU_MS / worst;
  ratios[`${engine}: p99 of ${CONCURRENT} at a time`] = GOAL_CONCURRENT_MS / percentile(wall, 0.99);
  ratios[`${engine}: longest /healthz`] = GOAL_HEALTH_MS / Math.max(...health);
  return ratios;
}

const startServer = async (arguments_: readonly string[]): Promise<{ child: ChildProcess; url: string }> => {
  const child = spawn(
    process.execPath,
    [await bundle(join('dist', 'bench'), 'bench/catalogue/server.ts'), ...arguments_],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  return { child, url: await readFirstLine(child, START_MS) };
};

async function prepare(place: string, marker: string): Promise<void> {
  if (existsSync(marker)) return console.log(readFileSync(marker, 'utf8'));
  const db = await openDatabase<CentralSchema>(place, migrations);
  const { seconds, cpuSeconds } = await fill(db, VIDEOS);
  await db.destroy();
  const text = `filled with ${VIDEOS} videos in ${seconds.toFixed(0)} s, ${cpuSeconds.toFixed(0)} s of CPU`;
  writeFileSync(marker, text);
  console.log(text);
}

async function runSqlite(directory: string): Promise<Readonly<Record<string, number>>> {
  const data = join(directory, `sqlite-${VIDEOS}`);
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const path = join(data, 'central.sqlite');
  await prepare(path, join(data, 'filled.txt'));
  console.log(`database ${(statSync(path).size / 1e6).toFixed(0)} MB`);
  const { child, url } = await startServer([data]);
  try {
    return await measureAll('sqlite', { url, cpuMs: () => readCpuMs(child.pid ?? 0) });
  } finally {
    await stopProcess(child);
  }
}

async function runPostgres(directory: string): Promise<Readonly<Record<string, number>>> {
  const postgres = await startPostgres();
  const data = join(directory, 'postgres-central');
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  try {
    await client.query('create database bench');
    const url = new URL(postgres.url);
    url.pathname = '/bench';
    const marker = join(mkdtempSync(join(tmpdir(), 'bench-')), 'filled.txt');
    await prepare(url.href, marker);
    const { rows } = await client.query<{ size: string }>(
      "select pg_size_pretty(pg_database_size('bench')) as size",
    );
    console.log(`database ${rows[0]?.size}`);
    const { child, url: central } = await startServer([data, url.href]);
    try {
      const pids = async (): Promise<number[]> =>
        (
          await client.query<{ pid: number }>(
            'select pid from pg_stat_activity where pid != pg_backend_pid()',
          )
        ).rows.map(({ pid }) => pid);
      for (const path of Object.values(CALLS)) await (await fetch(central + path)).text();
      await Promise.all(
        Array.from({ length: CONCURRENT }, () =>
          fetch(central + (CALLS['a common word'] ?? '')).then(response => response.text()),
        ),
      );
      const servers = await pids();
      const cpuMs = (): number => [child.pid ?? 0, ...servers].reduce((sum, pid) => sum + readCpuMs(pid), 0);
      return await measureAll('postgres', { url: central, cpuMs });
    } finally {
      await stopProcess(child);
    }
  } finally {
    await client.end();
    await postgres.stop();
  }
}

export async function run(): Promise<unknown> {
  const kept = process.env.BENCH_DIRECTORY;
  const directory = kept ?? mkdtempSync(join(tmpdir(), 'bench-catalogue-'));
  mkdirSync(directory, { recursive: true });
  try {
    const ratios: Record<string, number> = {};
    if (ENGINES.includes('sqlite')) Object.assign(ratios, await runSqlite(directory));
    if (ENGINES.includes('postgres')) Object.assign(ratios, await runPostgres(directory));
    return { bench: 'catalogue', videos: VIDEOS, ratios };
  } finally {
    if (kept === undefined) rmSync(directory, { recursive: true, force: true });
  }
}
