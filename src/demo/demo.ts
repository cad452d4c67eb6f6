/**
 * The demo: a central, a tracker and three sites on this machine, each the real command in a process of its own with a
 * configuration file that is left for reading. Whatever it does, it does over the same addresses as anybody else.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, openSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { findFfmpeg } from '../kernel/ffmpeg.ts';
import { writeDurably } from '../kernel/files.ts';
import { call } from '../kernel/http/client.ts';
import { tryListen } from '../kernel/http/try-listen.ts';
import { StartupError } from '../kernel/lifecycle/startup-error.ts';
import { messageOf } from '../kernel/problem.ts';
import { newSiteResponseSchema, newTrackerResponseSchema, videoListSchema } from '../protocol/central.ts';
import { STOP_AT_END_OF_INPUT } from './end-of-input.ts';
import { makeFilm } from './film.ts';
import { type DemoLayout, type DemoSite, planDemo } from './layout.ts';
import { uploadFilm } from './upload.ts';

const READY_TIMEOUT_MS = 30_000;
const REGISTERED_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 5_000;
const SAMPLE_NAME = '一条河的颜色 · Colours of a river';

export interface DemoOptions {
  readonly dataDirectory: string;
  readonly port: number;
  /** The command that starts a part: what comes before `central --config FILE`. */
  readonly command: readonly [string, ...string[]];
  readonly print: (line: string) => void;
}

export interface RunningDemo {
  /** Resolves when a part has ended by itself: its name. */
  readonly partEnded: Promise<string>;
  stop(): Promise<void>;
}

interface Part {
  readonly name: string;
  readonly process: ChildProcess;
  readonly ended: Promise<void>;
}

export async function startDemo(options: DemoOptions): Promise<RunningDemo> {
  const { print } = options;
  const layout = await planDemo(resolve(options.dataDirectory), options.port);
  const stateFile = join(layout.dataDirectory, 'demo.json');
  await requireFreePorts(layout);
  await mkdir(join(layout.dataDirectory, 'logs'), { recursive: true });
  await rm(stateFile, { force: true });
  await requireSameAddresses(layout);
  const token = await readOrMakeToken(join(layout.dataDirectory, 'operator.token'));
  const parts: Part[] = [];
  const start = (name: string, command: string, config: string): Part => {
    const part = startPart(options.command, name, command, config, layout.dataDirectory);
    parts.push(part);
    return part;
  };

  const stop = async (): Promise<void> => {
    await rm(stateFile, { force: true });
    await Promise.all(parts.map(endPart));
  };

  try {
    const centralConfig = join(layout.dataDirectory, 'central.toml');
    await writeFile(centralConfig, formatCentralConfig(layout, token));
    const central = start('central', 'central', centralConfig);
    await untilReady(central, layout.centralUrl);
    print(`✓ central            ${layout.centralUrl}`);

    const trackerConfig = join(layout.dataDirectory, 'tracker.toml');
    const trackerDirectory = join(layout.dataDirectory, 'tracker');
    const trackerToken = existsSync(join(trackerDirectory, 'member.json'))
      ? undefined
      : (
          await post(`${layout.centralUrl}/api/trackers`, token, newTrackerResponseSchema, {
            name: 'Demo tracker',
            baseUrl: layout.trackerUrl,
          })
        ).joinToken;
    await writeFile(trackerConfig, formatTrackerConfig(layout, token, trackerToken));
    const tracker = start('tracker', 'tracker', trackerConfig);

    const sites: Part[] = [];
    for (const [index, site] of layout.sites.entries()) {
      const config = join(layout.dataDirectory, `site-${index + 1}.toml`);
      const joinToken = existsSync(join(site.directory, 'member.json'))
        ? undefined
        : (
            await post(`${layout.centralUrl}/api/sites`, token, newSiteResponseSchema, {
              name: site.name,
              baseUrl: site.url,
              coordinates: site.coordinates,
              zone: site.zone,
            })
          ).joinToken;
      await writeFile(config, formatSiteConfig(layout, site, token, joinToken));
      sites.push(start(`site-${index + 1}`, 'site', config));
    }
    await untilReady(tracker, layout.trackerUrl);
    print(`✓ tracker            ${layout.trackerUrl}`);
    for (const [index, part] of sites.entries()) {
      const site = layout.sites[index];
      if (!site) continue;
      await untilReady(part, site.url);
      await untilJoined(site);
      print(`✓ site ${site.name}  ${site.url}`);
    }
    await publishSample(layout, token, print);

    const members = layout.sites.map((site, index) => ({
      id: readMemberId(site.directory),
      name: site.name,
      url: site.url,
      viewer: site.viewer,
      config: join(layout.dataDirectory, `site-${index + 1}.toml`),
      pid: sites[index]?.process.pid,
    }));
    const state = {
      central: layout.centralUrl,
      tracker: layout.trackerUrl,
      token,
      sites: members,
      pids: { central: central.process.pid, tracker: tracker.process.pid },
    };
    await writeDurably(stateFile, `${JSON.stringify(state, null, 2)}\n`, 0o600);
    printWelcome(layout, token, print);
  } catch (error) {
    await stop();
    throw error;
  }
  const partEnded = Promise.race(parts.map(part => part.ended.then(() => part.name)));
  return { partEnded, stop };
}

