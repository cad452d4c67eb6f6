/**
 * How fast a warm buffer serves, plain and with TLS, against nginx (sendfile, and as a cache), Varnish, Apache Traffic Server,
 * and the limit of Node (a bare TCP server that writes prepared bytes): all on core 0, wrk on core 1, interleaved runs,
 * medians. A private video against a public one. nginx and our buffer at equal rates below what they can. And what 10,000 idle
 * connections cost each of them. A peer that is not installed, or fails, is named and left out.
 * The machine is shared with whatever else runs on it, so ratios are to be believed and numbers are not.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { messageOf } from '../src/kernel/problem.ts';
import { newRevisionId, newVideoId } from '../src/protocol/ids.ts';
import { makeCertificate } from '../test/support/certificate.ts';
import { type Idle, measureIdle } from './peers/idle.ts';
import { createLoad, type Load, type Result } from './peers/load.ts';
import { startNginxCache, startNginxSendfile } from './peers/nginx.ts';
import { makePrivate, startLimit, startTributary } from './peers/ours.ts';
import {
  isInstalled,
  median,
  mediansOf,
  type Peer,
  readCpuMs,
  readMachineCpuMs,
  requireTools,
} from './peers/process.ts';
import { createSteadyLoad, type Steady, type SteadyLoad } from './peers/steady.ts';
import { startTrafficServer } from './peers/trafficserver.ts';
import { startVarnish } from './peers/varnish.ts';

const SIZES = [
  { label: '1KB', bytes: 1_024, file: 'source-video/media.m3u8' },
  { label: '200KB', bytes: 200 * 1_024, file: 'source-video/0.m4s' },
  { label: '2MB', bytes: 2 * 2 ** 20, file: 'source-video/1.m4s' },
] as const;
const RUNS = Number(process.env.BENCH_RUNS ?? 5);
const RUN_SECONDS = Number(process.env.BENCH_SECONDS ?? 2);
const WARM_UP_SECONDS = 1;
/** 0 leaves the idle connections out. */
const IDLE_CONNECTIONS = Number(process.env.BENCH_IDLE ?? 10_000);
/** Of what the slower of nginx and our buffer can do: rates at which both are asked. `BENCH_STEADY=0` leaves that out. */
const STEADY_SHARES = process.env.BENCH_STEADY === '0' ? [] : [0.5, 0.8];
const MAX_STEADY_RUNS = 3;
/** Names of peers, separated by commas; all of them by default. */
const PEERS = process.env.BENCH_PEERS?.split(',');
/** Beyond this share of the machine in other hands, throughput says more about them than about us. */
const QUIET_SHARE = 0.05;

/** The same server, asked for a private video with a right. */
const PRIVATE = 'tributary-private';

interface Row extends Result {
  readonly size: string;
  readonly server: string;
  readonly tls: boolean;
}

/** One server at a rate that was given to it. */
interface SteadyRow extends Steady {
  readonly size: string;
  readonly server: string;
  readonly tls: boolean;
  /** Requests a second that it was asked. */
  readonly offered: number;
}

export interface ServeBench {
  readonly bench: 'serve';
  /** Body bytes per second of the buffer against a peer's: the median of the ratios of neighbouring runs. */
  readonly ratios: Readonly<Record<string, number>>;
  /** CPU time of the peer for a request by the buffer's: more is better. */
  readonly cpuRatios: Readonly<Record<string, number>>;
  /** CPU time of a request for a public video by that of one for a private one: 1 is equal, more is better. */
  readonly privateRatios: Readonly<Record<string, number>>;
  /** p99 of the buffer by nginx's (sendfile): less is better. */
  readonly p99Times: Readonly<Record<string, number>>;
  readonly rows: readonly Row[];
  /** The same at equal rates, by the share of what the slower of both can do: `200KB@0.5`. */
  readonly steadyP99Times: Readonly<Record<string, number>>;
  readonly steady: readonly SteadyRow[];
  readonly idle: readonly Idle[];
  readonly runs: number;
  /** Not installed here, or failed. */
  readonly leftOut: readonly string[];
  /** Share of the machine's CPU time that went to processes not of this benchmark (0–1). */
  readonly othersShare: number;
}

interface Target {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
}

const formatRow = (cells: readonly string[]): string =>
  cells.map((cell, column) => (column < 2 ? cell.padEnd(18) : cell.padStart(12))).join('');

const printHead = (): void =>
  console.log(formatRow(['size', 'server', 'requests/s', 'GB/s', 'p99 ms', 'CPU µs/req']));

function printRow(row: Row): void {
  console.log(
    formatRow([
      row.tls ? `${row.size} TLS` : row.size,
      row.server,
      row.requestsPerSecond.toFixed(0),
      (row.bytesPerSecond / 1e9).toFixed(2),
      row.p99Ms.toFixed(1),
      row.cpuUsPerRequest.toFixed(1),
    ]),
  );
}

