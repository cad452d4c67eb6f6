/** Asks the part that listens on this machine which one it is: the ports of two configurations may be the same. */
import { readFileSync } from 'node:fs';
import { get as getOverHttp, type IncomingMessage } from 'node:http';
import { get as getOverTls } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Listen } from '../config/settings.ts';
import { errorCodeOf } from '../error-code.ts';

export type PartName = 'central' | 'tracker' | 'site';

export interface PartPlace {
  readonly listen: Listen;
  readonly dataDirectory: string;
  readonly tlsCertificate?: string | undefined;
  readonly baseUrl?: string | undefined;
}

export interface PartResponse {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

const TIMEOUT_MS = 5_000;
const MAX_BODY_BYTES = 64 * 1_024;

/** Connects to this machine itself, so the name in a certificate is not checked. */
export function fetchHere(
  { listen, tlsCertificate }: Pick<PartPlace, 'listen' | 'tlsCertificate'>,
  path: string,
): Promise<PartResponse> {
  const any: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
  const host = any[listen.host] ?? listen.host;
  return new Promise((resolve, reject) => {
    const receive = (response: IncomingMessage): void => {
      text(response).then(body => resolve({ status: response.statusCode ?? 0, body: parse(body) }), reject);
    };
    const options = { host, port: listen.port, path, agent: false, timeout: TIMEOUT_MS } as const;
    const request = tlsCertificate
      ? getOverTls({ ...options, rejectUnauthorized: false }, receive)
      : getOverHttp(options, receive);
    request.on('timeout', () => request.destroy(new Error(`no response within ${TIMEOUT_MS / 1_000} s`)));
    request.on('error', reject);
  });
}

function parse(body: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(body.slice(0, MAX_BODY_BYTES));
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  } catch {
    return {};
  }
}

/** What a member has stored about its membership of a central. */
export type StoredMembership =
  | { readonly state: 'missing' | 'unreadable' }
  | { readonly state: 'joined'; readonly id: unknown; readonly centralUrl: unknown };

export function readMembership(dataDirectory: string): StoredMembership {
  try {
    const stored = JSON.parse(readFileSync(join(dataDirectory, 'member.json'), 'utf8')) as {
      id?: unknown;
      centralUrl?: unknown;
    };
    return { state: 'joined', id: stored.id, centralUrl: stored.centralUrl };
  } catch (error) {
    return { state: errorCodeOf(error) === 'ENOENT' ? 'missing' : 'unreadable' };
  }
}

/**
 * Says which program uses the address of a part if it is not that part.
 *
 * @param health the response to /healthz
 */
export async function findOther(
  part: PartName,
  place: PartPlace,
  health: PartResponse['body'],
): Promise<string | undefined> {
  const { status, part: found } = health;
  if (status !== 'alive') return 'another program';
  if (!isExpected(part, found)) {
    return typeof found === 'string' ? `the ${found} of another configuration` : 'another program';
  }
  if (found !== 'site') return undefined;
  const site = await fetchHere(place, '/api/site').catch(() => undefined);
  return site?.status === 200 && isOtherSite(site.body, place)
    ? `the site "${String(site.body.name)}" (${String(site.body.baseUrl)}) of another configuration`
    : undefined;
}

/** A site may run as several parts. A part of an older version does not name itself. */
const isExpected = (part: PartName, found: unknown): boolean =>
  found === undefined || found === part || (part === 'site' && (found === 'buffer' || found === 'origin'));

/**
 * The ids decide if both are known, because the settings may have been edited since the start. A site that has not joined has
 * none, and a relative data directory is found only from the directory of the start.
 */
function isOtherSite(site: PartResponse['body'], { dataDirectory, baseUrl }: PartPlace): boolean {
  const stored = readMembership(dataDirectory);
  const ownId = stored.state === 'joined' ? stored.id : undefined;
  if (ownId !== undefined && site.id !== undefined) return ownId !== site.id;
  return baseUrl !== undefined && typeof site.baseUrl === 'string' && site.baseUrl !== baseUrl;
}
