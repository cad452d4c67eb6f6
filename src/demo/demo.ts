/**
 * The demo: a central, a tracker and three sites on this machine. Each is the real command in a separate process, with a
 * configuration file that anyone may read. The demo sets them up only through their public calls.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { writeDurably } from '../kernel/files.ts';
import { makeDataDirectory } from '../kernel/lifecycle/data-directory.ts';
import { startPart } from '../kernel/lifecycle/lifetime.ts';
import { createLog } from '../kernel/log.ts';
import { newSiteResponseSchema, newTrackerResponseSchema } from '../protocol/central.ts';
import { formatCentralConfig, formatSiteConfig, formatTrackerConfig } from './configs.ts';
import { type DemoLayout, type DemoSite, planDemo } from './layout.ts';
import { type Command, type Part, READY_TIMEOUT_MS, spawnPart, stopPart, waitUntilReady } from './part.ts';
import { assignAuthor, DEMO_PEOPLE, postToCentral, printLinks } from './people.ts';
import { publishSample } from './publish-sample.ts';
import { readOrMakeToken, requireFreePorts, requireSameAddresses } from './requirements.ts';

export interface DemoOptions {
  readonly dataDirectory: string;
  readonly port: number;
  /** The command that starts a part, without the arguments `central --config FILE`. */
  readonly command: Command;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly print: (line: string) => void;
}

export interface RunningDemo {
  /** Resolves with the name of the first part that ends by itself. */
  readonly partEnded: Promise<string>;
  stop(): Promise<void>;
}

/** What the steps of the start share. */
interface DemoContext {
  readonly options: DemoOptions;
  readonly layout: DemoLayout;
  readonly token: string;
  /** Starts a part in the lifetime of the demo. */
  readonly start: (name: string, command: string, config: string) => Part;
}

/** @throws StartupError if a port is in use, or the data belong to other addresses. A failed start ends every part. */
export const startDemo = (options: DemoOptions): Promise<RunningDemo> =>
  startPart({ part: 'demo', log: createLog('demo', 'warn') }, async lifetime => {
    const layout = await planDemo(resolve(options.dataDirectory), options.port);
    await requireFreePorts(layout);
    await makeDataDirectory(layout.dataDirectory);
    await mkdir(join(layout.dataDirectory, 'logs'), { recursive: true, mode: 0o700 });
    const stateFile = join(layout.dataDirectory, 'demo.json');
    await rm(stateFile, { force: true });
    await requireSameAddresses(layout);
    const token = await readOrMakeToken(join(layout.dataDirectory, 'operator.token'));

    const parts: Part[] = [];
    // The parts stop at the same time, because each may take seconds.
    lifetime.add('parts', () => Promise.all(parts.map(stopPart)));
    lifetime.add('demo.json', () => rm(stateFile, { force: true }));
    const { command, environment } = options;
    const context: DemoContext = {
      options,
      layout,
      token,
      start(name, part, config) {
        const log = join(layout.dataDirectory, 'logs', `${name}.log`);
        const started = spawnPart(name, [...command, part, '--config', config], { log, environment });
        parts.push(started);
        return started;
      },
    };

    const central = await startCentral(context);
    const tracker = await startTracker(context);
    const isFirstStart = !layout.sites.some(site => hasJoined(site.directory));
    const sites: StartedSite[] = [];
    for (const [index, site] of layout.sites.entries()) sites.push(await startSite(context, site, index));
    await waitUntilReady(tracker, layout.trackerUrl);
    options.print(`✓ tracker            ${layout.trackerUrl}`);
    for (const site of sites) await waitForSite(site, options.print);
    const [first] = sites;
    if (first && isFirstStart) await assignAuthor(layout, token, readMemberId(first.site.directory));
    await publishSample({ layout, token, environment, print: options.print });

    const state = {
      central: layout.centralUrl,
      tracker: layout.trackerUrl,
      token,
      sites: sites.map(({ site, config, part }) => ({
        id: readMemberId(site.directory),
        name: site.name,
        url: site.url,
        viewer: site.viewer,
        config,
        pid: part.process.pid,
      })),
      people: DEMO_PEOPLE.map(({ id, name, role }) => ({ id, name, role })),
      pids: { central: central.process.pid, tracker: tracker.process.pid },
    };
    printWelcome(layout, token, options.print);
    await printLinks(layout, token, options.print);
    options.print(
      'Upload a video in a studio, then watch it from the catalogue. Press Ctrl-C to stop everything.',
    );
    // The last step, so that a program that waits for the file can stop the demo at once.
    await writeDurably(stateFile, `${JSON.stringify(state, null, 2)}\n`, 0o600);
    return { partEnded: Promise.race(parts.map(part => part.ended.then(() => part.name))) };
  });

