/**
 * Measures how many requests per second the tracker serves on one core, from players that start (each with another
 * video and another viewer) and from players during playback (each with another session), compared with nginx and bare
 * node:http, which send the same bytes without a decision. Also measures the duration of a decision, and the memory and
 * restart time of ten million videos.
 */
import { type ChildProcess, execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
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
  readFirstLine,
  requireTools,
  startOnServerCore,
  stopProcess,
  waitFor,
  warnIfBusy,
  watchOtherProcesses,
} from './peers/process.ts';

const RUNS = Number(process.env.BENCH_RUNS ?? 7);
const RUN_SECONDS = Number(process.env.BENCH_SECONDS ?? 2);
const WARM_UP_SECONDS = 1;

const VIDEOS = Number(process.env.BENCH_VIDEOS ?? 1_000_000);
const MANY_VIDEOS = Number(process.env.BENCH_MANY_VIDEOS ?? 10_000_000);
/** Clients in 1,000 zones and 50,000 prefixes. */
const CLIENTS = 500_000;
const FILL_MS = 600_000;
const GOAL_BYTES = 2 * 2 ** 30;
const GOAL_DECISION_US = 100;
const GOAL_SECONDS_A_MILLION = 1;

/** Uses the same numbers as `choose/filled.ts`. */
const playRequests = `
local zones, videos, clients = 1000, ${VIDEOS}, ${CLIENTS}
math.randomseed(42)
request = function()
  local v, c = math.random(0, videos - 1), math.random(0, clients - 1)
  local zone, rest = c % zones, math.floor(c / zones)
  return wrk.format("GET", string.format("/play/%08x-0001-7000-8000-%012x?client=10.%d.%d.%d", v, v,
    math.floor(zone / 4), (zone % 4) * 64 + rest % 50, 1 + math.floor(rest / 50) % 200))
end
`;

/** Reads one request per line. */
const steeringRequests = (path: string): string => `
local paths = {}
for line in io.lines("${path}") do paths[#paths + 1] = line end
math.randomseed(42)
request = function() return wrk.format("GET", paths[math.random(#paths)]) end
`;

const nginxConfig = (directory: string, port: number): string => `
daemon off; worker_processes 1; pid ${directory}/nginx.pid; error_log ${directory}/error.log;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; open_file_cache max=16;
  client_body_temp_path ${directory}/temp; proxy_temp_path ${directory}/temp; fastcgi_temp_path ${directory}/temp;
  uwsgi_temp_path ${directory}/temp; scgi_temp_path ${directory}/temp; default_type application/json;
  server { listen 127.0.0.1:${port}; root ${directory};
    location /play/ { rewrite ^ /play.json break; } location /steer/ { rewrite ^ /steering.json break; } }
}
`;

const KINDS = ['play', 'steering'] as const;
type Kind = (typeof KINDS)[number];

interface Row extends Result {
  readonly server: string;
  readonly kind: Kind;
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
  readonly samples: Readonly<Record<Kind, string>>;
}

export interface ChooseBench {
  readonly bench: 'choose';
  /** Requests per second relative to the peers (median of neighbouring runs), and goals relative to the measurements. */
  readonly ratios: Readonly<Record<string, number>>;
  /** CPU time per request of the peer divided by ours: higher is better, and other processes hardly affect it. */
  readonly cpuRatios: Readonly<Record<string, number>>;
  readonly rows: readonly Row[];
  readonly decision: { readonly p50Us: number; readonly p99Us: number };
  readonly videos: number;
  readonly manyVideos: number;
  readonly registry: Filled & { readonly readSeconds: number; readonly restartedRssBytes: number };
  readonly runs: number;
  readonly othersShare: number;
}

/** Fills a registry in one process and reads its snapshot in another one, like a restart. */
async function measureRegistry(directory: string): Promise<ChooseBench['registry']> {
  const entry = await bundle(directory, 'bench/choose/registry.ts');
  const path = join(directory, 'registry.snapshot');
  const run = async (args: readonly string[]): Promise<unknown> => {
    const { stdout } = await promisify(execFile)(process.execPath, [entry, ...args], { timeout: FILL_MS });
    return JSON.parse(stdout);
  };
  const filled = (await run(['fill', path, String(MANY_VIDEOS)])) as Filled;
  const read = (await run(['read', path])) as { readSeconds: number; videos: number; rssBytes: number };
  if (read.videos !== MANY_VIDEOS) throw new Error(`only ${read.videos} of ${MANY_VIDEOS} videos were read`);
  rmSync(path);
  return { ...filled, readSeconds: read.readSeconds, restartedRssBytes: read.rssBytes };
}

const round = (value: number): number => Number(value.toPrecision(3));

interface Address {
  readonly port: number;
  readonly pid: number;
}

/**
 * @param children receives every process as soon as it runs, so that the caller can stop it if a later one fails
 * @returns the servers, the first output of ours, and the file that has the requests of players during playback
 */