const printSteady = ({ size, tls, server, offered, ...row }: SteadyRow): void =>
  console.log(
    `${tls ? `${size} TLS` : size}, ${offered.toFixed(0)} requests/s, ${server}: ${row.requestsPerSecond.toFixed(0)} answered, p50 ${row.p50Ms.toFixed(2)} ms, p99 ${row.p99Ms.toFixed(2)} ms, ${(100 * row.serverShare).toFixed(0)} % of its core`,
  );

const printIdle = ({ server, connections, bytesPerConnection }: Idle): void =>
  console.log(
    `${connections} idle connections, ${server}: ${(bytesPerConnection / 1_024).toFixed(1)} KB each`,
  );

const rounded = (value: number, digits = 3): number => Number(value.toFixed(digits));

/** 0 of a peer that has failed. */
function cpuMsOf(pid: number): number {
  try {
    return readCpuMs(pid).own;
  } catch {
    return 0;
  }
}

export async function run(): Promise<ServeBench> {
  requireTools({ nginx: 'nginx', wrk: 'wrk', taskset: 'util-linux', openssl: 'openssl' });
  const directory = mkdtempSync(join(tmpdir(), 'tributary-bench-serve-'));
  const started: Peer[] = [];
  try {
    const closed = newVideoId();
    const base = `/v/${newVideoId()}/${newRevisionId()}`;
    const closedBase = `/v/${closed}/${newRevisionId()}`;
    for (const { bytes, file } of SIZES) {
      for (const each of [base, closedBase]) {
        const path = join(directory, 'files', each, file);
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, randomBytes(bytes));
      }
    }
    const withRight = `/t/${await makePrivate(directory, closed)}${closedBase}`;
    // Workers may be other users.
    chmodSync(directory, 0o755);
    const certificate = makeCertificate(directory);
    const probe = `${base}/${SIZES[0].file}`;
    const keep = async (peer: Promise<Peer>): Promise<Peer> => {
      started.push(await peer);
      return peer;
    };

    // nginx is everybody's origin too, for the one fill of each size.
    const sendfile = await keep(startNginxSendfile(directory, join(directory, 'files'), probe, certificate));
    const tributary = await keep(
      startTributary(directory, sendfile.plain, {
        certificate,
        warm: SIZES.flatMap(({ file }) => [`${base}/${file}`, `${withRight}/${file}`]),
      }),
    );
    const optional = [
      {
        name: 'nginx-proxy_cache',
        command: 'nginx',
        start: () => startNginxCache(directory, sendfile.plain, probe, { certificate }),
      },
      { name: 'varnish', command: 'varnishd', start: () => startVarnish(directory, sendfile.plain, probe) },
      {
        name: 'trafficserver',
        command: 'traffic_server',
        start: () => startTrafficServer(directory, sendfile.plain, probe, certificate),
      },
    ].filter(({ name }) => !PEERS || PEERS.includes(name));
    const leftOut = optional.filter(({ command }) => !isInstalled(command)).map(({ name }) => name);
    if (leftOut.length > 0) console.log(`Not installed, left out: ${leftOut.join(', ')}.`);
    const peers = [sendfile, tributary];
    const leaveOut = (name: string, error: unknown): void => {
      // Without these two there is nothing to compare.
      if (name === sendfile.name || name === tributary.name || name === PRIVATE) throw error;
      console.log(`${name} failed, left out from here on: ${messageOf(error)}`);
      leftOut.push(name);
    };
    for (const { name, start } of optional) {
      if (leftOut.includes(name)) continue;
      try {
        peers.push(await keep(start()));
      } catch (error) {
        leaveOut(name, error);
      }
    }
    const limits = await startLimit(
      directory,
      SIZES.map(({ bytes }) => bytes),
    );
    if (limits[0]) started.push(limits[0]);

    const pids = started.map(({ pid }) => pid);
    const oursMs = (): number => {
      const self = readCpuMs('self');
      return self.own + self.children + pids.reduce((sum, pid) => sum + cpuMsOf(pid), 0);
    };
    const before = { machineMs: readMachineCpuMs(), oursMs: oursMs(), atMs: performance.now() };
    const load = createLoad(directory);
    const steadyLoad = await createSteadyLoad(directory);
    printHead();
    const rows: Row[] = [];
    const ratios: Record<string, number> = {};
    const cpuRatios: Record<string, number> = {};
    const p99Times: Record<string, number> = {};
    const privateRatios: Record<string, number> = {};
    const steady: SteadyRow[] = [];
    const steadyP99Times: Record<string, number> = {};
    for (const [index, { label, file, bytes }] of SIZES.entries()) {
      for (const tls of [false, true]) {
        const targets: Target[] = peers.flatMap(({ name, plain, tls: secure, pid }) => {
          const address = tls ? secure : plain;
          if (address === undefined || leftOut.includes(name)) return [];
          const open = { name, url: `${address}${base}/${file}`, pid };
          const isOurs = name === tributary.name;
          return isOurs ? [open, { name: PRIVATE, url: `${address}${withRight}/${file}`, pid }] : [open];
        });
        const limit = limits[index];
        if (!tls && limit) targets.push({ name: limit.name, url: `${limit.plain}/`, pid: limit.pid });
        const key = tls ? `${label}-tls` : label;
        const results = interleave(load, targets, bytes, leaveOut);
        const ours = results.get('tributary') ?? [];
        for (const [name, theirs] of results) {
          const row: Row = { size: label, tls, server: name, ...mediansOf(theirs) };
          rows.push(row);
          printRow(row);
          if (name === PRIVATE)
            privateRatios[key] = rounded(mediansOf(ours).cpuUsPerRequest / row.cpuUsPerRequest);
          if (name === 'tributary' || name === PRIVATE) continue;
          const pairs = theirs.flatMap((their, round) => {
            const our = ours[round];
            return our ? [our.bytesPerSecond / their.bytesPerSecond] : [];
          });
          ratios[`${key}/${name}`] = rounded(median(pairs));
          cpuRatios[`${key}/${name}`] = rounded(
            mediansOf(theirs).cpuUsPerRequest / mediansOf(ours).cpuUsPerRequest,
          );
        }
        const nginx = mediansOf(results.get('nginx-sendfile') ?? []);
        p99Times[key] = rounded(mediansOf(ours).p99Ms / nginx.p99Ms, 2);
        const most = Math.min(nginx.requestsPerSecond, mediansOf(ours).requestsPerSecond);
        const both = targets.filter(({ name }) => name === sendfile.name || name === tributary.name);
        for (const share of STEADY_SHARES) {
          const found = askSteadily(steadyLoad, both, most * share);
          for (const [server, runs] of found) {
            const row = { size: label, tls, server, offered: most * share, ...mediansOf(runs) };
            steady.push(row);
            printSteady(row);
          }
          const p99 = (name: string): number => mediansOf(found.get(name) ?? []).p99Ms;
          steadyP99Times[`${key}@${share}`] = rounded(p99(tributary.name) / p99(sendfile.name), 2);
        }
      }
    }
    const othersMs = readMachineCpuMs() - before.machineMs - (oursMs() - before.oursMs);
    const machineMs = (performance.now() - before.atMs) * availableParallelism();
    const othersShare = Math.max(0, rounded(othersMs / machineMs));

    const idle: Idle[] = [];
    if (IDLE_CONNECTIONS > 0) {
      for (const peer of peers) {
        for (const address of [peer.plain, peer.tls]) {
          if (address === undefined || leftOut.includes(peer.name)) continue;
          try {
            const cost = await measureIdle(peer, address, probe, SIZES[0].bytes, IDLE_CONNECTIONS);
            idle.push(cost);
            printIdle(cost);
          } catch (error) {
            leaveOut(peer.name, error);
          }
        }
      }
    }
    if (othersShare > QUIET_SHARE) {
      console.log(
        `Other processes used ${(100 * othersShare).toFixed(0)} % of this machine meanwhile: believe the CPU time, not the throughput.`,
      );
    }
    return {
      bench: 'serve',
      ratios,
      cpuRatios,
      privateRatios,
      p99Times,
      rows,
      steadyP99Times,
      steady,
      idle,
      runs: RUNS,
      leftOut,
      othersShare,
    };
  } finally {
    for (const peer of started) await peer.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A B C … A B C …: what disturbs the machine for a while disturbs all alike. */
function interleave(
  load: Load,
  targets: readonly Target[],
  bodyBytes: number,
  onFailed: (name: string, error: unknown) => void,
): ReadonlyMap<string, readonly Result[]> {
  const results = new Map<string, Result[]>(targets.map(({ name }) => [name, []]));
  for (let round = 0; round <= RUNS; round++) {
    for (const target of targets) {
      const found = results.get(target.name);
      if (!found) continue;
      try {
        const result = load({ ...target, bodyBytes }, round === 0 ? WARM_UP_SECONDS : RUN_SECONDS);
        if (round > 0) found.push(result);
      } catch (error) {
        results.delete(target.name);
        onFailed(target.name, error);
      }
    }
  }
  return results;
}

function askSteadily(
  load: SteadyLoad,
  targets: readonly Target[],
  requestsPerSecond: number,
): ReadonlyMap<string, readonly Steady[]> {
  const results = new Map<string, Steady[]>(targets.map(({ name }) => [name, []]));
  for (let round = 0; round < Math.min(RUNS, MAX_STEADY_RUNS); round++) {
    for (const target of targets)
      results.get(target.name)?.push(load(target, requestsPerSecond, RUN_SECONDS));
  }
  return results;
}
