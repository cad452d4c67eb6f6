/**
 * npm run bench -- publish: measures the time from the commit of a record at its site to its registration at a tracker, with
 * a real central on a real, durable PostgreSQL, a real tracker's feed and registry, and a thousand sites that implement the
 * real protocol over HTTP. In the idle phase, one record is published at a time. In the burst, every site publishes a hundred
 * records at once; the rate is compared with the rate of the same rows as plain multi-row upserts into the same PostgreSQL.
 *
 * TRIBUTARY_BENCH_SITES, TRIBUTARY_BENCH_RECORDS and TRIBUTARY_BENCH_REST change the size.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, Worker } from 'node:worker_threads';
import pg from 'pg';
import { createLifetime, type Lifetime } from '../src/kernel/lifecycle/lifetime.ts';
import { silentLog } from '../src/kernel/log.ts';
import { readIdentity } from '../src/kernel/membership/member.ts';
import { newSiteId, newVideoId } from '../src/protocol/base/ids.ts';
import { trackerConfigSchema } from '../src/tracker/config.ts';
import { Registry } from '../src/tracker/registry/registry.ts';
import { followFeed } from '../src/tracker/sync/feed.ts';
import { freePort } from '../test/support/free-port.ts';
import { startPostgres } from '../test/support/postgres/server.ts';
import {
  exampleRecord,
  hostOf,
  type SitesEvent,
  type SitesRequest,
  type SitesSetup,
  serveSites,
} from './publish/sites.ts';
import { type Cpu, perItem, readCpu, readLive, readResident } from './publish/usage.ts';

const SITES = Number(process.env.TRIBUTARY_BENCH_SITES ?? 1_000);
const RECORDS = Number(process.env.TRIBUTARY_BENCH_RECORDS ?? 100);
const IDLE_RECORDS = Number(process.env.TRIBUTARY_BENCH_REST ?? 300);
const TOKEN = 'operator-token-of-the-benchmark';
const IDLE_GAP_MS = 20;
const UPSERT_ROWS = 500;
/** The goal in the idle phase. */
const GOAL_P99_MS = 250;
const BURST_LIMIT_MS = 300_000;
const START_MS = 60_000;
const PUBLISH_MS = 30_000;

if (!isMainThread) await serveSites();

/** The thread that simulates the sites. */
interface Sites {
  next<Kind extends SitesEvent['kind']>(kind: Kind): Promise<Extract<SitesEvent, { kind: Kind }>>;
  send(request: SitesRequest): void;
  stop(): Promise<unknown>;
}

function startSites(setup: SitesSetup): Sites {
  const worker = new Worker(new URL(import.meta.url), { workerData: setup });
  const waiting: { kind: string; resolve: (event: SitesEvent) => void }[] = [];
  worker.on('message', (event: SitesEvent) => {
    const index = waiting.findIndex(({ kind }) => kind === event.kind);
    if (index !== -1) waiting.splice(index, 1)[0]?.resolve(event);
  });
  return {
    next: <Kind extends SitesEvent['kind']>(kind: Kind) =>
      new Promise<Extract<SitesEvent, { kind: Kind }>>(resolve => {
        waiting.push({ kind, resolve: resolve as (event: SitesEvent) => void });
      }),
    send: request => worker.postMessage(request),
    stop: () => worker.terminate(),
  };
}

