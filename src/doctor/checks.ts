/** The single checks of `tributary doctor`: each looks at one thing of this machine and says what is and what to do. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { constants, existsSync } from 'node:fs';
import { access, open, rm, statfs } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { dirname, join, resolve } from 'node:path';
import { json } from 'node:stream/consumers';
import { Kysely } from 'kysely';
import type { Listen } from '../kernel/config/settings.ts';
import { findFfmpeg } from '../kernel/ffmpeg.ts';
import { tryListen } from '../kernel/http/try-listen.ts';
import { withinLimit } from '../kernel/lifecycle/time-limit.ts';
import { messageOf } from '../kernel/problem.ts';
import { openPostgresDialect } from '../kernel/sql/postgres.ts';
import { nameOf, sql } from '../kernel/sql/sql.ts';
import { findDamage } from '../kernel/sql/sqlite.ts';

/** `warn`: it works, and something would be better otherwise. */
export type Verdict = 'ok' | 'warn' | 'bad';

export interface Finding {
  readonly verdict: Verdict;
  /** What was found, in a sentence. */
  readonly text: string;
  /** What to do about it. */
  readonly advice?: string;
}

const ok = (text: string): Finding => ({ verdict: 'ok', text });
const warn = (text: string, advice: string): Finding => ({ verdict: 'warn', text, advice });
const bad = (text: string, advice: string): Finding => ({ verdict: 'bad', text, advice });

const REACH_TIMEOUT_MS = 5_000;
/** Signed calls are refused beyond 60 s; half of that leaves room for the way. */
const CLOCK_LIMIT_MS = 30_000;
const CLOCK_NOTICE_MS = 2_000;
const SYNC_WRITES = 20;
/** A record's commit waits for one such write. */
const SLOW_SYNC_MS = 20;

export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 20 || (major === 20 && minor >= 19)
    ? ok(`Node ${version}.`)
    : bad(`Node ${version} is too old.`, 'Install Node 20.19 or later.');
}

export function checkFfmpeg(): Finding {
  const path = findFfmpeg();
  return path
    ? ok(`ffmpeg with H.264 (x264) and AAC encoders: ${path}.`)
    : warn(
        'There is no ffmpeg with the x264 and AAC encoders. Sources that a browser can play work without it.',
        'Install it (Debian, Ubuntu: apt-get install ffmpeg), or name one in FFMPEG_PATH.',
      );
}

/** How strangers' films are kept from the rest of this machine (docs/untrusted-media.md). */
export interface Room {
  /** The program that makes the room, or `none`. */
  readonly isolation: string;
  /** Memory, time and sizes are limited. */
  readonly hasLimits: boolean;
}

export function checkRoom({ isolation, hasLimits }: Room): Finding {
  if (isolation === 'none')
    return warn(
      'This machine permits no room of its own for ffmpeg: whoever takes over a decoder with a film has the rights of the site.',
      'Debian, Ubuntu: apt-get install bubblewrap util-linux. In a container, permit user namespaces (docs/untrusted-media.md).',
    );
  return hasLimits
    ? ok(`ffmpeg runs in a room of its own (${isolation}), under limits.`)
    : warn(
        `ffmpeg runs in a room of its own (${isolation}), and without limits of memory and time.`,
        'Debian, Ubuntu: apt-get install util-linux (prlimit).',
      );
}

/** @param keepFreeBytes what has to stay free on the disk */
export async function checkDirectory(path: string, keepFreeBytes: number): Promise<Finding> {
  // A directory that is not there yet is made at the first start; looking makes none.
  const place = findExisting(resolve(path));
  const probe = join(place, `.doctor-${process.pid}-${randomUUID()}`);
  try {
    await access(place, constants.W_OK);
    const syncMs = await timeSync(probe);
    const { bavail, bsize } = await statfs(place);
    const free = bavail * bsize;
    const facts = `${path}: ${formatBytes(free)} free, a durable write takes ${syncMs.toFixed(1)} ms.`;
    if (free < keepFreeBytes) {
      return bad(
        `${facts} ${formatBytes(keepFreeBytes)} have to stay free, so every upload would be refused.`,
        'Make room, use a larger disk (dataDirectory), or lower keepFree.',
      );
    }
    return syncMs > SLOW_SYNC_MS
      ? warn(`${facts} That is slow.`, 'Put the data directory on a local SSD if you can.')
      : ok(facts);
  } catch (error) {
    return bad(
      `${path} cannot be written: ${messageOf(error)}.`,
      'Make the directory and give it to the user that runs Tributary.',
    );
  } finally {
    await rm(probe, { force: true }).catch(() => {});
  }
}

const findExisting = (path: string): string =>
  existsSync(path) || dirname(path) === path ? path : findExisting(dirname(path));

/** Median of some small writes, each confirmed by the disk; milliseconds. */
async function timeSync(path: string): Promise<number> {
  const file = await open(path, 'w');
  try {
    const block = Buffer.alloc(4_096);
    const times: number[] = [];
    for (let i = 0; i < SYNC_WRITES; i++) {
      const started = performance.now();
      await file.write(block, 0, block.length, 0);
      await file.datasync();
      times.push(performance.now() - started);
    }
    return times.sort((a, b) => a - b)[SYNC_WRITES >> 1] ?? 0;
  } finally {
    await file.close();
  }
}

