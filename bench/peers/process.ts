/** Starts and stops the servers under test on one core, runs the load on another one, and reads CPU time and memory. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { messageOf } from '../../src/kernel/problem.ts';

const SERVER_CORE = '0';
const LOAD_CORE = '1';
const START_MS = 15_000;
/** The unit in which `/proc` counts CPU time (USER_HZ). */
const TICK_MS = 10;

/** A server that is compared. */
export interface Peer {
  readonly name: string;
  /** `http://127.0.0.1:port` */
  readonly plain: string;
  /** `https://127.0.0.1:port`; absent if it does not support TLS. */
  readonly tls?: string;
  /** The process that does the work. */
  readonly pid: number;
  stop(): Promise<void>;
}

export const isInstalled = (command: string): boolean =>
  spawnSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' }).status === 0;

/**
 * @param tools the Debian package of each command
 * @throws Error that says how to install the missing commands
 */
export function requireTools(tools: Readonly<Record<string, string>>): void {
  const missing = Object.keys(tools).filter(tool => !isInstalled(tool));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(tool => tools[tool]))].join(' ');
  throw new Error(
    `This benchmark needs ${missing.join(' and ')}. On Debian or Ubuntu: apt-get install --no-install-recommends ${packages}`,
  );
}

export function findPort(): Promise<number> {
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

/** Starts a process on the core of the servers, with the highest limit for open connections. */
export const startOnServerCore = (command: string, args: readonly string[]): ChildProcess =>
  spawn('sh', ['-c', 'ulimit -n "$(ulimit -Hn)"; exec taskset -c "$0" "$@"', SERVER_CORE, command, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });

export function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('A server could not be started.');
  return child.pid;
}

/** Finds the only worker of a master process. */
export const findChild = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);

export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise(done => child.once('exit', done));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await ended;
  clearTimeout(late);
}

export function readFirstLine(child: ChildProcess, withinMs = START_MS): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    let errors = '';
    const timer = setTimeout(() => reject(new Error(`A server did not start in time: ${errors}`)), withinMs);
    child.stderr?.on('data', piece => {
      errors += piece;
    });
    child.stdout?.on('data', piece => {
      text += piece;
      if (!text.includes('\n')) return;
      clearTimeout(timer);
      resolve(text.split('\n', 1)[0] ?? '');
    });
    child.once('exit', code => {
      clearTimeout(timer);
      reject(new Error(`A server exited with ${code}: ${errors}`));
    });
  });
}

/** Repeats a request until the response is 200. @throws Error after 15 s */
export async function waitFor(url: string): Promise<void> {
  const until = Date.now() + START_MS;
  for (;;) {
    try {
      const response = await fetch(url);
      await response.arrayBuffer();
      if (response.ok) return;
    } catch (error) {
      if (Date.now() > until) throw error;
    }
    if (Date.now() > until) throw new Error(`${url} does not respond`);
    await new Promise(done => setTimeout(done, 50));
  }
}

/**
 * Resolves when a server responds.
 * @throws Error with the server's messages if it exits or does not respond in time; it is stopped then
 */
export async function whenUp(child: ChildProcess, url: string): Promise<void> {
  let output = '';
  const append = (piece: Buffer): void => {
    output = (output + piece.toString()).slice(-1_000);
  };
  child.stdout?.on('data', append);
  child.stderr?.on('data', append);
  const ended = new Promise<never>((_, reject) =>
    child.once('exit', code => reject(new Error(`The server exited with ${code}`))),
  );
  // It also exits much later, when it is stopped.
  ended.catch(() => {});
  try {
    await Promise.race([waitFor(url), ended]);
  } catch (cause) {
    await stopProcess(child);
    throw new Error(`${messageOf(cause)}: ${output.trim()}`, { cause });
  }
}

/** CPU time that a process, and its children that have ended, have used so far (proc(5)). */
function readCpuMs(pid: number | 'self'): { readonly own: number; readonly children: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat
    .slice(stat.lastIndexOf(') ') + 2)
    .split(' ')
    .map(Number);
  const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields.slice(11, 15);
  return { own: (user + system) * TICK_MS, children: (childUser + childSystem) * TICK_MS };
}

/** CPU time that all processes on this machine have used so far. */
function readMachineCpuMs(): number {
  const [summary = ''] = readFileSync('/proc/stat', 'utf8').split('\n', 1);
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = summary
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq) * TICK_MS;
}

/** 0 for a process that has ended. */
function readOwnCpuMs(pid: number): number {
  try {
    return readCpuMs(pid).own;
  } catch {
    return 0;
  }
}

/**
 * Starts to watch who uses the machine.
 * @param pids the servers under test; this process and its children belong to the benchmark, too
 * @returns a function that returns the share of the machine's CPU time since then that other processes used (0–1)
 */
export function watchOtherProcesses(pids: readonly number[]): () => number {
  const readBenchmarkMs = (): number => {
    const self = readCpuMs('self');
    return self.own + self.children + pids.reduce((sum, pid) => sum + readOwnCpuMs(pid), 0);
  };
  const startedMs = performance.now();
  const machineMs = readMachineCpuMs();
  const benchmarkMs = readBenchmarkMs();
  return () => {
    const othersMs = readMachineCpuMs() - machineMs - (readBenchmarkMs() - benchmarkMs);
    return Math.max(0, othersMs / ((performance.now() - startedMs) * availableParallelism()));
  };
}

/** If other processes use more than this share of the machine, the throughput is not meaningful. */
const QUIET_SHARE = 0.05;

export function warnIfBusy(othersShare: number): void {
  if (othersShare <= QUIET_SHARE) return;
  const percent = (100 * othersShare).toFixed(0);
  console.log(
    `Other processes used ${percent} % of this machine. Rely on the CPU time rather than the throughput.`,
  );
}

/** Resident memory of a process, in bytes. */
export function readRssBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1] ?? 0) * 1_024;
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
};

/** Takes the median of each number separately. */
export const mediansOf = <Numbers extends Readonly<Record<keyof Numbers, number>>>(
  runs: readonly Numbers[],
): Numbers => {
  const names = Object.keys(runs[0] ?? {}) as (keyof Numbers)[];
  return Object.fromEntries(names.map(name => [name, median(runs.map(run => run[name]))])) as Numbers;
};

/** Runs a load generator on its core. @returns its output and exit status, and the CPU time that the server used meanwhile */
export function runOnLoadCore(server: number, args: readonly string[]) {
  const before = readCpuMs(server).own;
  const { stdout, stderr, status } = spawnSync('taskset', ['-c', LOAD_CORE, ...args], { encoding: 'utf8' });
  return { stdout, stderr, status, cpuMs: readCpuMs(server).own - before };
}