async function startCentral({ options, layout, token, start }: DemoContext): Promise<Part> {
  const config = join(layout.dataDirectory, 'central.toml');
  await writeFile(config, formatCentralConfig(layout, token), { mode: 0o600 });
  const central = start('central', 'central', config);
  await waitUntilReady(central, layout.centralUrl);
  options.print(`✓ central            ${layout.centralUrl}`);
  return central;
}

async function startTracker({ layout, token, start }: DemoContext): Promise<Part> {
  const config = join(layout.dataDirectory, 'tracker.toml');
  const joinToken = hasJoined(join(layout.dataDirectory, 'tracker'))
    ? undefined
    : (
        await postToCentral(`${layout.centralUrl}/api/trackers`, token, newTrackerResponseSchema, {
          name: 'Demo tracker',
          baseUrl: layout.trackerUrl,
        })
      ).joinToken;
  await writeFile(config, formatTrackerConfig(layout, token, joinToken), { mode: 0o600 });
  return start('tracker', 'tracker', config);
}

interface StartedSite {
  readonly site: DemoSite;
  readonly config: string;
  readonly part: Part;
}

async function startSite(
  { layout, token, start }: DemoContext,
  site: DemoSite,
  index: number,
): Promise<StartedSite> {
  const config = join(layout.dataDirectory, `site-${index + 1}.toml`);
  const { name, url: baseUrl, coordinates, zone } = site;
  const joinToken = hasJoined(site.directory)
    ? undefined
    : (
        await postToCentral(`${layout.centralUrl}/api/sites`, token, newSiteResponseSchema, {
          name,
          baseUrl,
          coordinates,
          zone,
        })
      ).joinToken;
  await writeFile(config, formatSiteConfig(layout, site, token, joinToken), { mode: 0o600 });
  return { site, config, part: start(`site-${index + 1}`, 'site', config) };
}

async function waitForSite({ site, part }: StartedSite, print: DemoOptions['print']): Promise<void> {
  await waitUntilReady(part, site.url);
  await waitUntilJoined(site);
  print(`✓ site ${site.name}  ${site.url}`);
}

const memberFile = (directory: string): string => join(directory, 'member.json');
const hasJoined = (directory: string): boolean => existsSync(memberFile(directory));

const readMemberId = (directory: string): string =>
  z.object({ id: z.string() }).parse(JSON.parse(readFileSync(memberFile(directory), 'utf8'))).id;

async function waitUntilJoined(site: DemoSite): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (!hasJoined(site.directory)) {
    if (Date.now() > deadline) throw new Error(`${site.name} could not join central. See its log.`);
    await sleep(25);
  }
}

function printWelcome(layout: DemoLayout, token: string, print: DemoOptions['print']): void {
  print('');
  print(`  Catalogue  ${layout.centralUrl}/`);
  print(`  Admin      ${layout.centralUrl}/admin#token=${token}`);
  for (const site of layout.sites) print(`  Studio     ${site.url}/   (${site.name})`);
  print('');
  print(`  Operator token  ${token}`);
  print(`  Data and logs   ${layout.dataDirectory}`);
  print('');
}
