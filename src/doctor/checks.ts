/** The checks of `tributary doctor`. Each examines one thing, and returns a finding with advice if it finds a problem. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { constants, existsSync } from 'node:fs';
import { access, open, readFile, rm, statfs } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { networkInterfaces } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { json } from 'node:stream/consumers';
import type { Listen } from '../kernel/config/settings.ts';
import { formatSize } from '../kernel/config/size.ts';
import { findFfmpeg } from '../kernel/ffmpeg.ts';
import { findStats } from '../kernel/files.ts';
import { tryListen } from '../kernel/http/try-listen.ts';
import { withinLimit } from '../kernel/lifecycle/time-limit.ts';
import { messageOf } from '../kernel/problem.ts';
import { testPostgresConnection } from '../kernel/sql/postgres.ts';
import { nameOf } from '../kernel/sql/sql.ts';
import { findDamage } from '../kernel/sql/sqlite.ts';

/** With a `warning` the part works, but should be improved. */
export type Verdict = 'ok' | 'warning' | 'error';

export interface Finding {
  readonly verdict: Verdict;
  /** The finding, in a sentence. */
  readonly text: string;
  /** How to fix the problem. */
  readonly advice?: string;
}

const ok = (text: string): Finding => ({ verdict: 'ok', text });
const warning = (text: string, advice: string): Finding => ({ verdict: 'warning', text, advice });
const error = (text: string, advice: string): Finding => ({ verdict: 'error', text, advice });

const REACH_TIMEOUT_MS = 5_000;
const OBJECT_STORE_TIMEOUT_MS = 30_000;
/** Signed calls are rejected beyond an offset of 60 s. Half of that leaves a margin for the network. */
const CLOCK_LIMIT_MS = 30_000;
const CLOCK_NOTICE_MS = 2_000;
const SYNC_WRITES = 20;
/** The commit of a record waits for one such write. */
const SLOW_SYNC_MS = 20;

export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 20 || (major === 20 && minor >= 19)
    ? ok(`Node ${version}.`)
    : error(`Node ${version} is too old.`, 'Install Node 20.19 or later.');
}

export function checkFfmpeg(environment: Readonly<Record<string, string | undefined>>): Finding {
  const path = findFfmpeg(environment);
  return path
    ? ok(`ffmpeg with H.264 (x264) and AAC encoders: ${path}.`)
    : warning(
        'No ffmpeg with the x264 and AAC encoders was found. Only sources that browsers can play will work.',
        'Install it (Debian, Ubuntu: apt-get install ffmpeg), or set FFMPEG_PATH.',
      );
}

/** @param ffprobe the program that belongs to the ffmpeg that was found */
export const checkFfprobe = (ffprobe: string | undefined): Finding =>
  ffprobe
    ? ok(`ffprobe: ${ffprobe}.`)
    : warning(
        'There is no ffprobe for this ffmpeg, so nothing is converted. Only sources that browsers can play will work.',
        'Install both (Debian, Ubuntu: apt-get install ffmpeg).',
      );

/** The sandbox in which uploaded media is decoded (docs/untrusted-media.md). */
export interface Sandbox {
  /** The program that isolates ffmpeg, or `none`. */
  readonly isolation: string;
  /** True if memory, time and file sizes are limited. */
  readonly hasLimits: boolean;
  /** True if AppArmor permits user namespaces only to programs whose profile allows them (Ubuntu since 23.10). */
  readonly isRestricted?: boolean;
}

const RESTRICTION = '/proc/sys/kernel/apparmor_restrict_unprivileged_userns';

export async function findNamespaceRestriction(path = RESTRICTION): Promise<boolean> {
  return (await readFile(path, 'utf8').catch(() => '0')).trim() === '1';
}

/** Lets bubblewrap create user namespaces, and nothing else. */
const APPARMOR_ADVICE = `AppArmor does not let bubblewrap create user namespaces. Install bubblewrap (apt-get install bubblewrap), and as root run:
cat > /etc/apparmor.d/bwrap <<'END'
abi <abi/4.0>,
include <tunables/global>
profile bwrap /usr/bin/bwrap flags=(unconfined) {
  userns,
  include if exists <local/bwrap>
}
END
apparmor_parser -r /etc/apparmor.d/bwrap`;

