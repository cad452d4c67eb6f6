/**
 * How fast a warm buffer serves, against nginx with sendfile and against the limit of Node (a bare TCP server that writes
 * prepared bytes): all on core 0, wrk on core 1, interleaved runs, medians.
 * The machine is shared with whatever else runs on it, so ratios are to be believed and numbers are not.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { newRevisionId, newVideoId } from '../src/protocol/ids.ts';

const SIZES = [
  { label: '1KB', bytes: 1_024, file: 'source-video/media.m3u8' },
  { label: '200KB', bytes: 200 * 1_024, file: 'source-video/0.m4s' },
  { label: '2MB', bytes: 2 * 2 ** 20, file: 'source-video/1.m4s' },
] as const;
const RUNS = Number(process.env.BENCH_RUNS ?? 7);
const RUN_SECONDS = Number(process.env.BENCH_SECONDS ?? 2);
const WARM_UP_SECONDS = 1;
const CONNECTIONS = 64;
const SERVER_CORE = '0';
const LOAD_CORE = '1';
const START_MS = 10_000;

const SCRIPT = `done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d\\n", summary.duration, summary.requests,
    latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end\n`;

/** `/proc` counts CPU time in these (USER_HZ). */
const TICK_MS = 10;
/** Beyond this share of the machine in other hands, throughput says more about them than about us. */
const QUIET_SHARE = 0.05;

interface Result {
  readonly requestsPerSecond: number;
  /** Of bodies alone: our headers are longer than nginx's and must not count for us. */
  readonly bytesPerSecond: number;
  readonly p99Ms: number;
  /** CPU time of the server, which other processes hardly change. */
  readonly cpuUsPerRequest: number;
}

interface Row extends Result {
  readonly size: string;
  readonly server: string;
}

export interface ServeBench {
  readonly bench: 'serve';
  /** Body bytes per second of the buffer against nginx's and against Node's limit: the median of the ratios of neighbouring runs. */
  readonly ratios: Readonly<Record<string, number>>;
  /** CPU time of nginx for a request by the buffer's: more is better. Not what viewers see where the load generator is the limit. */
  readonly cpuRatios: Readonly<Record<string, number>>;
  /** p99 of the buffer by nginx's: less is better. */
  readonly p99Times: Readonly<Record<string, number>>;
  readonly rows: readonly Row[];
  readonly runs: number;
  /** Share of the machine's CPU time that went to processes not of this benchmark (0–1). */
  readonly othersShare: number;
}

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
};

const medianOf = (results: readonly Result[]): Result => ({
  requestsPerSecond: median(results.map(result => result.requestsPerSecond)),
  bytesPerSecond: median(results.map(result => result.bytesPerSecond)),
  p99Ms: median(results.map(result => result.p99Ms)),
  cpuUsPerRequest: median(results.map(result => result.cpuUsPerRequest)),
});

/** CPU time used so far by a process, and by those of its children that have ended (proc(5)). */
function readCpuMs(pid: number | 'self'): { readonly own: number; readonly children: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat
    .slice(stat.lastIndexOf(') ') + 2)
    .split(' ')
    .map(Number);
  const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields.slice(11, 15);
  return { own: (user + system) * TICK_MS, children: (childUser + childSystem) * TICK_MS };
}

/** CPU time used so far by everything on this machine. */
function readMachineCpuMs(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = readFileSync('/proc/stat', 'utf8')
    .split('\n', 1)[0]!
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq) * TICK_MS;
}

/** @throws Error that says how to get what is missing. */
function requireTools(): void {
  const tools = { nginx: 'nginx', wrk: 'wrk', taskset: 'util-linux' };
  const missing = Object.entries(tools).filter(
    ([tool]) => spawnSync(tool, [tool === 'taskset' ? '-V' : '-v'], { stdio: 'ignore' }).error,
  );
  if (missing.length === 0) return;
  const names = missing.map(([tool]) => tool).join(' and ');
  const packages = missing.map(([, name]) => name).join(' ');
  throw new Error(
    `This benchmark needs ${names}. On Debian or Ubuntu: apt-get install --no-install-recommends ${packages}`,
  );
}

function findPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no free port')),
      );
    });
  });
}

