/** `tributary init`: writes a configuration with which a part starts as it is, and says what to do next. It starts nothing. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { access, appendFile, constants, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { listSections } from '../kernel/config/config.ts';
import { ConfigError } from '../kernel/config/config-error.ts';
import { errorCodeOf } from '../kernel/error-code.ts';
import { tryListen } from '../kernel/http/try-listen.ts';
import { findOwnIp } from '../kernel/own-address.ts';
import { messageOf } from '../kernel/problem.ts';
import { choosePort, formatSection, listenHostOf, type NewSection } from '../protocol/config-section.ts';

export type NewPart = NewSection['part'];

/** What the caller may choose. Everything else has a default that suits this machine. */
export interface InitOptions {
  readonly name?: string | undefined;
  readonly baseUrl?: string | undefined;
  readonly listen?: string | undefined;
  readonly dataDirectory?: string | undefined;
  readonly central?: string | undefined;
  readonly joinToken?: string | undefined;
}

export interface InitDeps {
  readonly part: NewPart;
  /** The configuration file. A section is added to an existing file. */
  readonly path: string;
  readonly options: InitOptions;
  /** How the caller runs the command, for example `npx tributary`. */
  readonly command: string;
  /** @throws ConfigError if a part cannot start with this section */
  readonly check: (part: NewPart, text: string) => void;
  readonly print: (line: string) => void;
}

/** The directory of the service (deploy/systemd/). */
const SERVICE_DIRECTORY = '/var/lib/tributary';
const PORTS_TO_TRY = 100;

/** @throws ConfigError that says which option is missing or wrong, or that the file has such a section */
export async function initPart({ part, path, options, command, check, print }: InitDeps): Promise<void> {
  const isNew = !existsSync(path);
  if (!isNew && listSections(path).includes(part)) {
    throw new ConfigError(
      `${path} already has a section [${part}]. Edit it, or write another file with --config FILE.`,
    );
  }
  const section = await makeSection(part, options);
  const text = formatSection(section);
  check(part, text);
  // Only the owner may read the tokens.
  try {
    if (isNew) await writeFile(path, text, { mode: 0o600, flag: 'wx' });
    else await appendFile(path, `${readFileSync(path, 'utf8').endsWith('\n') ? '' : '\n'}\n${text}`);
  } catch (cause) {
    const isMissing = errorCodeOf(cause) === 'ENOENT';
    const reason = isMissing ? `there is no directory ${dirname(path)}` : messageOf(cause);
    throw new ConfigError(`The file ${path} cannot be written: ${reason}.`, { cause });
  }
  print(`✓ ${isNew ? `Wrote ${path} (mode 0600)` : `Added [${part}] to ${path}`}.`);
  print('');
  if (section.part === 'site' && section.central === undefined) {
    print('This site works by itself. To publish to a central, add --central and --join-token.');
  }
  for (const line of describeNextSteps(section, `${command} ${part} --config ${quote(path)}`)) print(line);
}

async function makeSection(part: NewPart, options: InitOptions): Promise<NewSection> {
  const { central, joinToken } = options;
  const baseUrl = options.baseUrl ?? `http://${formatHost(findOwnIp())}:${await findFreePort(part)}`;
  requireBaseUrl('--base-url', baseUrl);
  const port = await choosePortHere(part, baseUrl);
  const base = {
    baseUrl,
    listen: options.listen ?? `${listenHostOf(baseUrl)}:${port}`,
    dataDirectory: options.dataDirectory
      ? resolve(options.dataDirectory)
      : await chooseDirectory(part, baseUrl),
    operatorToken: randomBytes(24).toString('hex'),
  };
  if (part === 'central') return { part, ...base };
  if (central !== undefined) requireBaseUrl('--central', central);
  if (central !== undefined && joinToken !== undefined) {
    if (part === 'tracker') return { part, ...base, central, joinToken };
    return { part, ...base, name: options.name ?? hostname(), central, joinToken };
  }
  if (part === 'site' && central === undefined && joinToken === undefined) {
    return { part, ...base, name: options.name ?? hostname() };
  }
  throw new ConfigError(
    `--central and --join-token are both required for a ${part}. On the admin page of central, select "Add a ${part}": it shows the complete command.`,
  );
}

const formatHost = (ip: string): string => (ip.includes(':') ? `[${ip}]` : ip);

function requireBaseUrl(option: string, text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.origin === text.replace(/\/$/, '')) return;
  throw new ConfigError(
    `${option} is "${text}", but must have only scheme, host and port. Example: https://video.example.edu`,
  );
}

async function choosePortHere(part: NewPart, baseUrl: string): Promise<number> {
  const port = choosePort(part, baseUrl, []);
  return Number(new URL(baseUrl).port) === port ? port : findFreePort(part);
}

async function findFreePort(part: NewPart): Promise<number> {
  const taken: number[] = [];
  while (taken.length < PORTS_TO_TRY) {
    const port = choosePort(part, 'https://any', taken);
    if ((await tryListen('0.0.0.0', port)) === undefined) return port;
    taken.push(port);
  }
  throw new ConfigError(
    `No free port was found from ${taken[0]} to ${taken.at(-1)}. Use --listen HOST:PORT.`,
  );
}

/** The directory of the service if this user may write it, otherwise one below the current directory. It must be new. */
/** Named after the part's address, so that two parts never get the same directory, even if neither has been started. */
async function chooseDirectory(part: NewPart, baseUrl: string): Promise<string> {
  const isService = await access(SERVICE_DIRECTORY, constants.W_OK).then(
    () => true,
    () => false,
  );
  const address = new URL(baseUrl).host.replaceAll(/[^a-z0-9.-]+/g, '-').replaceAll(/^-|-$/g, '');
  const first = join(isService ? SERVICE_DIRECTORY : resolve('data'), `${part}-${address}`);
  for (let number = 1; ; number++) {
    const path = number === 1 ? first : `${first}-${number}`;
    if (!existsSync(path)) return path;
  }
}

/** Quotes an argument for a POSIX shell if it needs quotes. */
const quote = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

function describeNextSteps(section: NewSection, start: string): readonly string[] {
  const { part, baseUrl, operatorToken } = section;
  const isProxied = new URL(baseUrl).protocol === 'https:';
  const proxy = isProxied ? [`Let a TLS proxy forward ${baseUrl} to ${section.listen}.`] : [];
  const steps = {
    central: [
      `Start central:        ${start}`,
      ...proxy,
      `Open the admin page:  ${baseUrl}/admin`,
      `Sign in with the operator token:  ${operatorToken}`,
      'Add a tracker and the sites: the page shows the command for each.',
    ],
    tracker: [
      `Start the tracker within 30 minutes, while the join token is valid:  ${start}`,
      ...proxy,
      'The admin page of central shows when it has joined.',
    ],
    site: [
      section.part === 'site' && section.central === undefined
        ? `Start the site:  ${start}`
        : `Start the site within 30 minutes, while the join token is valid:  ${start}`,
      ...proxy,
      `Open the studio and upload a video:  ${baseUrl}`,
      `Sign in with the operator token of this site:  ${operatorToken}`,
    ],
  };
  return ['Next:', ...steps[part].map((step, index) => `  ${index + 1}. ${step}`)];
}