export function checkSandbox({ isolation, hasLimits, isRestricted = false }: Sandbox): Finding {
  if (isolation === 'none' && isRestricted)
    return warning(
      "ffmpeg cannot be sandboxed on this machine: a decoder exploit would run with the site's privileges.",
      APPARMOR_ADVICE,
    );
  if (isolation === 'none')
    return warning(
      "ffmpeg cannot be sandboxed on this machine: a decoder exploit would run with the site's privileges.",
      'Debian, Ubuntu: apt-get install bubblewrap util-linux. In a container, allow user namespaces (docs/untrusted-media.md).',
    );
  return hasLimits
    ? ok(`ffmpeg is sandboxed (${isolation}) with resource limits.`)
    : warning(
        `ffmpeg is sandboxed (${isolation}), but without limits for memory and time.`,
        'Debian, Ubuntu: apt-get install util-linux (prlimit).',
      );
}

/** Checks that other users of this machine cannot read the data of a part. @returns nothing if it does not exist yet */
export async function checkAccess(dataDirectory: string): Promise<readonly Finding[]> {
  const mode = (await findStats(dataDirectory))?.mode;
  if (mode === undefined) return [];
  // Nobody else reaches a file in a directory that only its owner may enter.
  if ((mode & 0o077) === 0) return [ok(`${dataDirectory}: only its owner can read it.`)];
  return [
    warning(
      `${dataDirectory}: other users of this machine can enter it (mode ${(mode & 0o777).toString(8)}), and may read keys and videos.`,
      `chmod 700 ${dataDirectory}. The next start does this too, if the directory belongs to the user of the part.`,
    ),
  ];
}

/** Checks that not everyone can read the configuration, which contains the operator token. A group may: that of the service. */
export async function checkConfigAccess(path: string): Promise<readonly Finding[]> {
  const stats = await findStats(path);
  const mode = stats?.mode;
  if (mode === undefined) return [];
  if ((mode & 0o007) === 0) {
    const owner = stats?.uid === process.getuid?.() ? 'you' : 'its owner';
    return [ok(`${path}: only ${owner}${mode & 0o070 ? ' and its group' : ''} can read it.`)];
  }
  return [
    warning(
      `${path}: everyone on this machine can read the operator token in it (mode ${(mode & 0o777).toString(8)}).`,
      `chmod 600 ${path}, or 640 if it belongs to root and the group of the service.`,
    ),
  ];
}

/** @param keepFreeBytes the space that must stay free on the disk */
export async function checkDirectory(path: string, keepFreeBytes: number): Promise<Finding> {
  // The first start makes a missing directory, and this check must not, so it examines the nearest existing parent.
  const existing = findExisting(resolve(path));
  const probe = join(existing, `.doctor-${process.pid}-${randomUUID()}`);
  try {
    await access(existing, constants.W_OK);
    const syncMs = await timeSync(probe);
    const { bavail, bsize } = await statfs(existing);
    const free = bavail * bsize;
    const facts = `${path}: ${formatSize(free)} free, a durable write takes ${syncMs.toFixed(1)} ms.`;
    if (free < keepFreeBytes) {
      return error(
        `${facts} ${formatSize(keepFreeBytes)} must stay free, so every upload would be rejected.`,
        'Free some space, use a larger disk (dataDirectory), or reduce keepFree.',
      );
    }
    return syncMs > SLOW_SYNC_MS
      ? warning(`${facts} This is slow.`, 'If possible, put the data directory on a local SSD.')
      : ok(facts);
  } catch (cause) {
    return error(
      `${path} is not writable: ${messageOf(cause)}.`,
      'Create the directory and make the user that runs Tributary its owner.',
    );
  } finally {
    await rm(probe, { force: true }).catch(() => {});
  }
}

const findExisting = (path: string): string =>
  existsSync(path) || dirname(path) === path ? path : findExisting(dirname(path));

/** Returns the median time of a small write that the disk confirms, in milliseconds. */
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

