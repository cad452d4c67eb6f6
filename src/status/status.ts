/** `tributary status`: says which of the configured parts run on this machine, and how they are. It changes nothing. */
import { ConfigError } from '../kernel/config/config-error.ts';
import {
  fetchHere,
  findOther,
  type PartName,
  type PartPlace,
  type PartResponse,
  readMembership,
} from '../kernel/membership/running-part.ts';
import { messageOf } from '../kernel/problem.ts';

export interface PartSettings extends PartPlace {
  readonly central?: string | undefined;
}

export interface ConfiguredPart {
  readonly part: PartName;
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
  let health: PartResponse;
  try {
    health = await fetchHere(settings, '/healthz');
  } catch (error) {
    return {
      ...known,
      state: 'stopped',
      reason: `Nothing responds at ${known.listen}: ${messageOf(error)}.`,
    };
  }
  const { version, startedAt } = health.body;
  const other = await findOther(part, settings, health.body);
  if (other !== undefined)
    return { ...known, state: 'unknown', reason: `${known.listen} is in use by ${other}.` };
  const running = { ...known, ...textsOf({ version, startedAt }) };
  const readiness = await fetchHere(settings, '/readyz').catch((error: unknown) => ({
    status: 0,
    body: { detail: messageOf(error) } as PartResponse['body'],
  }));
  if (readiness.status === 200) return { ...running, state: 'ready' };
  const { detail } = readiness.body;
  return { ...running, state: 'not-ready', ...textsOf({ reason: detail }) };
}

function findMembership({ central, dataDirectory }: PartSettings): { readonly joined?: string } {
  if (central === undefined) return {};
  const stored = readMembership(dataDirectory);
  return stored.state === 'joined' ? textsOf({ joined: stored.centralUrl }) : {};
}

const textsOf = (values: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );

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
