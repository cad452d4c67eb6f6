/** Runs `steady-load.ts` on the core of the load generator against one server. */
import * as z from 'zod';
import { bundle } from './bundle.ts';
import { CONNECTIONS } from './load.ts';
import { runOnLoadCore } from './process.ts';

/** The part of the output of `steady-load.ts` that is used. */
const printedSchema = z.object({
  completed: z.number(),
  seconds: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
});

export interface Steady {
  /** Responses per second. */
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Share of the server's core that it used (0–1). */
  readonly serverShare: number;
}

export type SteadyLoad = (
  target: { readonly url: string; readonly pid: number },
  requestsPerSecond: number,
  seconds: number,
) => Steady;

export async function createSteadyLoad(directory: string): Promise<SteadyLoad> {
  const script = await bundle(directory, 'bench/peers/steady-load.ts');
  return ({ url, pid }, requestsPerSecond, seconds) => {
    const { stdout, stderr, status, cpuMs } = runOnLoadCore(pid, [
      ...[process.execPath, script, url],
      ...[requestsPerSecond, seconds, CONNECTIONS].map(String),
    ]);
    if (status !== 0) throw new Error(`The steady load failed: ${stderr}`);
    const printed = printedSchema.parse(JSON.parse(stdout));
    return {
      requestsPerSecond: printed.completed / printed.seconds,
      p50Ms: printed.p50Ms,
      p99Ms: printed.p99Ms,
      serverShare: cpuMs / (printed.seconds * 1_000),
    };
  };
}
