/**
 * How fast a warm buffer serves, plain and with TLS, against nginx (sendfile, and as a cache), Varnish, Apache Traffic Server,
 * and the limit of Node (a bare TCP server that writes prepared bytes): all on core 0, wrk on core 1, interleaved runs,
 * medians. And what 10,000 idle connections cost each of them. A peer that is not installed is named and left out.
 * The machine is shared with whatever else runs on it, so ratios are to be believed and numbers are not.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { newRevisionId, newVideoId } from '../src/protocol/ids.ts';
import { makeCertificate } from '../test/certificate.ts';
import { type Idle, measureIdle } from './peers/idle.ts';
import { createLoad, type Load, medianOf, type Result } from './peers/load.ts';
import { startNginxCache, startNginxSendfile } from './peers/nginx.ts';
import { startLimit, startTributary } from './peers/ours.ts';
import {
  isInstalled,
  median,
  type Peer,
  readCpuMs,
  readMachineCpuMs,
  requireTools,
} from './peers/process.ts';
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
/** Names of peers, separated by commas; all of them by default. */
const PEERS = process.env.BENCH_PEERS?.split(',');
/** Beyond this share of the machine in other hands, throughput says more about them than about us. */
const QUIET_SHARE = 0.05;

interface Row extends Result {
  readonly size: string;
  readonly server: string;
  readonly tls: boolean;
}

export interface ServeBench {
  readonly bench: 'serve';
  /** Body bytes per second of the buffer against a peer's: the median of the ratios of neighbouring runs. */
  readonly ratios: Readonly<Record<string, number>>;
  /** CPU time of the peer for a request by the buffer's: more is better. */
  readonly cpuRatios: Readonly<Record<string, number>>;
  /** p99 of the buffer by nginx's (sendfile): less is better. */
  readonly p99Times: Readonly<Record<string, number>>;
  readonly rows: readonly Row[];
  readonly idle: readonly Idle[];
  readonly runs: number;
  /** Not installed here. */
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

const printIdle = ({ server, connections, bytesPerConnection }: Idle): void =>
  console.log(
    `${connections} idle connections, ${server}: ${(bytesPerConnection / 1_024).toFixed(1)} KB each`,
  );

const rounded = (value: number, digits = 3): number => Number(value.toFixed(digits));

export async function run(): Promise<ServeBench> {
  requireTools({ nginx: 'nginx', wrk: 'wrk', taskset: 'util-linux', openssl: 'openssl' });
  const directory = mkdtempSync(join(tmpdir(), 'tributary-bench-serve-'));
  const started: Peer[] = [];
  try {
    const base = `/v/${newVideoId()}/${newRevisionId()}`;
    for (const { bytes, file } of SIZES) {
      const path = join(directory, 'files', base, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, randomBytes(bytes));
    }
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
        warm: SIZES.map(({ file }) => `${base}/${file}`),
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
    for (const { name, start } of optional) if (!leftOut.includes(name)) peers.push(await keep(start()));
    const limits = await startLimit(
      directory,
      SIZES.map(({ bytes }) => bytes),
    );
    if (limits[0]) started.push(limits[0]);

    const pids = started.map(({ pid }) => pid);
    const oursMs = (): number => {
      const self = readCpuMs('self');
      return self.own + self.children + pids.reduce((sum, pid) => sum + readCpuMs(pid).own, 0);
    };
    const before = { machineMs: readMachineCpuMs(), oursMs: oursMs(), atMs: performance.now() };
    const load = createLoad(directory);
    printHead();
    const rows: Row[] = [];
    const ratios: Record<string, number> = {};
    const cpuRatios: Record<string, number> = {};
    const p99Times: Record<string, number> = {};
    for (const [index, { label, file, bytes }] of SIZES.entries()) {
      for (const tls of [false, true]) {
        const targets: Target[] = peers.flatMap(({ name, plain, tls: secure, pid }) => {
          const address = tls ? secure : plain;
          return address === undefined ? [] : [{ name, url: `${address}${base}/${file}`, pid }];
        });
        const limit = limits[index];
        if (!tls && limit) targets.push({ name: limit.name, url: `${limit.plain}/`, pid: limit.pid });
        const key = tls ? `${label}-tls` : label;
        const results = interleave(load, targets, bytes);
        const ours = results.get('tributary') ?? [];
        for (const { name } of targets) {
          const theirs = results.get(name) ?? [];
          const row: Row = { size: label, tls, server: name, ...medianOf(theirs) };
          rows.push(row);
          printRow(row);
          if (name === 'tributary') continue;
          const pairs = theirs.flatMap((their, round) => {
            const our = ours[round];
            return our ? [our.bytesPerSecond / their.bytesPerSecond] : [];
          });
          ratios[`${key}/${name}`] = rounded(median(pairs));
          cpuRatios[`${key}/${name}`] = rounded(
            medianOf(theirs).cpuUsPerRequest / medianOf(ours).cpuUsPerRequest,
          );
        }
        const nginx = medianOf(results.get('nginx-sendfile') ?? []);
        p99Times[key] = rounded(medianOf(ours).p99Ms / nginx.p99Ms, 2);
      }
    }
    const othersMs = readMachineCpuMs() - before.machineMs - (oursMs() - before.oursMs);
    const machineMs = (performance.now() - before.atMs) * availableParallelism();
    const othersShare = Math.max(0, rounded(othersMs / machineMs));

    const idle: Idle[] = [];
    if (IDLE_CONNECTIONS > 0) {
      for (const peer of peers) {
        for (const address of [peer.plain, peer.tls]) {
          if (address === undefined) continue;
          const cost = await measureIdle(peer, address, probe, SIZES[0].bytes, IDLE_CONNECTIONS);
          idle.push(cost);
          printIdle(cost);
        }
      }
    }
    if (othersShare > QUIET_SHARE) {
      console.log(
        `Other processes used ${(100 * othersShare).toFixed(0)} % of this machine meanwhile: believe the CPU time, not the throughput.`,
      );
    }
    return { bench: 'serve', ratios, cpuRatios, p99Times, rows, idle, runs: RUNS, leftOut, othersShare };
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
): ReadonlyMap<string, readonly Result[]> {
  const results = new Map<string, Result[]>(targets.map(({ name }) => [name, []]));
  for (const target of targets) load({ ...target, bodyBytes }, WARM_UP_SECONDS);
  for (let round = 0; round < RUNS; round++) {
    for (const target of targets) {
      results.get(target.name)?.push(load({ ...target, bodyBytes }, RUN_SECONDS));
    }
  }
  return results;
}