const nginxConfig = (directory: string, port: number): string => `
daemon off; worker_processes 1; pid ${directory}/nginx.pid; error_log ${directory}/error.log;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;
  client_body_temp_path ${directory}/temp; proxy_temp_path ${directory}/temp; fastcgi_temp_path ${directory}/temp;
  uwsgi_temp_path ${directory}/temp; scgi_temp_path ${directory}/temp;
  server { listen 127.0.0.1:${port}; root ${directory}/files; }
}
`;

/** Bundles the entry of our server, as the site itself is bundled. */
async function bundleServer(directory: string, name: 'server' | 'limit'): Promise<string> {
  const { build } = await import('esbuild');
  const outfile = join(directory, `${name}.mjs`);
  await build({
    entryPoints: [join(process.cwd(), `bench/serve/${name}.ts`)],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'error',
  });
  return outfile;
}

/** Starts on the core of the servers. */
const startServer = (command: string, args: readonly string[]): ChildProcess =>
  spawn('taskset', ['-c', SERVER_CORE, command, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('a server could not be started');
  return child.pid;
}

/** nginx's only worker: its master does no work. */
const findChild = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);

function readFirstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const timer = setTimeout(() => reject(new Error('our server did not start in time')), START_MS);
    child.stdout?.on('data', piece => {
      text += piece;
      if (!text.includes('\n')) return;
      clearTimeout(timer);
      resolve(text.split('\n', 1)[0] ?? '');
    });
    child.once('exit', code => {
      clearTimeout(timer);
      reject(new Error(`our server ended with ${code}`));
    });
  });
}

async function waitFor(url: string): Promise<void> {
  const until = Date.now() + START_MS;
  for (;;) {
    try {
      const response = await fetch(url);
      await response.arrayBuffer();
      if (response.ok) return;
    } catch (error) {
      if (Date.now() > until) throw error;
    }
    if (Date.now() > until) throw new Error(`${url} does not answer`);
    await new Promise(done => setTimeout(done, 50));
  }
}

interface Target {
  readonly baseUrl: string;
  /** Of the process that does the work. */
  readonly pid: number;
}

