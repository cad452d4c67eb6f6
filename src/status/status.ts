/** `tributary status`: says which of the configured parts run on this machine, and how they are. It changes nothing. */
import { existsSync, readFileSync } from 'node:fs';
import { get as getOverHttp, type IncomingMessage } from 'node:http';
import { get as getOverTls } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { ConfigError } from '../kernel/config/config-error.ts';
import type { Listen } from '../kernel/config/settings.ts';
import { messageOf } from '../kernel/problem.ts';

export interface PartSettings {
  readonly listen: Listen;
  readonly dataDirectory: string;
  readonly tlsCertificate?: string | undefined;
  readonly baseUrl?: string | undefined;
  readonly central?: string | undefined;
}

export interface ConfiguredPart {
  readonly part: 'central' | 'tracker' | 'site';
  /** @throws ConfigError */
  readonly read: () => PartSettings;
}

/** `misconfigured`: the section has an error. `unknown`: another program uses the port. */
export type PartState = 'ready' | 'not-ready' | 'stopped' | 'unknown' | 'misconfigured';

export interface PartStatus {
  readonly part: ConfiguredPart['part'];
  readonly state: PartState;
  /** Why the part is not ready, in a sentence. */
  readonly reason?: string;
  readonly listen?: string;
  readonly baseUrl?: string;
  readonly version?: string;
  readonly startedAt?: string;
  /** The central that a tracker or site has joined. */
  readonly joined?: string;
}

export interface StatusReport {
  /** The version of this command; a part that was not restarted after an upgrade has another one. */
  readonly version: string;
  readonly parts: readonly PartStatus[];
}

const TIMEOUT_MS = 5_000;
const MAX_BODY_BYTES = 64 * 1_024;

export async function findStatus(parts: readonly ConfiguredPart[], version: string): Promise<StatusReport> {
  return { version, parts: await Promise.all(parts.map(findPartStatus)) };
}

async function findPartStatus({ part, read }: ConfiguredPart): Promise<PartStatus> {
  let settings: PartSettings;
  try {
    settings = read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { part, state: 'misconfigured', reason: error.message };
  }
  const { host, port } = settings.listen;
  const known = {
    part,
    listen: `${host.includes(':') ? `[${host}]` : host}:${port}`,
    ...(settings.baseUrl === undefined ? {} : { baseUrl: settings.baseUrl }),
    ...findMembership(settings),
  };
  let health: Response;
  try {
    health = await fetchHere(settings, '/healthz');
  } catch (error) {
    return {
      ...known,
      state: 'stopped',
      reason: `Nothing responds at ${known.listen}: ${messageOf(error)}.`,
    };
  }
  const { status, part: found, version, startedAt } = health.body;
  if (status !== 'alive' || !isExpected(part, found)) {
    const other = typeof found === 'string' ? `the ${found} of another configuration` : 'another program';
    return { ...known, state: 'unknown', reason: `${known.listen} is in use by ${other}.` };
  }
  const running = { ...known, ...textsOf({ version, startedAt }) };
  const readiness = await fetchHere(settings, '/readyz').catch((error: unknown) => ({
    status: 0,
    body: { detail: messageOf(error) } as Response['body'],
  }));
  if (readiness.status === 200) return { ...running, state: 'ready' };
  const { detail } = readiness.body;
  return { ...running, state: 'not-ready', ...textsOf({ reason: detail }) };
}

/** A site may run as several parts. A part of an older version does not name itself. */
const isExpected = (part: ConfiguredPart['part'], found: unknown): boolean =>
  found === undefined || found === part || (part === 'site' && (found === 'buffer' || found === 'origin'));

/** A member stores the central that it has joined (src/kernel/membership/). */
function findMembership({ central, dataDirectory }: PartSettings): { readonly joined?: string } {
  const path = join(dataDirectory, 'member.json');
  if (central === undefined || !existsSync(path)) return {};
  try {
    return textsOf({
      joined: (JSON.parse(readFileSync(path, 'utf8')) as { centralUrl?: unknown }).centralUrl,
    });
  } catch {
    return {};
  }
}

const textsOf = (values: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );

interface Response {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Connects to this machine itself, so the name in a certificate is not checked. */
function fetchHere({ listen, tlsCertificate }: PartSettings, path: string): Promise<Response> {
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

const STATES: Readonly<Record<PartState, string>> = {
  ready: '✓ running and ready',
  'not-ready': '! running, not ready',
  stopped: '✗ not running',
  unknown: '✗ not running',
  misconfigured: '✗ has errors in its configuration',
};

/** The report as lines of text. */
export function formatStatus({ version, parts }: StatusReport): readonly string[] {
  return parts.flatMap(({ part, state, reason, ...rest }) => [
    `${part}  ${STATES[state]}`,
    ...(reason ? [`  ${reason}`] : []),
    ...(rest.listen ? [`  listen ${rest.listen}${rest.baseUrl ? `, base URL ${rest.baseUrl}` : ''}`] : []),
    ...(rest.version
      ? [
          `  version ${rest.version}${rest.startedAt ? `, started ${rest.startedAt}` : ''}${rest.version === version ? '' : ` (installed: ${version}; restart this part)`}`,
        ]
      : []),
    ...(rest.joined ? [`  has joined ${rest.joined}`] : []),
  ]);
}