/** The embedded database. A part that has none yet makes it at its first start. */
export function checkDatabase(path: string): Finding {
  if (!existsSync(path)) return ok(`${path} is made at the first start.`);
  try {
    const damage = findDamage(path);
    return damage === undefined
      ? ok(`${path} is sound.`)
      : bad(`${path} is damaged: ${damage}.`, 'Stop the part and restore the database from a backup.');
  } catch (error) {
    return bad(`${path} cannot be read as a database: ${messageOf(error)}.`, 'Restore it from a backup.');
  }
}

/** A database on a server; nothing is made or changed in it. */
export async function checkPostgres(url: string): Promise<Finding> {
  const name = nameOf(url);
  const db = new Kysely<unknown>({ dialect: openPostgresDialect(url, { max: 1 }) });
  try {
    await sql`select 1`.execute(db);
    return ok(`${name} answers.`);
  } catch (error) {
    return bad(
      `${name} cannot be used: ${messageOf(error)}.`,
      'Check that PostgreSQL is running, that "database" has its address, name, user and password, and that they are let in.',
    );
  } finally {
    await db.destroy();
  }
}

/** Free, or taken by the part itself that is running already. */
export async function checkPort({ host, port }: Listen, isTls = false): Promise<Finding> {
  const at = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const failure = await tryListen(host, port);
  if (failure === undefined) return ok(`${at} is free to listen on.`);
  if (failure === 'EADDRINUSE') {
    const local =
      host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : at.slice(0, at.lastIndexOf(':'));
    const alive = await (isTls ? fetchOverTls : fetchBody)(local, port).catch(() => undefined);
    return (alive as { status?: unknown } | undefined)?.status === 'alive'
      ? ok(`${at} is in use by a running Tributary.`)
      : bad(`${at} is in use by another program.`, 'End that program, or set another "listen".');
  }
  if (failure === 'EACCES') {
    return bad(
      `This user may not listen on ${at}.`,
      'Take a port above 1023 and put a proxy in front, or run it with the right to bind low ports.',
    );
  }
  return bad(`${at} cannot be listened on: ${failure}.`, 'Set "listen" to an address that this machine has.');
}

/** Another part, by its base URL: does it answer, and how far is its clock from ours? */
export async function checkPeer(what: string, baseUrl: string): Promise<readonly Finding[]> {
  const started = Date.now();
  let answer: { status: number; date: string | null };
  try {
    answer = await fetchJson(`${baseUrl}/healthz`);
  } catch (error) {
    const cause = error instanceof Error && error.cause ? messageOf(error.cause) : messageOf(error);
    return [
      bad(
        `${what}, ${baseUrl}, cannot be reached: ${cause}.`,
        'Check the address, the name server and the firewall between here and there, and that the part is running.',
      ),
    ];
  }
  const tookMs = Date.now() - started;
  if (answer.status !== 200) {
    return [
      bad(
        `${what}, ${baseUrl}, answers ${answer.status} instead of 200 to /healthz.`,
        'Is it a Tributary? If a proxy stands in front, it must pass every path on.',
      ),
    ];
  }
  return [
    ok(`${what}, ${baseUrl}, answers within ${tookMs} ms.`),
    ...checkClock(answer.date, started + tookMs / 2, what),
  ];
}

/** @param date the peer's Date header; it counts whole seconds */
export function checkClock(date: string | null, hereMs: number, what: string): readonly Finding[] {
  const there = Date.parse(date ?? '');
  if (Number.isNaN(there)) return [];
  const offsetMs = hereMs - (there + 500);
  const words = `This clock is ${(Math.abs(offsetMs) / 1_000).toFixed(1)} s ${offsetMs > 0 ? 'ahead of' : 'behind'} the clock of ${what.toLowerCase()}`;
  const advice = 'Let both machines follow a time server (timedatectl set-ntp true, or chrony).';
  if (Math.abs(offsetMs) > CLOCK_LIMIT_MS) return [bad(`${words}: signed calls will be refused.`, advice)];
  if (Math.abs(offsetMs) > CLOCK_NOTICE_MS) return [warn(`${words}.`, advice)];
  return [ok(`The clocks of this machine and ${what.toLowerCase()} agree.`)];
}

const fetchBody = async (host: string, port: number): Promise<unknown> =>
  (await fetchJson(`http://${host}:${port}/healthz`)).body;

/** Of this machine itself, so whatever name its certificate has. */
const fetchOverTls = async (host: string, port: number): Promise<unknown> => {
  const request = get({
    host: host.replace(/[[\]]/g, ''),
    port,
    path: '/healthz',
    rejectUnauthorized: false,
    agent: false,
    timeout: REACH_TIMEOUT_MS,
  });
  request.on('timeout', () => request.destroy(new Error('no answer')));
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return json(response);
};

const fetchJson = (url: string): Promise<{ status: number; date: string | null; body: unknown }> =>
  withinLimit(REACH_TIMEOUT_MS, undefined, async signal => {
    const response = await fetch(url, { signal, redirect: 'manual' });
    const text = (await response.text()).slice(0, 4_096);
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      body = undefined;
    }
    return { status: response.status, date: response.headers.get('date'), body };
  });

function formatBytes(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  return `${(bytes / 2 ** (10 * power)).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}