function load(target: Target, path: string, bodyBytes: number, seconds: number, script: string): Result {
  const url = target.baseUrl + path;
  const before = readCpuMs(target.pid).own;
  const { stdout, status } = spawnSync(
    'taskset',
    ['-c', LOAD_CORE, 'wrk', '-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '--latency', '-s', script, url],
    { encoding: 'utf8' },
  );
  const cpuMs = readCpuMs(target.pid).own - before;
  const [, durationUs = 0, requests = 0, p99Us = 0, errors = 0] =
    /^RESULT (\d+) (\d+) (\d+) (\d+)$/m.exec(stdout)?.map(Number) ?? [];
  if (status !== 0 || durationUs === 0) throw new Error(`wrk failed:\n${stdout}`);
  if (errors > 0) throw new Error(`${errors} requests of ${url} failed`);
  return {
    requestsPerSecond: (requests * 1e6) / durationUs,
    bytesPerSecond: (requests * bodyBytes * 1e6) / durationUs,
    p99Ms: p99Us / 1_000,
    cpuUsPerRequest: (cpuMs * 1_000) / requests,
  };
}

const formatRow = (cells: readonly string[]): string =>
  cells.map((cell, column) => (column < 2 ? cell.padEnd(16) : cell.padStart(12))).join('');

function print(rows: readonly Row[]): void {
  console.log(formatRow(['size', 'server', 'requests/s', 'GB/s', 'p99 ms', 'CPU µs/req']));
  for (const { size, server, requestsPerSecond, bytesPerSecond, p99Ms, cpuUsPerRequest } of rows) {
    console.log(
      formatRow([
        size,
        server,
        requestsPerSecond.toFixed(0),
        (bytesPerSecond / 1e9).toFixed(2),
        p99Ms.toFixed(1),
        cpuUsPerRequest.toFixed(1),
      ]),
    );
  }
}

export async function run(): Promise<ServeBench> {
  requireTools();
  const directory = mkdtempSync(join(tmpdir(), 'tributary-bench-serve-'));
  const children: ChildProcess[] = [];
  try {
    const base = `/v/${newVideoId()}/${newRevisionId()}`;
    for (const { bytes, file } of SIZES) {
      const path = join(directory, 'files', base, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, randomBytes(bytes));
    }
    // nginx's worker may be another user.
    chmodSync(directory, 0o755);
    const script = join(directory, 'report.lua');
    writeFileSync(script, SCRIPT);

    const nginxPort = await findPort();
    const config = join(directory, 'nginx.conf');
    writeFileSync(config, nginxConfig(directory, nginxPort));
    const master = startServer('nginx', ['-p', directory, '-c', config]);
    children.push(master);
    const nginxUrl = `http://127.0.0.1:${nginxPort}`;
    await waitFor(`${nginxUrl}${base}/${SIZES[0].file}`);
    const nginx: Target = { baseUrl: nginxUrl, pid: findChild(pidOf(master)) };

    // nginx is our server's origin too, for the one fill of each size.
    const paths = SIZES.map(({ file }) => `${base}/${file}`);
    const entry = await bundleServer(directory, 'server');
    const server = startServer(process.execPath, [entry, join(directory, 'kept'), nginxUrl, ...paths]);
    children.push(server);
    const buffer: Target = {
      baseUrl: `http://127.0.0.1:${await readFirstLine(server)}`,
      pid: pidOf(server),
    };

    const bare = startServer(process.execPath, [
      await bundleServer(directory, 'limit'),
      ...SIZES.map(({ bytes }) => String(bytes)),
    ]);
    children.push(bare);
    const limitPorts = (await readFirstLine(bare)).split(' ');
    const limits = limitPorts.map(
      (port): Target => ({ baseUrl: `http://127.0.0.1:${port}`, pid: pidOf(bare) }),
    );

    const rows: Row[] = [];
    const ratios: Record<string, number> = {};
    const cpuRatios: Record<string, number> = {};
    const p99Times: Record<string, number> = {};
    const oursMs = (): number => {
      const self = readCpuMs('self');
      return (
        self.own +
        self.children +
        [nginx.pid, buffer.pid, pidOf(bare)].reduce((sum, pid) => sum + readCpuMs(pid).own, 0)
      );
    };
    const before = { machineMs: readMachineCpuMs(), oursMs: oursMs(), atMs: performance.now() };
    for (const [index, { label, file, bytes }] of SIZES.entries()) {
      const limit = limits[index] ?? buffer;
      const path = `${base}/${file}`;
      const measure = (target: Target, seconds: number) => load(target, path, bytes, seconds, script);
      for (const target of [nginx, buffer, limit]) measure(target, WARM_UP_SECONDS);
      const pairs = Array.from({ length: RUNS }, () => ({
        theirs: measure(nginx, RUN_SECONDS),
        ours: measure(buffer, RUN_SECONDS),
        most: measure(limit, RUN_SECONDS),
      }));
      const theirs = medianOf(pairs.map(pair => pair.theirs));
      const ours = medianOf(pairs.map(pair => pair.ours));
      rows.push(
        { size: label, server: 'nginx-sendfile', ...theirs },
        { size: label, server: 'tributary', ...ours },
        { size: label, server: 'node-net-limit', ...medianOf(pairs.map(pair => pair.most)) },
      );
      for (const [name, peer] of [
        ['nginx-sendfile', 'theirs'],
        ['node-net-limit', 'most'],
      ] as const) {
        const ratio = median(pairs.map(pair => pair.ours.bytesPerSecond / pair[peer].bytesPerSecond));
        ratios[`${label}/${name}`] = Number(ratio.toFixed(3));
      }
      cpuRatios[`${label}/nginx-sendfile`] = Number(
        (theirs.cpuUsPerRequest / ours.cpuUsPerRequest).toFixed(3),
      );
      p99Times[label] = Number((ours.p99Ms / theirs.p99Ms).toFixed(2));
    }
    const othersMs = readMachineCpuMs() - before.machineMs - (oursMs() - before.oursMs);
    const machineMs = (performance.now() - before.atMs) * availableParallelism();
    const othersShare = Math.max(0, Number((othersMs / machineMs).toFixed(3)));
    print(rows);
    if (othersShare > QUIET_SHARE) {
      console.log(
        `Other processes used ${(100 * othersShare).toFixed(0)} % of this machine meanwhile: believe the CPU time, not the throughput.`,
      );
    }
    return { bench: 'serve', ratios, cpuRatios, p99Times, rows, runs: RUNS, othersShare };
  } finally {
    for (const child of children) child.kill('SIGTERM');
    await Promise.all(
      children.map(
        child => child.exitCode ?? child.signalCode ?? new Promise(done => child.once('exit', done)),
      ),
    );
    rmSync(directory, { recursive: true, force: true });
  }
}
