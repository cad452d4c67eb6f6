/**
 * Players × faults, in a real browser before real sites: the serving site is killed, falls silent or becomes slow in the middle
 * of a film. Playback must go on from another site, the picture must not stand still, and viewers must come back when the site
 * does. `npm run players` writes what was measured into docs/playback.md.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath, launchBrowser } from '../e2e/browser.ts';
import { busyFilm, readFilm } from '../e2e/films.ts';
import { COMMAND, type Demo, eventually, findVideo, play, startDemo, upload } from '../e2e/parts.ts';
import { type Fault, type FaultSwitch, startFaultSwitch } from './fault-switch.ts';
import { PLAYERS, type PlayerSetting, type Reading, servePlayerPages } from './player-pages.ts';

const TABLE = 'docs/playback.md';
/** What is buffered is gone by then, and a fault that stops the picture is seen. */
const FAULT_S = 20;
const RETURN_S = 45;
/** The promise is none. */
const TOLERATED_S = 0.5;

/** What a connection to a site gets: the one of the viewers' own zone is the better one. */
const HOME_BPS = 40e6;
const OTHERS_BPS = 15e6;

interface Outcome {
  readonly setting: PlayerSetting;
  readonly stalledSeconds: number;
  /** Of those, with nothing left to play: a busy machine makes pictures late, too. */
  readonly starvedSeconds: number;
  readonly movedAfter: number | undefined;
  readonly returnedAfter: number | undefined;
  readonly notes: readonly string[];
}

let demo: Demo;
let browser: Browser;
let pages: Awaited<ReturnType<typeof servePlayerPages>>;
let video: string;
const switches: FaultSwitch[] = [];
const sites: ChildProcess[] = [];
const outcomes = new Map<Fault, readonly Outcome[]>();

/** Puts a switch on the site's address and the site itself behind it. */
async function putBehindSwitch(index: number): Promise<void> {
  const site = demo.sites[index];
  if (!site) throw new Error(`the demo has no site ${index}`);
  const { hostname, port } = new URL(site.url);
  const behind = Number(port) + 1;
  process.kill(site.pid, 'SIGKILL');
  const config = readFileSync(site.config, 'utf8');
  writeFileSync(
    site.config,
    // Nothing is converted meanwhile: the machine is busy enough with six players.
    config.replace(`listen = "${hostname}:${port}"`, `listen = "${hostname}:${behind}"\nworkers = 0`),
  );
  await eventually('the site has left its address', async () => {
    switches[index] = await startFaultSwitch(
      hostname,
      Number(port),
      behind,
      index === 0 ? HOME_BPS : OTHERS_BPS,
    ).catch(() => {
      throw new Error('still there');
    });
    return true;
  });
  sites[index] = spawn(process.execPath, [COMMAND, 'site', '--config', site.config], { stdio: 'ignore' });
  await eventually('the site is back', async () => (await fetch(`${site.url}/readyz`)).ok || undefined);
}

