/**
 * Players meet failing sites here: a demo with fault switches in front of its sites, a video stored far from the viewers, and
 * a browser. A viewer is a page with a player, a meter, and a log of its requests.
 */
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../support/browser.ts';
import { type Demo, findVideo, play, startDemo } from '../support/demo.ts';
import { eventually } from '../support/eventually.ts';
import { busyVideo, readVideo } from '../support/sample-videos.ts';
import { upload } from '../support/uploads.ts';
import type { Fault, FaultSwitch } from './fault-switch.ts';
import { METER, type Reading } from './player-pages.ts';
import { fillVideo, insertFaultSwitch } from './switched-sites.ts';

/** The site of the viewers' zone. */
const HOME = '127.0.0.2';

/** A viewer's page. `read()` in the page returns the values of its meter, and `zero()` resets them. */
export interface Viewer {
  readonly name: string;
  readonly page: Page;
  read(): Promise<Reading>;
  zero(): Promise<void>;
  /** Requests to sites and the tracker since the last fault, which explain why playback stalled. */
  readonly log: readonly string[];
}

export interface PlaybackResult {
  /** Seconds for which playback stalled during the fault. */
  readonly stalledSeconds: number;
  /** Those of them with an empty buffer: a busy machine also draws frames late. */
  readonly starvedSeconds: number;
  readonly movedAfter: number | undefined;
  readonly returnedAfter: number | undefined;
  /** Whether the video plays at the end. */
  readonly playsOn: boolean;
  readonly notes: readonly string[];
}

export interface Times {
  readonly faultSeconds: number;
  readonly returnSeconds: number;
  /** How much of the video plays before the fault. */
  readonly midPlaySeconds: number;
}

export interface PlayerLab {
  readonly demo: Demo;
  readonly video: string;
  /** Opens a viewer in a separate network, so that it does not benefit from the measurements of other viewers or of its past. */
  open(name: string, address: (client: string) => string): Promise<Viewer>;
  /** Opens a viewer of our own page. */
  watch(): Promise<Viewer>;
  /** Makes the site of the viewers' zone fail during playback, and recover later. */
  run(viewers: readonly Viewer[], fault: Fault, times: Times): Promise<readonly PlaybackResult[]>;
  stop(): Promise<void>;
}