async function startServers(directory: string, children: ChildProcess[]) {
  chmodSync(directory, 0o755);
  const requestsFile = join(directory, 'steering-requests');
  const server = startOnServerCore(process.execPath, [
    await bundle(directory, 'bench/choose/server.ts'),
    ...[String(VIDEOS), String(CLIENTS), requestsFile],
  ]);
  children.push(server);
  const ready = JSON.parse(await readFirstLine(server, FILL_MS)) as Ready;
  const files = KINDS.map(kind => {
    const file = join(directory, `${kind}.json`);
    writeFileSync(file, ready.samples[kind]);
    return file;
  });

  const bareServer = startOnServerCore(process.execPath, [
    await bundle(directory, 'bench/choose/bare.ts'),
    ...files,
  ]);
  children.push(bareServer);
  const barePort = await readFirstLine(bareServer);

  const nginxPort = await findPort();
  const config = join(directory, 'nginx.conf');
  writeFileSync(config, nginxConfig(directory, nginxPort));
  const master = startOnServerCore('nginx', ['-p', directory, '-c', config]);
  children.push(master);
  await waitFor(`http://127.0.0.1:${nginxPort}/play/x`);
  const servers: Readonly<Record<'nginx' | 'ours' | 'bare', Address>> = {
    nginx: { port: nginxPort, pid: findChild(pidOf(master)) },
    ours: { port: ready.port, pid: pidOf(server) },
    bare: { port: Number(barePort), pid: pidOf(bareServer) },
  };
  return { servers, ready, requestsFile };
}

export async function run(): Promise<ChooseBench> {
  requireTools({ nginx: 'nginx', wrk: 'wrk', taskset: 'util-linux' });
  const directory = mkdtempSync(join(tmpdir(), 'tributary-bench-choose-'));
  const children: ChildProcess[] = [];
  try {
    const { servers, ready, requestsFile } = await startServers(directory, children);
    const { samples } = ready;
    const readOthersShare = watchOtherProcesses(Object.values(servers).map(({ pid }) => pid));
    const requests = { play: playRequests, steering: steeringRequests(requestsFile) };
    const measured = KINDS.map(kind => {
      const load = createLoad(directory, requests[kind]);
      const bodyBytes = Buffer.byteLength(samples[kind]);
      const measure = ({ port, pid }: Address, seconds: number): Result =>
        load(
          { url: `http://127.0.0.1:${port}/${kind === 'play' ? 'play' : 'steer'}/`, pid, bodyBytes },
          seconds,
        );
      for (const target of Object.values(servers)) measure(target, WARM_UP_SECONDS);
      const sets = Array.from({ length: RUNS }, () => ({
        nginx: measure(servers.nginx, RUN_SECONDS),
        ours: measure(servers.ours, RUN_SECONDS),
        bare: measure(servers.bare, RUN_SECONDS),
      }));
      return { kind, bodyBytes, sets };
    });
    const othersShare = round(readOthersShare());
    await Promise.all(children.map(stopProcess));

    const names = { nginx: 'nginx, static', bare: 'bare node:http', ours: 'tributary' } as const;
    const rows: readonly Row[] = measured.flatMap(({ kind, sets }) =>
      (['nginx', 'bare', 'ours'] as const).map(server => ({
        server: names[server],
        kind,
        ...mediansOf(sets.map(set => set[server])),
      })),
    );
    console.log(['response'.padEnd(8), 'server'.padEnd(16), 'requests/s', 'p99 ms', 'CPU µs/req'].join('  '));
    for (const { server: name, kind, requestsPerSecond, p99Ms, cpuUsPerRequest } of rows) {
      console.log(
        [
          kind.padEnd(8),
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
      `decision: p50 ${ready.p50Us.toFixed(1)} µs, p99 ${ready.p99Us.toFixed(1)} µs, among ${VIDEOS} videos; responses have ${measured.map(({ bodyBytes }) => bodyBytes).join(' and ')} bytes
${MANY_VIDEOS} videos with 4 copies: ${(registry.rssBytes / 2 ** 30).toFixed(2)} GiB resident (${(registry.restartedRssBytes / 2 ** 30).toFixed(2)} GiB after a restart), ${registry.bytesAVideo.toFixed(0)} bytes per video
snapshot: written in ${registry.writeSeconds.toFixed(1)} s with pauses of ${registry.longestPauseMs.toFixed(0)} ms at most, read in ${readAMillion.toFixed(2)} s per million`,
    );
    warnIfBusy(othersShare);
    /** One ratio for each kind of response and each peer. */
    const ratios = (of: (sets: (typeof measured)[number]['sets'], peer: 'nginx' | 'bare') => number) =>
      Object.fromEntries(
        measured.flatMap(({ kind, sets }) => [
          [`${kind}/node-http`, round(of(sets, 'bare'))],
          [`${kind}/nginx`, round(of(sets, 'nginx'))],
        ]),
      );
    return {
      bench: 'choose',
      ratios: {
        ...ratios((sets, peer) =>
          median(sets.map(set => set.ours.requestsPerSecond / set[peer].requestsPerSecond)),
        ),
        'decision-p99/100us': round(GOAL_DECISION_US / ready.p99Us),
        'memory/2GiB': round(GOAL_BYTES / registry.rssBytes),
        'restart/1s-a-million': round(GOAL_SECONDS_A_MILLION / readAMillion),
      },
      cpuRatios: ratios((sets, peer) => {
        const cpuOf = (which: 'ours' | typeof peer): number =>
          mediansOf(sets.map(set => set[which])).cpuUsPerRequest;
        return cpuOf(peer) / cpuOf('ours');
      }),
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