/** Checks the embedded database. A missing database is no problem, because the first start of the part creates it. */
export function checkDatabase(path: string): Finding {
  if (!existsSync(path)) return ok(`${path} will be created at the first start.`);
  try {
    const damage = findDamage(path);
    return damage === undefined
      ? ok(`${path} is intact.`)
      : error(`${path} is damaged: ${damage}.`, 'Stop the part and restore the database from a backup.');
  } catch (cause) {
    return error(`${path} is not a readable database: ${messageOf(cause)}.`, 'Restore it from a backup.');
  }
}

/** Checks the connection to a PostgreSQL database. It changes nothing in the database. */
export async function checkPostgres(url: string): Promise<Finding> {
  const name = nameOf(url);
  try {
    await testPostgresConnection(url);
    return ok(`${name} responds.`);
  } catch (cause) {
    return error(
      `${name} cannot be used: ${messageOf(cause)}.`,
      'Check that PostgreSQL is running, that the address, database, user and password in `database` are right and the user may connect (pg_hba.conf).',
    );
  }
}

export interface ObjectStoreToCheck {
  readonly endpoint: string;
  readonly bucket: string;
  /** Rejects unless files can be stored, read and deleted. */
  readonly test: () => Promise<void>;
}

/** Checks that the object store stores, returns and deletes a file. */
export async function checkObjectStore({ endpoint, bucket, test }: ObjectStoreToCheck): Promise<Finding> {
  const name = `The object store ${endpoint} (bucket ${bucket})`;
  try {
    await withinLimit(OBJECT_STORE_TIMEOUT_MS, undefined, test);
    return ok(`${name} stores, returns and deletes files.`);
  } catch (cause) {
    return error(
      `${name} cannot be used: ${messageOf(cause) || String(cause)}.`,
      'Check endpoint, region, bucket and keys in `s3`. Some stores refuse the bucket in the path of an address (set pathStyle = false), others know no names like bucket.host (pathStyle = true).',
    );
  }
}

