/**
 * Measures the calls of the studio at 50,000 videos and 10,000 jobs, with the embedded database: CPU time and time to the response of each
 * call, the longest time for which the process answers nothing else, and what an idle open page costs.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAccessGuard } from '../src/kernel/access/access.ts';
import { BREAK_GLASS } from '../src/kernel/access/authority.ts';
import { createHttp } from '../src/kernel/http/server.ts';
import { silentLog } from '../src/kernel/log.ts';
import { openDatabase } from '../src/kernel/sql/sql.ts';
import { claimStep } from '../src/site/database/jobs.ts';
import { type SiteSchema, siteMigrations } from '../src/site/database/tables/schema.ts';
import { serveJobs } from '../src/site/http/studio/jobs.ts';
import { serveChanges } from '../src/site/http/studio/lists/changes.ts';
import { serveLists } from '../src/site/http/studio/lists/list-videos.ts';
import { watchStudio } from '../src/site/http/studio/lists/watch-changes.ts';
import { createStorage } from '../src/site/media/storage/storage.ts';
import { insertStudioRows, ownerId } from '../test/support/studio-rows.ts';

const VIDEOS = 50_000;
const JOBS = 10_000;
const RUNS = 100;
const IDLE_S = Number(process.env.BENCH_SECONDS ?? 60);
const WAIT_S = 12;
/** The targets: milliseconds to a response, and without an answer to anybody else. */
const TARGET_MS = 100;
const TARGET_HELD_MS = 20;

const CALLS: Readonly<Record<string, string>> = {
  'first page': '/api/videos?limit=50',
  'by name': '/api/videos?limit=50&order=name',
  'longest first': '/api/videos?limit=50&order=longest',
  'failures first': '/api/videos?limit=50&order=state',
  'state=failed, by name': '/api/videos?limit=50&order=name&state=failed',
  'state=ready, by size': '/api/videos?limit=50&order=largest&state=ready',
  'with captions, private': '/api/videos?limit=50&audience=private&captions=true',
  'one series, by name': '/api/videos?limit=50&order=name&series=series-3',
  'one owner': `/api/videos?limit=50&owner=${ownerId(7)}`,
  'search, common word': '/api/videos?limit=50&q=physics',
  'search, rare word': '/api/videos?limit=50&q=49999',
  'search, nothing': '/api/videos?limit=50&q=nosuchword',
  '2,000 ids': '/api/video-ids',
  jobs: '/api/jobs',
};

interface Measured {
  readonly cpuMs: number;
  readonly p99Ms: number;
  readonly heldMs: number;
}

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

async function measure(work: () => Promise<unknown>): Promise<Measured> {
  for (let run = 0; run < 5; run++) await work();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const times: number[] = [];
  const cpu = cpuMs();
  for (let run = 0; run < RUNS; run++) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
    await sleep(1);
  }
  delay.disable();
  times.sort((a, b) => a - b);
  return {
    cpuMs: (cpuMs() - cpu) / RUNS,
    p99Ms: times[Math.floor(times.length * 0.99) - 1] ?? 0,
    heldMs: delay.percentile(99) / 1e6,
  };
}

/** What one open page sends and receives while nothing changes, with the time that the process needs. */
async function measureIdle(
  port: number,
  cursor: number,
): Promise<{ readonly bytes: number; readonly cpu: number }> {
  const cpu = cpuMs();
  const endMs = performance.now() + IDLE_S * 1_000;
  let bytes = 0;
  const socket = connect(port, '127.0.0.1');
  socket.on('data', chunk => {
    bytes += chunk.length;
    if (chunk.includes('"removed":[]')) ask();
  });
  const ask = (): void => {
    const request = `GET /api/changes?since=${cursor}&waitS=${WAIT_S} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncookie: session=${'x'.repeat(60)}\r\naccept: application/json\r\nuser-agent: ${'x'.repeat(110)}\r\n\r\n`;
    bytes += request.length;
    socket.write(request);
  };
  ask();
  await sleep(endMs - performance.now());
  socket.destroy();
  return { bytes: (bytes * 60) / IDLE_S, cpu: (cpuMs() - cpu) / (IDLE_S * 1_000) };
}

export interface StudioBench {
  readonly bench: 'studio';
  /** The target divided by the measured value: 1 or more is within it. */
  readonly ratios: Readonly<Record<string, number>>;
}

export async function run(): Promise<StudioBench> {
  const directory = await mkdtemp(join(tmpdir(), 'tributary-bench-'));
  const db = await openDatabase<SiteSchema>(join(directory, 'site.sqlite'), siteMigrations);
  await insertStudioRows(db, { videos: VIDEOS, jobs: JOBS });
  const { app } = await createHttp({ part: 'site', log: silentLog, ready: () => undefined });
  const watch = watchStudio(db, silentLog);
  const deps = {
    ...{
      db,
      watch,
      siteId: () => undefined,
      storage: createStorage(directory),
      sourceAddress: '192.0.2.1:80',
    },
    guard: createAccessGuard({ authenticate: async () => BREAK_GLASS }),
    tokens: { forStudio: () => 'x'.repeat(40) },
    note: async () => {},
    onJob: () => {},
    onRecord: () => {},
  };
  serveLists(app, deps);
  serveChanges(app, deps);
  serveJobs(app, deps);
  await app.listen({ host: '127.0.0.1', port: 0 });
  const ratios: Record<string, number> = {};
  console.log(
    `${VIDEOS} videos, ${JOBS} jobs\n\n| call | CPU | p99 | nothing else is answered for | response |\n| --- | --- | --- | --- | --- |`,
  );
  const report = (name: string, { cpuMs, p99Ms, heldMs }: Measured, bytes?: number): void => {
    console.log(
      `| ${name} | ${cpuMs.toFixed(1)} ms | ${p99Ms.toFixed(0)} ms | ${heldMs.toFixed(0)} ms | ${bytes === undefined ? '' : `${(bytes / 1_000).toFixed(0)} KB`} |`,
    );
    ratios[name] = Math.round((100 * TARGET_MS) / p99Ms) / 100;
    ratios[`${name}, held`] = Math.round((100 * TARGET_HELD_MS) / heldMs) / 100;
  };
  for (const [name, url] of Object.entries(CALLS)) {
    let bytes = 0;
    const measured = await measure(async () => {
      const { statusCode, rawPayload } = await app.inject({ url });
      if (statusCode !== 200) throw new Error(`${url}: ${statusCode} ${rawPayload}`);
      bytes = rawPayload.length;
    });
    report(name, measured, bytes);
  }
  report(
    'claim a step, 1,000 jobs wait',
    await measure(() =>
      claimStep(db, { owner: 'bench', can: () => false, nowMs: Date.now() }, async () => {}),
    ),
  );
  const { cursor } = (await app.inject({ url: '/api/changes' })).json<{ cursor: number }>();
  const { bytes, cpu } = await measureIdle((app.server.address() as AddressInfo).port, cursor);
  console.log(
    `\nAn idle open page: ${(bytes / 1_000).toFixed(1)} KB a minute in both directions, ${(cpu * 100).toFixed(2)} % of a core`,
  );
  ratios['idle bytes'] = Math.round(2_000_000 / bytes) / 100;
  ratios['idle core'] = Math.round(1 / cpu) / 100;
  await watch.stop();
  await app.close();
  await db.destroy();
  await rm(directory, { recursive: true, force: true });
  return { bench: 'studio', ratios };
}
