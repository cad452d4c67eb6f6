/** Reads the CPU time and memory of the processes of a run from Linux, and the live memory of central from central itself. */
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import pg from 'pg';

/** The unit in which `/proc` counts CPU time (USER_HZ). */
const TICK_MS = 10;

/** @returns user and system time */
function readCpuMs(stat: string): number {
  const fields = readFileSync(stat, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

export interface Cpu {
  readonly central: number;
  readonly postgres: number;
  readonly tracker: number;
  readonly sites: number;
}

/** @returns milliseconds of CPU time so far; the tracker runs in this process's main thread, the sites run in its other threads */
export async function readCpu(central: ChildProcess, postgresUrl: string): Promise<Cpu> {
  const client = new pg.Client({ connectionString: postgresUrl });
  await client.connect();
  const { rows } = await client.query<{ pid: number }>(
    'select pid from pg_stat_activity where pid != pg_backend_pid()',
  );
  await client.end();
  const tracker = readCpuMs(`/proc/self/task/${process.pid}/stat`);
  return {
    central: readCpuMs(`/proc/${central.pid}/stat`),
    postgres: rows.reduce((sum, { pid }) => sum + readCpuMs(`/proc/${pid}/stat`), 0),
    tracker,
    sites: readCpuMs('/proc/self/stat') - tracker,
  };
}

/** @returns microseconds of CPU time per item */
export const perItem = (before: Cpu, after: Cpu, items: number): Cpu => ({
  central: ((after.central - before.central) * 1_000) / items,
  postgres: ((after.postgres - before.postgres) * 1_000) / items,
  tracker: ((after.tracker - before.tracker) * 1_000) / items,
  sites: ((after.sites - before.sites) * 1_000) / items,
});

/** @returns bytes of resident memory, including garbage and free memory inside the process */
export const readResident = ({ pid }: ChildProcess): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1_024;

/** @returns bytes of central's live heap and buffers, after a garbage collection (`memory.mjs`) */
export async function readLive(central: ChildProcess): Promise<number> {
  const reported = new Promise<NodeJS.MemoryUsage>(resolve => central.once('message', resolve as () => void));
  central.send('live');
  const { heapUsed, external } = await reported;
  return heapUsed + external;
}