/** Names and addresses that are reserved for documentation (RFC 2606, RFC 5737, RFC 3849), as in the sample configuration. */
const EXAMPLE_ADDRESS =
  /(?:^|\/\/|\.)example(?:\.(?:com|edu|net|org))?(?:[:/]|$)|\/\/192\.0\.2\.|^192\.0\.2\.|198\.51\.100\.|203\.0\.113\.|\[2001:db8:/i;

/** @param addresses the addresses of a section by the names of their settings */
export function checkExampleAddresses(
  addresses: Readonly<Record<string, string | undefined>>,
): readonly Finding[] {
  // A test network may use these addresses, and then this machine has one.
  const own = Object.values(networkInterfaces()).flatMap(found => found?.map(({ address }) => address) ?? []);
  const found = Object.entries(addresses).filter(
    ([, address]) => address && EXAMPLE_ADDRESS.test(address) && !own.some(ip => address.includes(ip)),
  );
  return found.map(([name, address]) =>
    error(`\`${name}\` is the example address ${address}.`, 'Replace it with the real address.'),
  );
}

/** Says which program uses the port if it is not the configured part. The argument is the response to /healthz. */
type FindOther = (health: Readonly<Record<string, unknown>>) => Promise<string | undefined>;

/** Checks that a port is free, or used by the part itself, which is already running. */
export async function checkPort(
  { host, port }: Listen,
  isTls = false,
  findOther: FindOther = async () => undefined,
): Promise<Finding> {
  const at = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const failure = await tryListen(host, port);
  if (failure === undefined) return ok(`${at} is free.`);
  if (failure === 'EADDRINUSE') {
    const local =
      host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : at.slice(0, at.lastIndexOf(':'));
    const alive = await (isTls ? fetchOverTls : fetchBody)(local, port).catch(() => undefined);
    const health = { ...(alive as Readonly<Record<string, unknown>> | undefined) };
    if (health.status !== 'alive')
      return error(`${at} is in use by another program.`, 'Stop that program, or change `listen`.');
    const other = await findOther(health);
    return other === undefined
      ? ok(`${at} is in use by a running part of Tributary.`)
      : error(`${at} is in use by ${other}.`, 'Stop that part, or change `listen`.');
  }
  if (failure === 'EACCES') {
    return error(
      `This user may not listen on ${at}.`,
      'Use a port above 1023 behind a proxy, or give the user the right to bind low ports.',
    );
  }
  return error(`Cannot listen on ${at}: ${failure}.`, 'Set `listen` to an address of this machine.');
}

/** What decides whether a tracker or a site joins central. */
export interface MemberToCheck {
  readonly membership: 'joined' | 'missing' | 'unreadable';
  readonly dataDirectory: string;
  readonly joinToken: string | undefined;
}

const NEW_TOKEN =
  'On the admin page of central, select "New token" (for a tracker: "Add a tracker"), set `joinToken`, and start this part again.';

/** Checks that a part with a central has joined it. */
export function checkMembership({ membership, dataDirectory, joinToken }: MemberToCheck): Finding {
  if (membership === 'joined') return ok('It has joined central.');
  if (membership === 'unreadable')
    return warning(
      `${join(dataDirectory, 'member.json')} cannot be read, so it is not known whether this part has joined central.`,
      'Run this command as the user that runs Tributary.',
    );
  if (!joinToken) return error('It has not joined central, and no `joinToken` is set.', NEW_TOKEN);
  return existsSync(join(dataDirectory, 'member.key'))
    ? error(
        'It has started, but has not joined central. The join token may be used, unknown or older than 30 minutes; the log says which.',
        NEW_TOKEN,
      )
    : ok('It will join central at its first start.');
}

/** Checks that another part responds at its base URL, and how far its clock is from that of this machine. */
export async function checkPeer(what: string, baseUrl: string): Promise<readonly Finding[]> {
  const started = Date.now();
  let response: { status: number; date: string | null };
  try {
    response = await fetchJson(`${baseUrl}/healthz`);
  } catch (failure) {
    const cause = failure instanceof Error && failure.cause ? failure.cause : failure;
    return [
      error(
        `${what}, ${baseUrl}, cannot be reached: ${messageOf(cause)}.`,
        'Check that the part is running, that the address is right, and that name servers and firewalls let the connection through.',
      ),
    ];
  }
  const tookMs = Date.now() - started;
  if (response.status !== 200) {
    return [
      error(
        `${what}, ${baseUrl}, responds with ${response.status} instead of 200 to /healthz.`,
        'Check that a part of Tributary runs there. A proxy in front of it must forward every path.',
      ),
    ];
  }
  return [
    ok(`${what}, ${baseUrl}, responds within ${tookMs} ms.`),
    ...checkClock(response.date, started + tookMs / 2, what),
  ];
}

/** @param date the Date header of the peer, which has a resolution of one second */
export function checkClock(date: string | null, hereMs: number, what: string): readonly Finding[] {
  const there = Date.parse(date ?? '');
  if (Number.isNaN(there)) return [];
  const offsetMs = hereMs - (there + 500);
  const text = `The clock of this machine is ${(Math.abs(offsetMs) / 1_000).toFixed(1)} s ${offsetMs > 0 ? 'ahead of' : 'behind'} the clock of ${what.toLowerCase()}`;
  const advice = 'Synchronise both machines with a time server (timedatectl set-ntp true, or chrony).';
  if (Math.abs(offsetMs) > CLOCK_LIMIT_MS) return [error(`${text}: signed calls will be rejected.`, advice)];
  if (Math.abs(offsetMs) > CLOCK_NOTICE_MS) return [warning(`${text}.`, advice)];
  return [ok(`The clocks of this machine and ${what.toLowerCase()} agree.`)];
}

const fetchBody = async (host: string, port: number): Promise<unknown> =>
  (await fetchJson(`http://${host}:${port}/healthz`)).body;

/** Connects to this machine itself, so it does not check the name in the certificate. */
const fetchOverTls = async (host: string, port: number): Promise<unknown> => {
  const request = get({
    host: host.replace(/[[\]]/g, ''),
    port,
    path: '/healthz',
    rejectUnauthorized: false,
    agent: false,
    timeout: REACH_TIMEOUT_MS,
  });
  request.on('timeout', () => request.destroy(new Error('no response')));
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return json(response);
};

const fetchJson = (url: string): Promise<{ status: number; date: string | null; body: unknown }> =>
  withinLimit(REACH_TIMEOUT_MS, undefined, async abort => {
    const response = await fetch(url, { signal: abort, redirect: 'manual' });
    const text = (await response.text()).slice(0, 4_096);
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      body = undefined;
    }
    return { status: response.status, date: response.headers.get('date'), body };
  });
