/** Runs wrk on a separate core against one server. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runOnLoadCore } from './process.ts';

export const CONNECTIONS = 64;

const SCRIPT = `done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d\\n", summary.duration, summary.requests,
    latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end\n`;

export interface Result {
  readonly requestsPerSecond: number;
  /** Counts only the bodies, so that longer headers are no advantage. */
  readonly bytesPerSecond: number;
  readonly p99Ms: number;
  /** CPU time of the server, which other processes hardly affect. */
  readonly cpuUsPerRequest: number;
}

export type Load = (
  target: { readonly url: string; readonly pid: number; readonly bodyBytes: number },
  seconds: number,
) => Result;

/** @param requests Lua code that makes each request; without it, all requests are for the target's URL */
export function createLoad(directory: string, requests = ''): Load {
  const script = join(directory, 'report.lua');
  writeFileSync(script, requests + SCRIPT);
  return ({ url, pid, bodyBytes }, seconds) => {
    const { stdout, stderr, status, cpuMs } = runOnLoadCore(pid, [
      ...['wrk', '-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '--latency', '-s', script, url],
    ]);
    const [, durationUs = 0, requests = 0, p99Us = 0, errors = 0] =
      /^RESULT (\d+) (\d+) (\d+) (\d+)$/m.exec(stdout)?.map(Number) ?? [];
    if (status !== 0 || durationUs === 0) throw new Error(`wrk failed for ${url}:\n${stdout}${stderr}`);
    if (errors > 0) throw new Error(`${errors} requests for ${url} failed`);
    return {
      requestsPerSecond: (requests * 1e6) / durationUs,
      bytesPerSecond: (requests * bodyBytes * 1e6) / durationUs,
      p99Ms: p99Us / 1_000,
      cpuUsPerRequest: (cpuMs * 1_000) / requests,
    };
  };
}
