/** The configuration section of a new part, complete enough to start it. The invitation of central and `tributary init` share it. */

interface SectionBase {
  /** An address to listen on, for example `0.0.0.0:8090`. */
  readonly listen: string;
  readonly baseUrl: string;
  readonly dataDirectory: string;
  readonly operatorToken: string;
}
interface Membership {
  readonly central: string;
  readonly joinToken: string;
}
export type NewSection =
  | ({ readonly part: 'central' } & SectionBase)
  | ({ readonly part: 'tracker' } & SectionBase & Membership)
  | ({ readonly part: 'site'; readonly name: string } & SectionBase & Partial<Membership>);

/** TOML: its basic strings have the syntax of JSON strings. */
const setting = (key: string, value: string): string => `${key} = ${JSON.stringify(value)}`;

const TOKEN_COMMENT: Readonly<Record<NewSection['part'], string>> = {
  central: '# Operators sign in on the admin page with this token.',
  tracker: '# The operator token of this tracker.',
  site: '# Uploaders enter this token in the studio of this site.',
};

export function formatSection(section: NewSection): string {
  const { part, listen, baseUrl, dataDirectory, operatorToken } = section;
  return [
    `[${part}]`,
    ...(part === 'site' ? [setting('name', section.name)] : []),
    setting('baseUrl', baseUrl),
    ...formatListen(part, listen, baseUrl),
    '# The database, the keys and the files. Back it up.',
    setting('dataDirectory', dataDirectory),
    TOKEN_COMMENT[part],
    setting('operatorToken', operatorToken),
    ...(part !== 'central' && section.central !== undefined && section.joinToken !== undefined
      ? [
          setting('central', section.central),
          '# Used once, at the first start.',
          setting('joinToken', section.joinToken),
        ]
      : []),
    '',
  ].join('\n');
}

function formatListen(part: NewSection['part'], listen: string, baseUrl: string): readonly string[] {
  const { port, protocol } = new URL(baseUrl);
  if (protocol === 'http:' && listen.endsWith(`:${port || '80'}`)) return [setting('listen', listen)];
  return [
    `# A proxy at ${baseUrl} must forward all requests to this port.`,
    setting('listen', listen),
    ...(part === 'central' ? [] : ['# trustedProxies = ["192.0.2.1/32"]  # the address of that proxy']),
  ];
}

const FIRST_PORT: Readonly<Record<NewSection['part'], number>> = { central: 8080, tracker: 8081, site: 8090 };
/** A user without privileges may not listen below this port. */
const FIRST_FREE_PORT = 1_024;

/**
 * The port on which a part with this base URL should listen: that of the URL if there is no proxy in front, otherwise the first
 * port from the default of the part that is not in `taken`.
 */
export function choosePort(part: NewSection['part'], baseUrl: string, taken: readonly number[]): number {
  const { protocol, port } = new URL(baseUrl);
  if (protocol === 'http:' && Number(port) >= FIRST_FREE_PORT) return Number(port);
  let chosen = FIRST_PORT[part];
  while (taken.includes(chosen)) chosen++;
  return chosen;
}

/** The host part of a listen address: all addresses of the machine, unless only this machine can use `baseUrl`. */
export function listenHostOf(baseUrl: string): string {
  const { hostname } = new URL(baseUrl);
  if (/^127\.|^\[::1\]$/.test(hostname)) return hostname;
  return hostname.startsWith('[') ? '[::]' : '0.0.0.0';
}
