/** Servers under test as processes on one core, and what they cost. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { messageOf } from '../../src/kernel/problem.ts';

const SERVER_CORE = '0';
const LOAD_CORE = '1';
const START_MS = 15_000;
/** `/proc` counts CPU time in these (USER_HZ). */
const TICK_MS = 10;

/** A server that is compared: where it listens, and the process that does the work. */
export interface Peer {
  readonly name: string;
  /** `http://127.0.0.1:port` */
  readonly plain: string;
  /** Absent where it speaks no TLS. */
  readonly tls?: string;
  readonly pid: number;
  stop(): Promise<void>;
}

export const isInstalled = (command: string): boolean =>
  spawnSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' }).status === 0;

/** @throws Error that says how to get what is missing. `tools`: command → Debian package. */
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

/** On the core of the servers, with room for many connections. */
export const startOnServerCore = (command: string, args: readonly string[]): ChildProcess =>
  spawn('sh', ['-c', 'ulimit -n "$(ulimit -Hn)"; exec taskset -c "$0" "$@"', SERVER_CORE, command, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });

export function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('a server could not be started');
  return child.pid;
}

/** A master's only worker. */
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
    let complaints = '';
    const timer = setTimeout(
      () => reject(new Error(`a server did not start in time: ${complaints}`)),
      withinMs,
    );
    child.stderr?.on('data', piece => {
      complaints += piece;
    });
    child.stdout?.on('data', piece => {
      text += piece;
      if (!text.includes('\n')) return;
      clearTimeout(timer);
      resolve(text.split('\n', 1)[0] ?? '');
    });
    child.once('exit', code => {
      clearTimeout(timer);
      reject(new Error(`a server ended with ${code}: ${complaints}`));
    });
  });
}

/** Asks until it answers 200. */
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
    if (Date.now() > until) throw new Error(`${url} does not answer`);
    await new Promise(done => setTimeout(done, 50));
  }
}

/** When a server answers. What does not come up, or ends, is stopped, and what it complained of is told. */
export async function whenUp(child: ChildProcess, url: string): Promise<void> {
  let complaints = '';
  const listen = (piece: Buffer): void => {
    complaints = (complaints + piece.toString()).slice(-1_000);
  };
  child.stdout?.on('data', listen);
  child.stderr?.on('data', listen);
  const ended = new Promise<never>((_, reject) =>
    child.once('exit', code => reject(new Error(`it ended with ${code}`))),
  );
  // It may also end much later, when it is stopped.
  ended.catch(() => {});
  try {
    await Promise.race([waitFor(url), ended]);
  } catch (cause) {
    await stopProcess(child);
    throw new Error(`${messageOf(cause)}. ${complaints.trim()}`, { cause });
  }
}

/** CPU time used so far by a process, and by those of its children that have ended (proc(5)). */
export function readCpuMs(pid: number | 'self'): { readonly own: number; readonly children: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat
    .slice(stat.lastIndexOf(') ') + 2)
    .split(' ')
    .map(Number);
  const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields.slice(11, 15);
  return { own: (user + system) * TICK_MS, children: (childUser + childSystem) * TICK_MS };
}

/** CPU time used so far by everything on this machine. */
export function readMachineCpuMs(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = readFileSync('/proc/stat', 'utf8')
    .split('\n', 1)[0]!
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq) * TICK_MS;
}

/** Memory of a process that is in RAM, in bytes. */
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

/** The median of each number by itself. */
export const mediansOf = <Numbers extends Readonly<Record<keyof Numbers, number>>>(
  runs: readonly Numbers[],
): Numbers => {
  const names = Object.keys(runs[0] ?? {}) as (keyof Numbers)[];
  return Object.fromEntries(names.map(name => [name, median(runs.map(run => run[name]))])) as Numbers;
};

/** Runs a load on its core to its end. @returns what it printed, and the CPU time that the server spent meanwhile */
export function runOnLoadCore(server: number, args: readonly string[]) {
  const before = readCpuMs(server).own;
  const { stdout, stderr, status } = spawnSync('taskset', ['-c', LOAD_CORE, ...args], { encoding: 'utf8' });
  return { stdout, stderr, status, cpuMs: readCpuMs(server).own - before };
}
