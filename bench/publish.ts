/**
 * npm run bench -- publish: from the commit of a record at its site to its registration at a tracker. A real central on a
 * real, durable PostgreSQL; a real tracker's feed and registry; a thousand sites that speak the real protocol over HTTP.
 * At rest: one record at a time. The burst: every site publishes a hundred at once; its rate is set against the rate at
 * which the same rows go into the same PostgreSQL by multi-row upserts alone.
 *
 * TRIBUTARY_BENCH_SITES, TRIBUTARY_BENCH_RECORDS, TRIBUTARY_BENCH_REST make it smaller or larger.
 */

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, Worker } from 'node:worker_threads';
import pg from 'pg';
import { readIdentity } from '../src/kernel/identity/member.ts';
import { createLifetime } from '../src/kernel/lifecycle/lifetime.ts';
import { silentLog } from '../src/kernel/log.ts';
import { newSiteId, newVideoId } from '../src/protocol/ids.ts';
import { trackerConfigSchema } from '../src/tracker/config.ts';
import { Registry } from '../src/tracker/registry/registry.ts';
import { followFeed } from '../src/tracker/sync/feed.ts';
import { freePort } from '../test/support/free-port.ts';
import { startPostgres } from '../test/support/postgres/server.ts';
import {
  exampleRecord,
  hostOf,
  type SitesAnswer,
  type SitesOrder,
  type SitesRequest,
  serveSites,
} from './publish/sites.ts';
import { perItem, readCpu, readLive, readResident } from './publish/usage.ts';

const SITES = Number(process.env.TRIBUTARY_BENCH_SITES ?? 1_000);
const RECORDS = Number(process.env.TRIBUTARY_BENCH_RECORDS ?? 100);
const AT_REST = Number(process.env.TRIBUTARY_BENCH_REST ?? 300);
const TOKEN = 'operator-token-of-the-benchmark';
const REST_GAP_MS = 20;
const UPSERT_ROWS = 500;
/** The goal at rest. */
const GOAL_P99_MS = 250;
const BURST_LIMIT_MS = 300_000;

if (!isMainThread) await serveSites();

/** Sites in a thread of their own, asked one thing at a time. */
function startSites(order: SitesOrder) {
  const worker = new Worker(new URL(import.meta.url), { workerData: order });
  const waiting: { kind: string; resolve: (answer: SitesAnswer) => void }[] = [];
  worker.on('message', (answer: SitesAnswer) => {
    const index = waiting.findIndex(({ kind }) => kind === answer.kind);
    if (index !== -1) waiting.splice(index, 1)[0]?.resolve(answer);
  });
  const next = <Kind extends SitesAnswer['kind']>(kind: Kind) =>
    new Promise<Extract<SitesAnswer, { kind: Kind }>>(resolve => {
      waiting.push({ kind, resolve: resolve as (answer: SitesAnswer) => void });
    });
  return {
    next,
    ask: (request: SitesRequest) => worker.postMessage(request),
    stop: () => worker.terminate(),
  };
}

