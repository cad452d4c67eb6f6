/**
 * How many play requests the tracker answers on one core, each for another video and another viewer, against nginx and bare
 * node:http that answer the same bytes and decide nothing; how long a decision takes; and what ten million videos cost in
 * memory and at a restart.
 */
import { type ChildProcess, execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bundle } from './peers/bundle.ts';
import { createLoad, type Result } from './peers/load.ts';
import {
  findChild,
  findPort,
  median,
  mediansOf,
  pidOf,
  readCpuMs,
  readFirstLine,
  readMachineCpuMs,
  requireTools,
  startOnServerCore,
  stopProcess,
  waitFor,
} from './peers/process.ts';

const RUNS = Number(process.env.BENCH_RUNS ?? 7);
const RUN_SECONDS = Number(process.env.BENCH_SECONDS ?? 2);
const WARM_UP_SECONDS = 1;
/** Beyond this share of the machine in other hands, throughput says more about them than about us. */
const QUIET_SHARE = 0.05;

const VIDEOS = Number(process.env.BENCH_VIDEOS ?? 1_000_000);
const MANY_VIDEOS = Number(process.env.BENCH_MANY_VIDEOS ?? 10_000_000);
/** In 1,000 zones and 50,000 prefixes. */
const CLIENTS = 500_000;
const FILL_MS = 600_000;
const GOAL_BYTES = 2 * 2 ** 30;
const GOAL_DECISION_US = 100;
const GOAL_SECONDS_A_MILLION = 1;

/** The numbers of `choose/filled.ts`. */
const requests = `
local zones, videos, clients = 1000, ${VIDEOS}, ${CLIENTS}
math.randomseed(42)
request = function()
  local v, c = math.random(0, videos - 1), math.random(0, clients - 1)
  local zone, rest = c % zones, math.floor(c / zones)
  return wrk.format("GET", string.format("/play/%08x-0001-7000-8000-%012x?client=10.%d.%d.%d", v, v,
    math.floor(zone / 4), (zone % 4) * 64 + rest % 50, 1 + math.floor(rest / 50) % 200))
end
`;

const nginxConfig = (directory: string, port: number): string => `
daemon off; worker_processes 1; pid ${directory}/nginx.pid; error_log ${directory}/error.log;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; open_file_cache max=16;
  client_body_temp_path ${directory}/temp; proxy_temp_path ${directory}/temp; fastcgi_temp_path ${directory}/temp;
  uwsgi_temp_path ${directory}/temp; scgi_temp_path ${directory}/temp; default_type application/json;
  server { listen 127.0.0.1:${port}; root ${directory}/files; location / { rewrite ^ /answer.json break; } }
}
`;

interface Row extends Result {
  readonly server: string;
}
interface Filled {
  readonly rssBytes: number;
  readonly bytesAVideo: number;
  readonly changesPerSecond: number;
  readonly writeSeconds: number;
  readonly longestPauseMs: number;
  readonly snapshotBytes: number;
}
interface Ready {
  readonly port: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly rssBytes: number;
  readonly sample: string;
}

export interface ChooseBench {
  readonly bench: 'choose';
  /** Requests answered a second against the peers' (median of neighbouring runs); goals by what was measured. */
  readonly ratios: Readonly<Record<string, number>>;
  /** CPU time of the peer for a request by ours: more is better, and other processes hardly change it. */
  readonly cpuRatios: Readonly<Record<string, number>>;
  readonly rows: readonly Row[];
  readonly decision: { readonly p50Us: number; readonly p99Us: number };
  readonly videos: number;
  readonly manyVideos: number;
  readonly registry: Filled & { readonly readSeconds: number; readonly restartedRssBytes: number };
  readonly runs: number;
  readonly othersShare: number;
}

/** Fills a registry in one process and reads its snapshot in another, as a restart does. */
async function measureRegistry(directory: string): Promise<ChooseBench['registry']> {
  const entry = await bundle(directory, 'bench/choose/registry.ts');
  const path = join(directory, 'registry.snapshot');
  const run = async (args: readonly string[]): Promise<unknown> => {
    const { stdout } = await promisify(execFile)(process.execPath, [entry, ...args], { timeout: FILL_MS });
    return JSON.parse(stdout);
  };
  const filled = (await run(['fill', path, String(MANY_VIDEOS)])) as Filled;
  const read = (await run(['read', path])) as { readSeconds: number; videos: number; rssBytes: number };
  if (read.videos !== MANY_VIDEOS) throw new Error(`${read.videos} of ${MANY_VIDEOS} videos came back`);
  rmSync(path);
  return { ...filled, readSeconds: read.readSeconds, restartedRssBytes: read.rssBytes };
}

const round = (value: number): number => Number(value.toPrecision(3));

