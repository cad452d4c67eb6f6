/**
 * Measures the throughput of a warm buffer, plain and with TLS, compared with nginx (sendfile, and as a cache), Varnish,
 * Apache Traffic Server, and the limit of Node (a bare TCP server that writes prepared bytes): all on core 0, wrk on core 1,
 * interleaved runs, medians. Also compares a private video with a public one, measures nginx and our buffer at equal rates
 * below their limits, and measures the memory of 10,000 idle connections at each server. A peer that is not installed, or
 * fails, is named and left out. Other work runs on the machine, so the ratios are meaningful and the numbers are not.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { messageOf } from '../src/kernel/problem.ts';
import { newRevisionId, newVideoId } from '../src/protocol/base/ids.ts';
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
  requireTools,
  warnIfBusy,
  watchOtherProcesses,
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
/** With 0, idle connections are not measured. */
const IDLE_CONNECTIONS = Number(process.env.BENCH_IDLE ?? 10_000);
/** Rates of the steady load, as shares of the throughput of the slower one of nginx and our buffer. `BENCH_STEADY=0` leaves this out. */
const STEADY_SHARES = process.env.BENCH_STEADY === '0' ? [] : [0.5, 0.8];
const MAX_STEADY_RUNS = 3;
/** Names of the optional peers to compare, separated by commas; all of them by default. */
const PEERS = process.env.BENCH_PEERS?.split(',');

/** Our server, when a private video is requested with a token. */
const PRIVATE = 'tributary-private';

interface Row extends Result {
  readonly size: string;
  readonly server: string;
  readonly tls: boolean;
}

/** One server at a given rate. */
interface SteadyRow extends Steady {
  readonly size: string;
  readonly server: string;
  readonly tls: boolean;
  /** Requests per second that were sent. */
  readonly offered: number;
}