/** Starts central as a process that reports its memory on request. */
function startCentral(directory: string, port: number, databaseUrl: string): ChildProcess {
  const config = join(directory, 'central.toml');
  writeFileSync(
    config,
    `[central]\nlisten = "127.0.0.1:${port}"\ndataDirectory = "${directory}/central"\ndatabase = "${databaseUrl}"\noperatorToken = "${TOKEN}"\nlogLevel = "error"\n`,
  );
  const profile = process.env.TRIBUTARY_BENCH_PROFILE
    ? ['--cpu-prof', '--cpu-prof-dir', process.env.TRIBUTARY_BENCH_PROFILE]
    : [];
  const memory = ['--expose-gc', '--import', resolve('bench/publish/memory.mjs')];
  return spawn(
    process.execPath,
    [...profile, ...memory, 'dist/tributary.js', 'central', '--config', config],
    { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  );
}

export async function run() {
  const directory = mkdtempSync(join(tmpdir(), 'tributary-bench-publish-'));
  const postgres = await startPostgres({ isDurable: true });
  const port = await freePort();
  const centralUrl = `http://127.0.0.1:${port}`;
  mkdirSync(join(directory, 'keys'));
  const central = startCentral(directory, port, postgres.url);
  const ended = new Promise(resolve => central.once('exit', resolve));
  const sites = startSites({ centralUrl, sites: SITES, directory: join(directory, 'keys') });
  const lifetime = createLifetime(silentLog);
  try {
    const { port: sitesPort } = await sites.next('listening');
    await until(async () => (await fetch(`${centralUrl}/readyz`)).ok, START_MS);
    await joinSites(sites, centralUrl, sitesPort);
    const registrations = await followRegistrations(centralUrl, directory, lifetime);
    await sleep(1_000);
    const idleMs = await measureIdle(sites, registrations);
    const burst = await measureBurst({ sites, registrations, central, postgresUrl: postgres.url });
    const upsertRate = await measureUpserts(postgres.url, SITES * RECORDS);
    return report(idleMs, burst, upsertRate, registrations);
  } finally {
    await lifetime.stop();
    await sites.stop();
    central.kill('SIGTERM');
    await ended;
    await postgres.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function joinSites(sites: Sites, centralUrl: string, sitesPort: number): Promise<void> {
  for (let site = 0; site < SITES; site++) {
    const invitation = await invite(centralUrl, 'sites', {
      name: `Site ${site}`,
      baseUrl: `http://${hostOf(site)}:${sitesPort}`,
    });
    const { id } = invitation.site as { id: string };
    const joined = sites.next('joined');
    sites.send({ kind: 'join', site, id, joinToken: invitation.joinToken });
    await joined;
  }
}

/** The registrations that the tracker's feed has delivered. */
interface Registrations {
  /** Milliseconds since the epoch at which each video was registered. */
  readonly atMs: Map<string, number>;
  duplicated: number;
  outOfOrder: number;
}

/** Starts a real tracker's feed and registry, and notes the time of each registration. */
async function followRegistrations(
  centralUrl: string,
  directory: string,
  lifetime: Lifetime,
): Promise<Registrations> {
  const registrations: Registrations = { atMs: new Map(), duplicated: 0, outOfOrder: 0 };
  const lastVersion = new Map<string, number>();
  const baseUrl = 'http://127.0.0.1:9';
  const config = trackerConfigSchema.parse({
    listen: '127.0.0.1:0',
    baseUrl,
    central: centralUrl,
    dataDirectory: join(directory, 'tracker'),
    operatorToken: TOKEN,
    joinToken: (await invite(centralUrl, 'trackers', { name: 'Tracker', baseUrl })).joinToken,
  });
  const feed = await followFeed(
    {
      config,
      identity: await readIdentity(config.dataDirectory),
      registry: new Registry(),
      onSites: () => {},
      onPage(changes) {
        const nowMs = performance.timeOrigin + performance.now();
        for (const change of changes) {
          if (change.kind !== 'video') continue;
          if (registrations.atMs.has(change.video)) registrations.duplicated++;
          registrations.atMs.set(change.video, nowMs);
          if (change.version <= (lastVersion.get(change.site) ?? 0)) registrations.outOfOrder++;
          lastVersion.set(change.site, change.version);
        }
      },
      log: silentLog,
    },
    lifetime,
  );
  await until(() => feed.connected() && feed.position() > 0, START_MS);
  return registrations;
}

async function publish(sites: Sites, which: readonly number[], records: number) {
  const published = sites.next('published');
  sites.send({ kind: 'publish', sites: which, records });
  return published;
}

/** @returns the milliseconds from commit to registration of each record, published one at a time */
async function measureIdle(sites: Sites, { atMs: registeredAt }: Registrations): Promise<readonly number[]> {
  const latencies: number[] = [];
  for (let count = 0; count < IDLE_RECORDS; count++) {
    const { videos, atMs } = await publish(sites, [(count * 37) % SITES], 1);
    const [video = ''] = videos;
    await until(() => registeredAt.has(video), PUBLISH_MS);
    latencies.push((registeredAt.get(video) ?? 0) - atMs);
    await sleep(IDLE_GAP_MS);
  }
  return latencies;
}

interface Burst {
  readonly latenciesMs: readonly number[];
  /** The unpublished and published records of all sites at the end. */
  readonly left: Extract<SitesEvent, { kind: 'counted' }>;
  readonly cpuUs: Cpu;
  readonly memoryMb: BurstMemory;
}

/**
 * Central's memory in MB. It is stable if the peak of the second half of the burst does not exceed that of the first half,
 * and the live memory after the burst does not exceed that before it.
 */
interface BurstMemory {
  readonly residentBefore: number;
  readonly residentFirstHalf: number;
  readonly residentSecondHalf: number;
  readonly liveBefore: number;
  readonly liveAtHalf: number;
  readonly liveAfter: number;
}

async function measureBurst({
  sites,
  registrations,
  central,
  postgresUrl,
}: {
  readonly sites: Sites;
  readonly registrations: Registrations;
  readonly central: ChildProcess;
  readonly postgresUrl: string;
}): Promise<Burst> {
  const registeredAt = registrations.atMs;
  const liveBefore = await readLive(central);
  const residentBefore = readResident(central);
  const all = Array.from({ length: SITES }, (_, site) => site);
  const { videos, atMs } = await publish(sites, all, RECORDS);
  // The CPU time counts from here, without the preparation of the records at the sites.
  const cpuBefore = await readCpu(central, postgresUrl);
  /** Waits for a number of registrations. @returns the peak of central's resident memory meanwhile */
  const readPeak = async (registered: number): Promise<number> => {
    let peak = 0;
    await until(
      () => {
        peak = Math.max(peak, readResident(central));
        return registeredAt.size >= registered;
      },
      BURST_LIMIT_MS,
      50,
    );
    return peak;
  };
  const residentFirstHalf = await readPeak(IDLE_RECORDS + videos.length / 2);
  const liveAtHalf = readLive(central);
  const residentSecondHalf = await readPeak(IDLE_RECORDS + videos.length);
  const cpuUs = perItem(cpuBefore, await readCpu(central, postgresUrl), videos.length);
  const left = await until(async () => {
    const counted = sites.next('counted');
    sites.send({ kind: 'count' });
    const state = await counted;
    return state.unpublished === 0 ? state : undefined;
  }, PUBLISH_MS);
  return {
    latenciesMs: videos.map(video => (registeredAt.get(video) ?? 0) - atMs),
    left,
    cpuUs,
    memoryMb: {
      residentBefore: mb(residentBefore),
      residentFirstHalf: mb(residentFirstHalf),
      residentSecondHalf: mb(residentSecondHalf),
      liveBefore: mb(liveBefore),
      liveAtHalf: mb(await liveAtHalf),
      liveAfter: mb(await readLive(central)),
    },
  };
}

/** Prints the table. @throws Error if a record was lost, duplicated or registered out of order */
function report(
  idleMs: readonly number[],
  { latenciesMs, left, cpuUs, memoryMb }: Burst,
  upsertRate: number,
  { atMs, duplicated, outOfOrder }: Registrations,
) {
  const published = IDLE_RECORDS + latenciesMs.length;
  const burstMs = Math.max(...latenciesMs);
  const burstRate = (latenciesMs.length / burstMs) * 1_000;
  const lost = published - atMs.size;
  const table = [
    ['', 'p50', 'p99', 'rate'],
    ['idle, commit to registration', ms(percentile(idleMs, 50)), ms(percentile(idleMs, 99)), ''],
    [
      `burst of ${SITES} sites × ${RECORDS} records`,
      ms(percentile(latenciesMs, 50)),
      ms(percentile(latenciesMs, 99)),
      `${Math.round(burstRate)} records/s`,
    ],
    ['the same rows as plain upserts', '', '', `${Math.round(upsertRate)} rows/s`],
  ];
  for (const [first = '', ...others] of table) {
    console.log(first.padEnd(42) + others.map(cell => cell.padStart(18)).join(''));
  }
  console.log(
    `lost ${lost}, duplicated ${duplicated}, out of order ${outOfOrder}, unpublished ${left.unpublished}; ` +
      `central's resident memory: ${memoryMb.residentBefore} MB before the burst, peaks of ${memoryMb.residentFirstHalf} and ${memoryMb.residentSecondHalf} MB in its halves; ` +
      `live memory: ${memoryMb.liveBefore} MB before, ${memoryMb.liveAtHalf} MB in the middle, ${memoryMb.liveAfter} MB after`,
  );
  const cpu = Object.entries(cpuUs).map(([part, us]) => [part, Math.round(us)] as const);
  console.log(`CPU time per record: ${cpu.map(([part, us]) => `${part} ${us} µs`).join(', ')}`);
  if (lost !== 0 || duplicated !== 0 || outOfOrder !== 0 || left.published !== published) {
    throw new Error('Records were lost, duplicated or out of order.');
  }
  return {
    bench: 'publish',
    ratios: {
      'burst / plain upserts': round(burstRate / upsertRate),
      '250 ms / p99 at rest': round(GOAL_P99_MS / percentile(idleMs, 99)),
    },
    restMs: { p50: round(percentile(idleMs, 50)), p99: round(percentile(idleMs, 99)) },
    burstMs: {
      p50: round(percentile(latenciesMs, 50)),
      p99: round(percentile(latenciesMs, 99)),
      all: round(burstMs),
    },
    cpuUsPerRecord: Object.fromEntries(cpu),
    recordsPerSecond: Math.round(burstRate),
    upsertRowsPerSecond: Math.round(upsertRate),
    memoryMb,
  };
}

/** Measures the limit: rows like those of the catalogue, as multi-row upserts on one connection into a table like its table. */
async function measureUpserts(url: string, rows: number): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('create table plain_videos (like videos including all)');
    const site = newSiteId();
    let columns: readonly string[] = [];
    const statements: unknown[][] = [];
    for (let start = 0; start < rows; start += UPSERT_ROWS) {
      const values: unknown[] = [];
      for (let order = start; order < Math.min(rows, start + UPSERT_ROWS); order++) {
        const video = newVideoId();
        const body = JSON.stringify(exampleRecord(video, order + 1));
        const row = {
          site_id: site,
          video_id: video,
          version: order + 1,
          hash: 'a'.repeat(64),
          body,
          withdrawn: 0,
          published_at: Date.now(),
          position: order + 1,
          search_text: '第讲分布式流媒体 a lecture of two hours, recorded in the great hall; with slides.',
          title: '第讲分布式流媒体',
          kind: 'video',
          superseded_by: null,
          promoted: 0,
          private: 0,
        };
        columns = Object.keys(row);
        values.push(...Object.values(row));
      }
      statements.push(values);
    }
    const formatUpsert = (count: number): string => {
      const tuples = Array.from(
        { length: count },
        (_, row) => `(${columns.map((_, column) => `$${row * columns.length + column + 1}`).join(',')})`,
      );
      const updates = columns.map(column => `${column} = excluded.${column}`).join(', ');
      return `insert into plain_videos (${columns.join(',')}) values ${tuples.join(',')} on conflict (site_id, video_id) do update set ${updates} where excluded.version > plain_videos.version`;
    };
    const startMs = performance.now();
    for (const values of statements) await client.query(formatUpsert(values.length / columns.length), values);
    return (rows / (performance.now() - startMs)) * 1_000;
  } finally {
    await client.end();
  }
}

async function invite(
  centralUrl: string,
  role: 'sites' | 'trackers',
  body: unknown,
): Promise<{ readonly joinToken: string; readonly [key: string]: unknown }> {
  const response = await fetch(`${centralUrl}/api/${role}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`);
  return (await response.json()) as { joinToken: string };
}

/** Repeats `read` until its result is truthy. @throws Error if that takes longer than `withinMs` */
async function until<T>(
  read: () => T | undefined | false | Promise<T | undefined | false>,
  withinMs: number,
  everyMs = 2,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = await Promise.resolve(read()).catch(() => undefined);
    if (found) return found;
    if (performance.now() > deadline) throw new Error('The expected state was not reached in time.');
    await sleep(everyMs);
  }
}

function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil((sorted.length * percent) / 100) - 1)] ?? 0;
}

const ms = (value: number): string => `${value.toFixed(1)} ms`;
const mb = (bytes: number): number => Math.round(bytes / 2 ** 20);
const round = (value: number): number => Math.round(value * 100) / 100;