describe.skipIf(!chromiumPath)('players and faults', () => {
  beforeAll(async () => {
    demo = await startDemo();
    for (const index of demo.sites.keys()) await putBehindSwitch(index);
    // Kept far from the viewers: the site that serves them has fetched it, and when it fails there is where to go.
    const keeper = demo.sites[2];
    if (!keeper) throw new Error('the demo has no third site');
    const film = await upload(keeper.url, demo.token, readFilm(busyFilm()), { name: 'Busy' });
    video = film.id;
    await eventually(
      'it is registered',
      async () => (await findVideo(demo, video)).state === 'registered' || undefined,
    );
    await eventually(
      'all sites are up',
      async () => (await play(demo, video)).sources.length === 3 || undefined,
      120_000,
    );
    browser = await launchBrowser();
    pages = await servePlayerPages();
  });
  afterAll(async () => {
    await browser?.close();
    pages?.stop();
    for (const each of switches) await each?.stop();
    for (const site of sites) site?.kill('SIGKILL');
    await demo?.stop();
    writeTable();
  });

  const HOME = '127.0.0.2';
  const read = (page: Page): Promise<Reading> => page.evaluate('read()');

  /** Each player is a viewer in a network of its own: none learns from what another meets, or what it met before. */
  let networks = 10;
  async function open(setting: PlayerSetting, index: number): Promise<Page> {
    const page = await browser.newPage();
    const url = `${demo.tracker}/play/${video}.${setting.format}?client=10.1.${networks++}.5`;
    await page.goto(`${pages.url}/page/${index}?url=${encodeURIComponent(url)}`);
    return page;
  }

  async function run(fault: Fault): Promise<readonly Outcome[]> {
    const [home] = switches;
    if (!home) throw new Error('no switch');
    // A site that has just gone up and down must prove itself first.
    await eventually(
      'new viewers are sent to the site of their zone',
      async () =>
        new URL((await play(demo, video, '10.1.9.9')).sources[0]?.baseUrl ?? 'http://x').hostname === HOME ||
        undefined,
      90_000,
    );
    const opened = await Promise.all(PLAYERS.map(open));
    try {
      const ready = new Set<number>();
      await eventually(
        'all play from the site of their zone',
        async () => {
          const readings = await Promise.all(opened.map(read));
          for (const [index, { currentTime, bufferedAhead, host }] of readings.entries()) {
            if (currentTime > 4 && bufferedAhead > 7 && host === HOME) ready.add(index);
          }
          if (ready.size === opened.length) return true;
          const waiting = readings.findIndex((_, index) => !ready.has(index));
          throw new Error(`${PLAYERS[waiting]?.player}: ${JSON.stringify(readings[waiting])}`);
        },
        60_000,
      );
      await Promise.all(opened.map(page => page.evaluate('zero()')));
      await home.set(fault);
      const moved = await watch(opened, FAULT_S, false, host => host !== HOME);
      const readings = await Promise.all(opened.map(read));
      await home.set('none');
      const returned = await watch(opened, RETURN_S, true, host => host === HOME);
      return PLAYERS.map((setting, index) => ({
        setting,
        stalledSeconds: readings[index]?.stalledSeconds ?? Number.NaN,
        starvedSeconds: readings[index]?.starvedSeconds ?? Number.NaN,
        movedAfter: moved[index],
        returnedAfter: moved[index] === undefined ? undefined : returned[index],
        notes: readings[index]?.notes ?? [],
      }));
    } finally {
      await home.set('none');
      await Promise.all(opened.map(page => page.close()));
    }
  }

  /** When each page's latest segment came from such a host, seconds. */
  async function watch(
    opened: readonly Page[],
    seconds: number,
    endsEarly: boolean,
    isThere: (host: string) => boolean,
  ): Promise<readonly (number | undefined)[]> {
    const startedMs = performance.now();
    const since: (number | undefined)[] = opened.map(() => undefined);
    while (performance.now() - startedMs < seconds * 1_000) {
      for (const [index, page] of opened.entries()) {
        if (since[index] !== undefined) continue;
        if (isThere((await read(page)).host)) since[index] = (performance.now() - startedMs) / 1_000;
      }
      if (endsEarly && since.every(each => each !== undefined)) break;
      await sleep(250);
    }
    return since;
  }

  it.each<Fault>(['kill', 'hang', 'slow'])(
    '%s: playback goes on elsewhere, and comes back',
    { retry: 1 },
    async fault => {
      const found = await run(fault);
      outcomes.set(fault, found);
      console.log(found.map(each => `${fault} ${format(each)}`).join('\n'));
      for (const { setting, movedAfter, starvedSeconds, returnedAfter, notes } of found) {
        const what = `${setting.player} (${setting.setting}), ${fault}: ${notes.join('; ')}`;
        expect(movedAfter, `moves: ${what}`).toBeDefined();
        expect(starvedSeconds, `stands still: ${what}`).toBeLessThanOrEqual(TOLERATED_S);
        expect(returnedAfter, `returns: ${what}`).toBeDefined();
      }
    },
  );
});

const seconds = (value: number | undefined): string => (value === undefined ? 'never' : value.toFixed(1));
const format = ({
  setting,
  stalledSeconds,
  starvedSeconds,
  movedAfter,
  returnedAfter,
  notes,
}: Outcome): string =>
  `${setting.player} (${setting.setting}): stalled ${seconds(stalledSeconds)} s (starved ${seconds(starvedSeconds)} s), moved after ${seconds(movedAfter)} s, returned after ${seconds(returnedAfter)} s ${notes.join('; ')}`;

/** Between two marks of the page, so that what people wrote around it stays. */
function writeTable(): void {
  const faults = [...outcomes.keys()];
  const cell = (fault: Fault, index: number): string => {
    const found = outcomes.get(fault)?.[index];
    return found
      ? `**${seconds(Math.max(0, found.stalledSeconds))}** · ${seconds(found.movedAfter)} · ${seconds(found.returnedAfter)}`
      : '–';
  };
  const lines = [
    `| | ${faults.map(fault => NAMES[fault]).join(' | ')} |`,
    `| --- |${faults.map(() => ' --- |').join('')}`,
    ...PLAYERS.map(
      ({ player, setting, format: kind }, index) =>
        `| ${player}, ${setting} (${kind === 'mpd' ? 'DASH' : 'HLS'}) | ${faults.map(fault => cell(fault, index)).join(' | ')} |`,
    ),
  ];
  const [begin, end] = ['<!-- players: begin -->', '<!-- players: end -->'];
  const text = readFileSync(TABLE, 'utf8');
  const [head = '', rest = ''] = text.split(begin);
  writeFileSync(TABLE, `${head}${begin}\n\n${lines.join('\n')}\n\n${end}${rest.split(end)[1] ?? ''}`);
}
const NAMES: Readonly<Record<Fault, string>> = {
  none: '',
  kill: 'refuses (killed)',
  hang: 'accepts and never answers',
  slow: 'slow: 0.8 Mbit/s a connection',
};