async function publishSample(layout: DemoLayout, token: string, print: DemoOptions['print']): Promise<void> {
  // As an operator: the sample may have been made private since.
  const list = () =>
    call(`${layout.centralUrl}/api/videos?limit=1`, {
      headers: { authorization: `Bearer ${token}` },
      timeoutMs: 5_000,
      maxBytes: 2 ** 20,
      response: videoListSchema,
    });
  if ((await list()).videos.length > 0) return print('✓ videos published before are there');
  const [site] = layout.sites;
  const ffmpeg = findFfmpeg();
  if (!site) return;
  if (!ffmpeg)
    return print(
      '– no sample film: there is no ffmpeg here with x264 and AAC (set FFMPEG_PATH). Upload one of your own.',
    );
  const film = join(layout.dataDirectory, 'sample.mp4');
  if (!existsSync(film)) {
    print('… making a sample film');
    await makeFilm(ffmpeg, film);
  }
  await uploadFilm(site.url, token, film, {
    name: SAMPLE_NAME,
    filename: 'sample.mp4',
    description: 'A film of twenty seconds, made on this machine when the demo first started.',
    language: 'zh',
  });
  const deadline = Date.now() + REGISTERED_TIMEOUT_MS;
  while ((await list()).videos[0]?.state !== 'registered') {
    if (Date.now() > deadline)
      throw new Error('The sample film was uploaded, but no tracker has registered it. The logs say more.');
    await sleep(50);
  }
  print(`✓ sample film        uploaded at ${site.name}, published and registered`);
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
  print('Drag a film into a studio, then watch it from the catalogue. Ctrl-C stops everything.');
}

/** A member's base URL is registered with central: the same data cannot be started on other ports. */
async function requireSameAddresses(layout: DemoLayout): Promise<void> {
  const file = join(layout.dataDirectory, 'demo-addresses.json');
  const addresses = JSON.stringify([
    layout.centralUrl,
    layout.trackerUrl,
    ...layout.sites.map(site => site.url),
  ]);
  if (!existsSync(file)) return writeDurably(file, addresses);
  if (readFileSync(file, 'utf8') !== addresses) {
    throw new StartupError(
      `The data in ${layout.dataDirectory} were made for other addresses. Start with the same TRIBUTARY_PORT as before, or with another TRIBUTARY_DATA_DIR.`,
    );
  }
}

/** Found out before anything is started: what answers at a port that is in use would be taken for a part of this demo. */
async function requireFreePorts({ centralPort, trackerPort, sites }: DemoLayout): Promise<void> {
  const central = { host: '127.0.0.1', port: centralPort };
  for (const { host, port } of [central, { ...central, port: trackerPort }, ...sites]) {
    if ((await tryListen(host, port)) === 'EADDRINUSE')
      throw new StartupError(
        `${host}:${port} is in use, perhaps by a demo that is running already. Stop that, or start this one with another TRIBUTARY_PORT and TRIBUTARY_DATA_DIR.`,
      );
  }
}

async function readOrMakeToken(path: string): Promise<string> {
  if (!existsSync(path)) await writeDurably(path, randomBytes(24).toString('base64url'), 0o600);
  return readFileSync(path, 'utf8').trim();
}