export async function openPlayerLab(): Promise<PlayerLab> {
  const demo = await startDemo();
  const switches: FaultSwitch[] = [];
  const sites: ChildProcess[] = [];
  let browser: Browser | undefined;
  const stop = async (): Promise<void> => {
    await browser?.close();
    for (const each of switches) await each.stop();
    for (const site of sites) site.kill('SIGKILL');
    await demo.stop();
  };
  try {
    for (const index of demo.sites.keys()) {
      const { front, site } = await insertFaultSwitch(demo, index);
      switches.push(front);
      sites.push(site);
    }
    // The video is stored far from the viewers. The site that serves them has fetched it, and when that fails another can serve.
    const holder = demo.sites[2];
    const [home] = switches;
    if (!holder || !home) throw new Error('the demo has fewer than three sites');
    const { id } = await upload(holder.url, demo.token, readVideo(busyVideo()), { name: 'Busy' });
    await eventually(
      'it is registered',
      async () => (await findVideo(demo, id)).state === 'registered' || undefined,
      60_000,
    );
    await eventually(
      'all sites are up',
      async () => (await play(demo, id)).sources.length === 3 || undefined,
      120_000,
    );
    const atHome = (await play(demo, id)).sources.find(({ baseUrl }) => new URL(baseUrl).hostname === HOME);
    if (!atHome) throw new Error('the viewers have no site in their zone');
    await fillVideo(atHome.hls);
    browser = await launchBrowser();
    return makePlayerLab(demo, id, home, browser, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

const readAll = (viewers: readonly Viewer[]): Promise<readonly Reading[]> =>
  Promise.all(viewers.map(viewer => viewer.read()));

function makePlayerLab(
  demo: Demo,
  video: string,
  home: FaultSwitch,
  browser: Browser,
  stop: () => Promise<void>,
): PlayerLab {
  let networks = 10;
  let startedMs = performance.now();

  async function open(name: string, address: (client: string) => string, script?: string): Promise<Viewer> {
    // A site that has just been down is on probation first.
    await eventually(
      'new viewers are sent to the site of their zone',
      async () => {
        const [first] = (await play(demo, video, '10.1.9.9')).sources;
        return (first && new URL(first.baseUrl).hostname === HOME) || undefined;
      },
      90_000,
    );
    for (let attempt = 1; ; attempt++) {
      const viewer = await openPage(name, address, script);
      const host = await eventually(
        `${name} has started`,
        async () => (await viewer.read()).host || undefined,
        30_000,
      );
      // Some viewers are sent to another site, to measure whether it has become better.
      if (host === HOME || attempt === 3) return viewer;
      await viewer.page.close();
    }
  }

  async function openPage(
    name: string,
    address: (client: string) => string,
    script: string | undefined,
  ): Promise<Viewer> {
    const page = await browser.newPage();
    if (script !== undefined) await page.addInitScript({ content: script });
    const log: string[] = [];
    const note = (text: string): void => {
      log.push(`${((performance.now() - startedMs) / 1_000).toFixed(1)} ${text}`);
    };
    const short = (url: string): string =>
      url.replace(/^data:.*/, 'data:').replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, id => id.slice(-4));
    page.on('request', request => note(`→ ${short(request.url())}`));
    page.on('requestfailed', request => note(`✗ ${short(request.url())} ${request.failure()?.errorText}`));
    page.on('response', async response => {
      const manifest = response.url().includes('/steer/') ? await response.text().catch(() => '') : '';
      note(
        `← ${response.status()} ${short(response.url())} ${short(manifest.replace(/"RELOAD-URI":"[^"]*",/, ''))}`,
      );
    });
    const client = `10.1.${networks++}.5`;
    await page.goto(address(client));
    return {
      name,
      page,
      log,
      read: () => page.evaluate('read()'),
      zero: () => page.evaluate('zero()'),
    };
  }

  /** Seconds until the latest segment of each viewer came from a host that `isThere` accepts. */
  async function watch(
    viewers: readonly Viewer[],
    seconds: number,
    endsEarly: boolean,
    isThere: (host: string) => boolean,
  ): Promise<readonly (number | undefined)[]> {
    const beganMs = performance.now();
    const since: (number | undefined)[] = viewers.map(() => undefined);
    while (performance.now() - beganMs < seconds * 1_000) {
      for (const [index, viewer] of viewers.entries()) {
        if (since[index] !== undefined) continue;
        if (isThere((await viewer.read()).host)) since[index] = (performance.now() - beganMs) / 1_000;
      }
      if (endsEarly && since.every(each => each !== undefined)) break;
      await sleep(250);
    }
    return since;
  }

  async function untilAllPlay(viewers: readonly Viewer[], midPlaySeconds: number): Promise<void> {
    const ready = new Set<Viewer>();
    await eventually(
      'all play from the site of their zone',
      async () => {
        for (const viewer of viewers) {
          const { currentTime, bufferedAhead, host } = await viewer.read();
          if (currentTime > midPlaySeconds && bufferedAhead > 7 && host === HOME) ready.add(viewer);
        }
        const waiting = viewers.find(viewer => !ready.has(viewer));
        if (!waiting) return true;
        throw new Error(`${waiting.name}: ${JSON.stringify(await waiting.read())}`);
      },
      60_000,
    );
  }

  async function run(
    viewers: readonly Viewer[],
    fault: Fault,
    times: Times,
  ): Promise<readonly PlaybackResult[]> {
    await untilAllPlay(viewers, times.midPlaySeconds);
    try {
      for (const viewer of viewers) await viewer.zero();
      startedMs = performance.now();
      for (const viewer of viewers) (viewer.log as string[]).length = 0;
      await home.set(fault);
      const moved = await watch(viewers, times.faultSeconds, false, host => host !== HOME);
      const readings = await readAll(viewers);
      await home.set('none');
      const returned = await watch(viewers, times.returnSeconds, true, host => host === HOME);
      const [before, after] = [await readAll(viewers), await sleep(2_000).then(() => readAll(viewers))];
      return viewers.map((_, index) => ({
        stalledSeconds: readings[index]?.stalledSeconds ?? Number.NaN,
        starvedSeconds: readings[index]?.starvedSeconds ?? Number.NaN,
        movedAfter: moved[index],
        returnedAfter: moved[index] === undefined ? undefined : returned[index],
        playsOn: (after[index]?.currentTime ?? 0) > (before[index]?.currentTime ?? 0),
        notes: readings[index]?.notes ?? [],
      }));
    } finally {
      await home.set('none');
    }
  }

  return {
    demo,
    video,
    open: (name, address) => open(name, address),
    watch: () => open('our own page', client => `${demo.central}/watch/${video}?client=${client}`, METER),
    run,
    stop,
  };
}