export interface ServeBench {
  readonly bench: 'serve';
  /** Body bytes per second of our buffer divided by the peer's (median of neighbouring runs): higher is better. */
  readonly ratios: Readonly<Record<string, number>>;
  /** CPU time per request of the peer divided by ours: higher is better. */
  readonly cpuRatios: Readonly<Record<string, number>>;
  /** CPU time of a request for a public video divided by that for a private one: 1 means equal, and higher is better. */
  readonly privateRatios: Readonly<Record<string, number>>;
  /** p99 of our buffer divided by that of nginx (sendfile): lower is better. */
  readonly p99Times: Readonly<Record<string, number>>;
  readonly rows: readonly Row[];
  /** The same at equal rates, for each share of the throughput of the slower one: `200KB@0.5`. */
  readonly steadyP99Times: Readonly<Record<string, number>>;
  readonly steady: readonly SteadyRow[];
  readonly idle: readonly Idle[];
  readonly runs: number;
  /** Peers that are not installed, or failed. */
  readonly leftOut: readonly string[];
  /** Share of the machine's CPU time that processes outside this benchmark used (0–1). */
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
    `${tls ? `${size} TLS` : size}, ${offered.toFixed(0)} requests/s, ${server}: ${row.requestsPerSecond.toFixed(0)} responses/s, p50 ${row.p50Ms.toFixed(2)} ms, p99 ${row.p99Ms.toFixed(2)} ms, ${(100 * row.serverShare).toFixed(0)} % of its core`,
  );

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
    const files = await writeFiles(directory);
    const contest = await startContest(directory, files, started);
    const readOthersShare = watchOtherProcesses(started.map(({ pid }) => pid));
    const served = await measureServing(directory, contest);
    const othersShare = rounded(readOthersShare());
    const idle = IDLE_CONNECTIONS > 0 ? await measureIdleConnections(contest) : [];
    warnIfBusy(othersShare);
    return { bench: 'serve', ...served, idle, runs: RUNS, leftOut: contest.leftOut, othersShare };
  } finally {
    for (const peer of started) await peer.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Files {
  /** Path of the public video. */
  readonly base: string;
  /** Path of the private video, with a token. */
  readonly privateBase: string;
  /** A small file that every peer can serve. */
  readonly probe: string;
}

/** Writes files of all sizes for a public and a private video. */
async function writeFiles(directory: string): Promise<Files> {
  const privateVideo = newVideoId();
  const base = `/v/${newVideoId()}/${newRevisionId()}`;
  const privateBase = `/v/${privateVideo}/${newRevisionId()}`;
  for (const { bytes, file } of SIZES) {
    for (const each of [base, privateBase]) {
      const path = join(directory, 'files', each, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, randomBytes(bytes));
    }
  }
  const token = await makePrivate(directory, privateVideo);
  // The workers of a peer may run as other users.
  chmodSync(directory, 0o755);
  return { base, privateBase: `/t/${token}${privateBase}`, probe: `${base}/${SIZES[0].file}` };
}

interface Contest {
  readonly files: Files;
  readonly sendfile: Peer;
  readonly tributary: Peer;
  /** All peers, without the limits. */
  readonly peers: readonly Peer[];
  /** The limit of Node, for each size. */
  readonly limits: readonly Peer[];
  readonly leftOut: readonly string[];
  /** Leaves a peer out that has failed. @throws the error if nothing can be compared without this peer */
  leaveOut(name: string, error: unknown): void;
}

/** @param started receives every peer as soon as it runs, so that the caller can stop it if a later one fails */
async function startContest(directory: string, files: Files, started: Peer[]): Promise<Contest> {
  const { base, privateBase, probe } = files;
  const certificate = makeCertificate(directory);
  const keep = async (peer: Promise<Peer>): Promise<Peer> => {
    started.push(await peer);
    return peer;
  };
  // nginx is also the origin of all others, for one fill of each file.
  const sendfile = await keep(startNginxSendfile(directory, join(directory, 'files'), probe, certificate));
  const origin = sendfile.plain;
  const warm = SIZES.flatMap(({ file }) => [`${base}/${file}`, `${privateBase}/${file}`]);
  const tributary = await keep(startTributary(directory, origin, { certificate, warm }));
  const optional = [
    {
      name: 'nginx-proxy_cache',
      command: 'nginx',
      start: () => startNginxCache(directory, origin, probe, { certificate }),
    },
    { name: 'varnish', command: 'varnishd', start: () => startVarnish(directory, origin, probe) },
    {
      name: 'trafficserver',
      command: 'traffic_server',
      start: () => startTrafficServer(directory, origin, probe, certificate),
    },
  ].filter(({ name }) => !PEERS || PEERS.includes(name));
  const leftOut = optional.filter(({ command }) => !isInstalled(command)).map(({ name }) => name);
  if (leftOut.length > 0) console.log(`Not installed, left out: ${leftOut.join(', ')}.`);
  const leaveOut = (name: string, error: unknown): void => {
    if (name === sendfile.name || name === tributary.name || name === PRIVATE) throw error;
    console.log(`${name} failed and is left out from now on: ${messageOf(error)}`);
    leftOut.push(name);
  };
  const peers = [sendfile, tributary];
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
  return { files, sendfile, tributary, peers, limits, leftOut, leaveOut };
}

type Size = (typeof SIZES)[number];

/** The results of all sizes, as they are reported. */
interface Served {
  readonly ratios: Record<string, number>;
  readonly cpuRatios: Record<string, number>;
  readonly privateRatios: Record<string, number>;
  readonly p99Times: Record<string, number>;
  readonly rows: Row[];
  readonly steadyP99Times: Record<string, number>;
  readonly steady: SteadyRow[];
}

async function measureServing(directory: string, contest: Contest): Promise<Served> {
  const load = createLoad(directory);
  const steadyLoad = await createSteadyLoad(directory);
  printHead();
  const served: Served = {
    ...{ ratios: {}, cpuRatios: {}, privateRatios: {}, p99Times: {}, rows: [] },
    ...{ steadyP99Times: {}, steady: [] },
  };
  for (const size of SIZES) {
    for (const tls of [false, true]) {
      const targets = listTargets(contest, size, tls);
      const medians = measureFullLoad(load, contest, { size, tls, targets, served });
      const both = [contest.sendfile, contest.tributary].map(({ name }) => name);
      const highest = Math.min(...both.map(name => medians(name).requestsPerSecond));
      const compared = targets.filter(({ name }) => both.includes(name));
      for (const share of STEADY_SHARES) {
        const found = measureSteadyLoad(steadyLoad, compared, highest * share);
        for (const [server, runs] of found) {
          const row = { size: size.label, tls, server, offered: highest * share, ...mediansOf(runs) };
          served.steady.push(row);
          printSteady(row);
        }
        const p99 = ({ name }: Peer): number => mediansOf(found.get(name) ?? []).p99Ms;
        const ratio = p99(contest.tributary) / p99(contest.sendfile);
        served.steadyP99Times[`${keyOf(size, tls)}@${share}`] = rounded(ratio, 2);
      }
    }
  }
  return served;
}

const keyOf = ({ label }: Size, tls: boolean): string => (tls ? `${label}-tls` : label);

function listTargets(contest: Contest, { label, file }: Size, tls: boolean): readonly Target[] {
  const { files, tributary, peers, limits, leftOut } = contest;
  const targets: Target[] = peers.flatMap(({ name, plain, tls: secure, pid }) => {
    const address = tls ? secure : plain;
    if (address === undefined || leftOut.includes(name)) return [];
    const target = { name, url: `${address}${files.base}/${file}`, pid };
    return name === tributary.name
      ? [target, { name: PRIVATE, url: `${address}${files.privateBase}/${file}`, pid }]
      : [target];
  });
  const limit = limits[SIZES.findIndex(size => size.label === label)];
  if (!tls && limit) targets.push({ name: limit.name, url: `${limit.plain}/`, pid: limit.pid });
  return targets;
}

/** Adds the results of one size to `served`. @returns the medians of a server */
function measureFullLoad(
  load: Load,
  { sendfile, tributary, leaveOut }: Contest,
  {
    size,
    tls,
    targets,
    served,
  }: {
    readonly size: Size;
    readonly tls: boolean;
    readonly targets: readonly Target[];
    readonly served: Served;
  },
): (name: string) => Result {
  const key = keyOf(size, tls);
  const results = interleave(load, targets, size.bytes, leaveOut);
  const medians = (name: string): Result => mediansOf(results.get(name) ?? []);
  const ours = results.get(tributary.name) ?? [];
  const ourMedians = medians(tributary.name);
  for (const [name, theirs] of results) {
    const row: Row = { size: size.label, tls, server: name, ...medians(name) };
    served.rows.push(row);
    printRow(row);
    if (name === PRIVATE) {
      served.privateRatios[key] = rounded(ourMedians.cpuUsPerRequest / row.cpuUsPerRequest);
    }
    if (name === tributary.name || name === PRIVATE) continue;
    const pairs = theirs.flatMap((their, round) => {
      const our = ours[round];
      return our ? [our.bytesPerSecond / their.bytesPerSecond] : [];
    });
    served.ratios[`${key}/${name}`] = rounded(median(pairs));
    served.cpuRatios[`${key}/${name}`] = rounded(row.cpuUsPerRequest / ourMedians.cpuUsPerRequest);
  }
  served.p99Times[key] = rounded(ourMedians.p99Ms / medians(sendfile.name).p99Ms, 2);
  return medians;
}

async function measureIdleConnections(contest: Contest): Promise<readonly Idle[]> {
  const idle: Idle[] = [];
  for (const peer of contest.peers) {
    for (const base of [peer.plain, peer.tls]) {
      if (base === undefined || contest.leftOut.includes(peer.name)) continue;
      try {
        const target = { peer, base, path: contest.files.probe, bodyBytes: SIZES[0].bytes };
        const cost = await measureIdle(target, IDLE_CONNECTIONS);
        idle.push(cost);
        printIdle(cost);
      } catch (error) {
        contest.leaveOut(peer.name, error);
      }
    }
  }
  return idle;
}

/** Measures the targets in the order A B C … A B C …, so that other work on the machine affects all of them equally. */
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

function measureSteadyLoad(
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