const readMemberId = (directory: string): string =>
  z.object({ id: z.string() }).parse(JSON.parse(readFileSync(join(directory, 'member.json'), 'utf8'))).id;

function startPart(
  [program, ...programArguments]: DemoOptions['command'],
  name: string,
  command: string,
  config: string,
  dataDirectory: string,
): Part {
  const log = openSync(join(dataDirectory, 'logs', `${name}.log`), 'a');
  const child = spawn(program, [...programArguments, command, '--config', config], {
    // The pipe ends when the demo does, however it does, and with it the part.
    stdio: ['pipe', log, log],
    env: { ...process.env, [STOP_AT_END_OF_INPUT]: '1' },
    // Ctrl-C reaches the demo, which then ends its parts in order.
    detached: true,
  });
  const ended = new Promise<void>(resolveEnded => {
    child.once('exit', () => resolveEnded());
    child.once('error', () => resolveEnded());
  });
  return { name, process: child, ended };
}

async function endPart(part: Part): Promise<void> {
  part.process.kill('SIGTERM');
  const timeout = setTimeout(() => part.process.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await part.ended;
  clearTimeout(timeout);
}

async function untilReady(part: Part, url: string): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  let last = 'no answer';
  while (Date.now() < deadline) {
    if (part.process.exitCode !== null || part.process.signalCode !== null) {
      throw new Error(
        `${part.name} stopped while it was starting. Its log (logs/${part.name}.log) says why; a port in use is the usual cause.`,
      );
    }
    try {
      const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) });
      if (answer.ok) return;
      last = await answer.text();
    } catch (error) {
      last = messageOf(error);
    }
    await sleep(25);
  }
  throw new Error(`${part.name} did not become ready within ${READY_TIMEOUT_MS / 1000} s: ${last}`);
}

async function untilJoined(site: DemoSite): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (!existsSync(join(site.directory, 'member.json'))) {
    if (Date.now() > deadline) throw new Error(`${site.name} could not join the centre. Its log says why.`);
    await sleep(25);
  }
}

const post = <T>(url: string, token: string, answer: z.ZodType<T>, body: unknown): Promise<T> =>
  call(url, {
    method: 'POST',
    body,
    headers: { authorization: `Bearer ${token}` },
    timeoutMs: 10_000,
    maxBytes: 2 ** 20,
    response: answer,
  });

const quote = (text: string): string => JSON.stringify(text);
const joinLine = (joinToken: string | undefined): string =>
  joinToken ? `joinToken = ${quote(joinToken)}\n` : '';

const formatCentralConfig = (layout: DemoLayout, token: string): string => `[central]
listen = "127.0.0.1:${layout.centralPort}"
baseUrl = ${quote(layout.centralUrl)}
dataDirectory = ${quote(join(layout.dataDirectory, 'central'))}
operatorToken = ${quote(token)}
sweepInterval = "10 s"
${layout.sites.map(site => `[[central.demoViewers]]\nname = ${quote(site.name)}\naddress = ${quote(site.viewer)}\n`).join('')}`;

const formatTrackerConfig = (
  layout: DemoLayout,
  token: string,
  joinToken: string | undefined,
): string => `[tracker]
listen = "127.0.0.1:${layout.trackerPort}"
baseUrl = ${quote(layout.trackerUrl)}
dataDirectory = ${quote(join(layout.dataDirectory, 'tracker'))}
central = ${quote(layout.centralUrl)}
operatorToken = ${quote(token)}
trustClientParameter = true
${joinLine(joinToken)}`;

const formatSiteConfig = (
  layout: DemoLayout,
  site: DemoSite,
  token: string,
  joinToken: string | undefined,
): string => `[site]
name = ${quote(site.name)}
listen = "${site.host}:${site.port}"
baseUrl = ${quote(site.url)}
sourceAddress = "${site.host}:${site.port}"
dataDirectory = ${quote(site.directory)}
central = ${quote(layout.centralUrl)}
operatorToken = ${quote(token)}
trustedNetworks = ["127.0.0.0/8"]
signalInterval = "2 s"
${joinLine(joinToken)}`;