export async function run() {
  const directory = mkdtempSync(join(tmpdir(), 'tributary-bench-publish-'));
  const postgres = await startPostgres({ isDurable: true });
  const port = await freePort();
  const centralUrl = `http://127.0.0.1:${port}`;
  mkdirSync(join(directory, 'keys'));
  const config = join(directory, 'central.toml');
  writeFileSync(
    config,
    `[central]\nlisten = "127.0.0.1:${port}"\ndataDirectory = "${directory}/central"\ndatabase = "${postgres.url}"\noperatorToken = "${TOKEN}"\nlogLevel = "error"\n`,
  );
  const profile = process.env.TRIBUTARY_BENCH_PROFILE
    ? ['--cpu-prof', '--cpu-prof-dir', process.env.TRIBUTARY_BENCH_PROFILE]
    : [];
  const telling = ['--expose-gc', '--import', resolve('bench/publish/memory.mjs')];
  const central = spawn(
    process.execPath,
    [...profile, ...telling, 'dist/tributary.js', 'central', '--config', config],
    { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  );
  const ended = new Promise(resolve => central.once('exit', resolve));
  const sites = startSites({ centralUrl, sites: SITES, directory: join(directory, 'keys') });
  let stopFeed = async (): Promise<void> => {};
  try {
    const { port: sitesPort } = await sites.next('listening');
    await until(async () => (await fetch(`${centralUrl}/readyz`)).ok);
    for (let site = 0; site < SITES; site++) {
      const made = await invite(centralUrl, 'sites', {
        name: `Site ${site}`,
        baseUrl: `http://${hostOf(site)}:${sitesPort}`,
      });
      const joined = sites.next('joined');
      sites.ask({ kind: 'join', site, id: (made.site as { id: string }).id, joinToken: made.joinToken });
      await joined;
    }

    // A real tracker's feed and registry; when each video was registered is noted beside it.
    const registeredAt = new Map<string, number>();
    let outOfOrder = 0;
    let doubled = 0;
    const lastVersion = new Map<string, number>();
    const baseUrl = 'http://127.0.0.1:9';
    const trackerConfig = trackerConfigSchema.parse({
      listen: '127.0.0.1:0',
      baseUrl,
      central: centralUrl,
      dataDirectory: join(directory, 'tracker'),
      operatorToken: TOKEN,
      joinToken: (await invite(centralUrl, 'trackers', { name: 'Tracker', baseUrl })).joinToken,
    });
    const lifetime = createLifetime(silentLog);
    stopFeed = lifetime.stop;
    const feed = await followFeed(
      {
        config: trackerConfig,
        identity: await readIdentity(trackerConfig.dataDirectory),
        registry: new Registry(),
        onSites: () => {},
        onPage(changes) {
          const nowMs = performance.timeOrigin + performance.now();
          for (const change of changes) {
            if (change.kind !== 'video') continue;
            if (registeredAt.has(change.video)) doubled++;
            registeredAt.set(change.video, nowMs);
            if (change.version <= (lastVersion.get(change.site) ?? 0)) outOfOrder++;
            lastVersion.set(change.site, change.version);
          }
        },
        log: silentLog,
      },
      lifetime,
    );
    await until(() => feed.connected() && feed.position() > 0);
    await sleep(1_000);

    const publish = async (which: readonly number[], records: number) => {
      const published = sites.next('published');
      sites.ask({ kind: 'publish', sites: which, records });
      return published;
    };
    const rest: number[] = [];
    for (let count = 0; count < AT_REST; count++) {
      const { videos, atMs } = await publish([(count * 37) % SITES], 1);
      const [video = ''] = videos;
      await until(() => registeredAt.has(video), 30_000);
      rest.push((registeredAt.get(video) ?? 0) - atMs);
      await sleep(REST_GAP_MS);
    }

    const liveBefore = await readLive(central);
    const residentBefore = readResident(central);
    const all = Array.from({ length: SITES }, (_, site) => site);
    const { videos, atMs } = await publish(all, RECORDS);
    // From here on: what the sites wrote before is no part of the burst.
    const cpuBefore = await readCpu(central, postgres.url);
    // Flat: at its highest in the second half of the burst as in the first, and as much alive after it as before.
    const highest = async (registered: number): Promise<number> => {
      let resident = 0;
      await until(
        () => {
          resident = Math.max(resident, readResident(central));
          return registeredAt.size >= registered;
        },
        BURST_LIMIT_MS,
        50,
      );
      return resident;
    };
    const residentFirst = await highest(AT_REST + videos.length / 2);
    const liveAtHalf = readLive(central);
    const residentSecond = await highest(AT_REST + videos.length);
    const cpuUs = perItem(cpuBefore, await readCpu(central, postgres.url), videos.length);
    const latencies = videos.map(video => (registeredAt.get(video) ?? 0) - atMs);
    const burstMs = Math.max(...latencies);
    const left = await until(async () => {
      const answer = sites.next('left');
      sites.ask({ kind: 'left' });
      const state = await answer;
      return state.unpublished === 0 ? state : undefined;
    }, 30_000);

    const memoryMb = {
      residentBefore: mb(residentBefore),
      residentFirstHalf: mb(residentFirst),
      residentSecondHalf: mb(residentSecond),
      liveBefore: mb(liveBefore),
      liveAtHalf: mb(await liveAtHalf),
      liveAfter: mb(await readLive(central)),
    };
    const upsertRate = await measureUpserts(postgres.url, SITES * RECORDS);
    const burstRate = (videos.length / burstMs) * 1_000;
    const lost = AT_REST + videos.length - registeredAt.size;
    const table = [
      ['', 'p50', 'p99', 'rate'],
      ['at rest, commit to registered', ms(percentile(rest, 50)), ms(percentile(rest, 99)), ''],
      [
        `burst of ${SITES} sites × ${RECORDS} records`,
        ms(percentile(latencies, 50)),
        ms(percentile(latencies, 99)),
        `${Math.round(burstRate)} records/s`,
      ],
      ['the same rows by multi-row upsert alone', '', '', `${Math.round(upsertRate)} rows/s`],
    ];
    for (const [first = '', ...others] of table) {
      console.log(first.padEnd(42) + others.map(cell => cell.padStart(18)).join(''));
    }
    console.log(
      `lost ${lost}, doubled ${doubled}, out of order ${outOfOrder}, unpublished ${left.unpublished}; ` +
        `central's memory ${memoryMb.residentBefore} MB before the burst, ${memoryMb.residentFirstHalf} and ${memoryMb.residentSecondHalf} MB at its highest in the burst's halves; ` +
        `of it alive ${memoryMb.liveBefore} MB before, ${memoryMb.liveAtHalf} MB in the middle, ${memoryMb.liveAfter} MB after`,
    );
    console.log(
      `CPU time a record: ${Object.entries(cpuUs)
        .map(([part, us]) => `${part} ${Math.round(us)} µs`)
        .join(', ')}`,
    );
    if (lost !== 0 || doubled !== 0 || outOfOrder !== 0 || left.published !== AT_REST + videos.length) {
      throw new Error('Records were lost, doubled or out of order.');
    }
    return {
      bench: 'publish',
      ratios: {
        'burst / the same rows by upsert alone': round(burstRate / upsertRate),
        '250 ms / p99 at rest': round(GOAL_P99_MS / percentile(rest, 99)),
      },
      restMs: { p50: round(percentile(rest, 50)), p99: round(percentile(rest, 99)) },
      burstMs: {
        p50: round(percentile(latencies, 50)),
        p99: round(percentile(latencies, 99)),
        all: round(burstMs),
      },
      cpuUsPerRecord: Object.fromEntries(Object.entries(cpuUs).map(([part, us]) => [part, Math.round(us)])),
      recordsPerSecond: Math.round(burstRate),
      upsertRowsPerSecond: Math.round(upsertRate),
      memoryMb,
    };
  } finally {
    await stopFeed();
    await sites.stop();
    central.kill('SIGTERM');
    await ended;
    await postgres.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The limit: rows like those of the catalogue, by nothing but multi-row upserts on one connection, into a table like it. */
async function measureUpserts(url: string, rows: number): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('create table videos_alone (like videos including all)');
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
    const text = (count: number): string => {
      const places = Array.from(
        { length: count },
        (_, row) => `(${columns.map((_, column) => `$${row * columns.length + column + 1}`).join(',')})`,
      );
      const updates = columns.map(column => `${column} = excluded.${column}`).join(', ');
      return `insert into videos_alone (${columns.join(',')}) values ${places.join(',')} on conflict (site_id, video_id) do update set ${updates} where excluded.version > videos_alone.version`;
    };
    const startMs = performance.now();
    for (const values of statements) await client.query(text(values.length / columns.length), values);
    return (rows / (performance.now() - startMs)) * 1_000;
  } finally {
    await client.end();
  }
}

async function invite(
  centralUrl: string,
  what: 'sites' | 'trackers',
  body: unknown,
): Promise<{ readonly joinToken: string; readonly [key: string]: unknown }> {
  const response = await fetch(`${centralUrl}/api/${what}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`);
  return (await response.json()) as { joinToken: string };
}

async function until<T>(
  read: () => T | undefined | false | Promise<T | undefined | false>,
  withinMs = 60_000,
  everyMs = 2,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = await Promise.resolve(read()).catch(() => undefined);
    if (found) return found;
    if (performance.now() > deadline) throw new Error('It did not come to pass in time.');
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