export async function run(): Promise<ChooseBench> {
  requireTools({ nginx: 'nginx', wrk: 'wrk', taskset: 'util-linux' });
  const directory = mkdtempSync(join(tmpdir(), 'tributary-bench-choose-'));
  const children: ChildProcess[] = [];
  try {
    chmodSync(directory, 0o755);
    const load = createLoad(directory, requests);

    const server = startOnServerCore(process.execPath, [
      await bundle(directory, 'bench/choose/server.ts'),
      String(VIDEOS),
      String(CLIENTS),
    ]);
    children.push(server);
    const { sample, ...ready } = JSON.parse(await readFirstLine(server, FILL_MS)) as Ready;
    const bodyBytes = Buffer.byteLength(sample);
    const ours = { url: `http://127.0.0.1:${ready.port}/`, pid: pidOf(server), bodyBytes };

    const answer = join(directory, 'answer.json');
    writeFileSync(answer, sample);
    const bareServer = startOnServerCore(process.execPath, [
      await bundle(directory, 'bench/choose/bare.ts'),
      answer,
    ]);
    children.push(bareServer);
    const bare = {
      url: `http://127.0.0.1:${await readFirstLine(bareServer)}/`,
      pid: pidOf(bareServer),
      bodyBytes,
    };

    const port = await findPort();
    const config = join(directory, 'nginx.conf');
    writeFileSync(config, nginxConfig(directory, port).replace(`${directory}/files`, directory));
    const master = startOnServerCore('nginx', ['-p', directory, '-c', config]);
    children.push(master);
    await waitFor(`http://127.0.0.1:${port}/play/x`);
    const nginx = { url: `http://127.0.0.1:${port}/`, pid: findChild(pidOf(master)), bodyBytes };

    const oursMs = (): number => {
      const self = readCpuMs('self');
      return (
        self.own + self.children + [ours, bare, nginx].reduce((sum, { pid }) => sum + readCpuMs(pid).own, 0)
      );
    };
    for (const target of [nginx, bare, ours]) load(target, WARM_UP_SECONDS);
    const before = { machineMs: readMachineCpuMs(), oursMs: oursMs(), atMs: performance.now() };
    const sets = Array.from({ length: RUNS }, () => ({
      nginx: load(nginx, RUN_SECONDS),
      ours: load(ours, RUN_SECONDS),
      bare: load(bare, RUN_SECONDS),
    }));
    const othersMs = readMachineCpuMs() - before.machineMs - (oursMs() - before.oursMs);
    const othersShare = Math.max(
      0,
      round(othersMs / ((performance.now() - before.atMs) * availableParallelism())),
    );
    await Promise.all(children.map(stopProcess));

    const rows: readonly Row[] = [
      { server: 'nginx, static', ...mediansOf(sets.map(set => set.nginx)) },
      { server: 'bare node:http', ...mediansOf(sets.map(set => set.bare)) },
      { server: 'tributary', ...mediansOf(sets.map(set => set.ours)) },
    ];
    console.log(['server'.padEnd(16), 'requests/s', 'p99 ms', 'CPU µs/req'].join('  '));
    for (const { server: name, requestsPerSecond, p99Ms, cpuUsPerRequest } of rows) {
      console.log(
        [
          name.padEnd(16),
          requestsPerSecond.toFixed(0).padStart(10),
          p99Ms.toFixed(1).padStart(6),
          cpuUsPerRequest.toFixed(1).padStart(10),
        ].join('  '),
      );
    }
    const registry = await measureRegistry(directory);
    const readAMillion = (registry.readSeconds * 1e6) / MANY_VIDEOS;
    console.log(
      `decision: p50 ${ready.p50Us.toFixed(1)} µs, p99 ${ready.p99Us.toFixed(1)} µs, among ${VIDEOS} videos; an answer has ${bodyBytes} bytes
${MANY_VIDEOS} videos with 4 copies: ${(registry.rssBytes / 2 ** 30).toFixed(2)} GiB resident (${(registry.restartedRssBytes / 2 ** 30).toFixed(2)} GiB after a restart), ${registry.bytesAVideo.toFixed(0)} bytes a video
snapshot: written in ${registry.writeSeconds.toFixed(1)} s with pauses of ${registry.longestPauseMs.toFixed(0)} ms at most, read in ${readAMillion.toFixed(2)} s a million`,
    );
    if (othersShare > QUIET_SHARE) {
      console.log(
        `Other processes used ${(100 * othersShare).toFixed(0)} % of this machine meanwhile: believe the CPU time, not the throughput.`,
      );
    }
    const ratioTo = (peer: 'nginx' | 'bare'): number =>
      round(median(sets.map(set => set.ours.requestsPerSecond / set[peer].requestsPerSecond)));
    const cpuOf = (which: 'nginx' | 'bare' | 'ours'): number =>
      mediansOf(sets.map(set => set[which])).cpuUsPerRequest;
    return {
      bench: 'choose',
      ratios: {
        'requests/node-http': ratioTo('bare'),
        'requests/nginx': ratioTo('nginx'),
        'decision-p99/100us': round(GOAL_DECISION_US / ready.p99Us),
        'memory/2GiB': round(GOAL_BYTES / registry.rssBytes),
        'restart/1s-a-million': round(GOAL_SECONDS_A_MILLION / readAMillion),
      },
      cpuRatios: {
        'requests/node-http': round(cpuOf('bare') / cpuOf('ours')),
        'requests/nginx': round(cpuOf('nginx') / cpuOf('ours')),
      },
      rows,
      decision: { p50Us: ready.p50Us, p99Us: ready.p99Us },
      videos: VIDEOS,
      manyVideos: MANY_VIDEOS,
      registry,
      runs: RUNS,
      othersShare,
    };
  } finally {
    await Promise.all(children.map(stopProcess));
    rmSync(directory, { recursive: true, force: true });
  }
}
