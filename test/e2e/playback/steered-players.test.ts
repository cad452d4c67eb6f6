/**
 * Players that this project does not control, in a real browser with real sites, from the playlist or manifest of the tracker:
 * each plays, seeks, shows captions, and moves to another site when steering says so.
 */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeVideoSync } from '../../media/video-cache.ts';
import { PAGES, type Reading, servePlayerPages } from '../../players/player-pages.ts';
import { chromiumPath, launchBrowser } from '../../support/browser.ts';
import { type Demo, findVideo, play, startDemo } from '../../support/demo.ts';
import { eventually } from '../../support/eventually.ts';
import { readVideo } from '../../support/sample-videos.ts';
import { upload } from '../../support/uploads.ts';

const SECONDS = 80;
const SEEK_TO_S = 30;
const CAPTION = 'A caption';

/** One caption over the whole video, two audio tracks of the same language. */
function makeCaptionedVideo(): string {
  const captions = Buffer.from(`1\n00:00:00,500 --> 00:01:20,000\n${CAPTION}\n\n`).toString('base64');
  return makeVideoSync('captioned.mp4', [
    ...['-f', 'lavfi', '-i', `testsrc2=s=320x180:r=25:d=${SECONDS}`],
    ...['-f', 'lavfi', '-i', `sine=440:r=48000:d=${SECONDS}`, '-f', 'srt'],
    ...['-i', `data:text/plain;base64,${captions}`],
    ...['-map', '0', '-map', '1', '-map', '1', '-map', '2'],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '50', '-b:v', '400k'],
    ...['-c:a', 'aac', '-c:s', 'mov_text', '-metadata:s:s:0', 'language=eng'],
    ...['-metadata:s:a:0', 'language=eng', '-metadata:s:a:1', 'language=eng'],
  ]);
}

/** The page of each player, with the settings that docs/playback.md recommends. */
const players = PAGES.flatMap((setting, index) =>
  setting.setting === 'default' ? [] : [{ ...setting, index, hasCaptions: setting.setting !== 'built-in' }],
);

interface Viewer {
  readonly name: string;
  readonly page: Page;
  /** The host that served the latest segment, at the end of any redirect. */
  readonly host: () => string;
  /** True if this host served any segment. */
  readonly hasPlayedFrom: (host: string) => boolean;
  readonly read: () => Promise<Reading>;
}

describe.skipIf(!chromiumPath)('players of other projects', () => {
  let demo: Demo;
  let browser: Browser;
  let pages: Awaited<ReturnType<typeof servePlayerPages>>;
  const viewers: Viewer[] = [];
  let home = '';

  const openViewer = async (video: string, { player, format, index }: (typeof players)[number]) => {
    const page = await browser.newPage();
    const hosts: string[] = [];
    page.on('response', response => {
      if (response.ok() && /\/v\/.*\.m4s/.test(response.url())) hosts.push(new URL(response.url()).hostname);
    });
    const url = `${demo.tracker}/play/${video}.${format}?client=${demo.sites[0]?.viewer}`;
    await page.goto(`${pages.url}/page/${index}?url=${encodeURIComponent(url)}`);
    viewers.push({
      name: player,
      page,
      host: () => hosts.at(-1) ?? '',
      hasPlayedFrom: host => hosts.includes(host),
      read: () => page.evaluate<Reading>('read()'),
    });
  };
  /** Waits until the check holds for each viewer; the error lists the viewers for which it does not. */
  const untilAll = async (what: string, timeoutMs: number, check: (viewer: Viewer) => Promise<boolean>) => {
    let waiting: readonly string[] = [];
    await eventually(
      what,
      async () => {
        waiting = [];
        for (const viewer of viewers) {
          if (await check(viewer)) continue;
          waiting = [...waiting, `${viewer.name}: ${viewer.host()} ${JSON.stringify(await viewer.read())}`];
        }
        if (waiting.length > 0) throw new Error(waiting.join('\n'));
        return true;
      },
      timeoutMs,
    );
  };

  beforeAll(async () => {
    [demo, browser, pages] = await Promise.all([startDemo(), launchBrowser(), servePlayerPages()]);
    home = new URL(demo.sites[0]?.url ?? '').hostname;
    const body = readVideo(makeCaptionedVideo());
    const { id } = await upload(demo.sites[0]?.url ?? '', demo.token, body, { name: 'Captioned' });
    await eventually('it is registered with its captions', async () => {
      const { state, renditions } = await findVideo(demo, id);
      return (state === 'registered' && renditions.some(({ kind }) => kind === 'captions')) || undefined;
    });
    await eventually('the site of the zone serves', async () => {
      const { sources } = await play(demo, id, demo.sites[0]?.viewer);
      return (sources.length === 3 && sources[0]?.site === demo.sites[0]?.id) || undefined;
    });
    for (const player of players) await openViewer(id, player);
  });
  afterAll(async () => {
    await browser?.close();
    pages?.stop();
    await demo?.stop();
  });

  it('play', async () => {
    expect(viewers.map(({ name }) => name.split(' ')[0])).toEqual([
      'hls.js',
      'Shaka',
      'dash.js',
      'video.js',
      'Chromium',
    ]);
    await untilAll('all play from the site of their zone', 60_000, async viewer => {
      return (await viewer.read()).currentTime > 1 && viewer.hasPlayedFrom(home);
    });
  });

  it('seek', async () => {
    for (const { page } of viewers) await page.evaluate(`void (meter.video().currentTime = ${SEEK_TO_S})`);
    await untilAll('all play after the seek', 60_000, async viewer => {
      const { currentTime, width } = await viewer.read();
      return currentTime > SEEK_TO_S + 1 && width === 320;
    });
  });

  it('show captions, except the built-in player of Chromium', async () => {
    for (const [at, { page }] of viewers.entries())
      if (players[at]?.hasCaptions) await page.evaluate('void meter.showCaptions()');
    await untilAll('all show the caption', 60_000, async ({ page }) => {
      const shown = await page.evaluate<readonly string[]>('meter.readCaptions()');
      return (
        shown.join() ===
        (players[viewers.findIndex(viewer => viewer.page === page)]?.hasCaptions ? CAPTION : '')
      );
    });
  });

  it('move to another site when the tracker says so, and play on', async () => {
    const response = await fetch(`${demo.central}/api/sites/${demo.sites[0]?.id}`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${demo.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ policy: { drained: true } }),
    });
    expect(response.status).toBe(200);
    await untilAll('all play from another site', 60_000, async ({ host }) => host() !== home);
    const before = await Promise.all(viewers.map(async ({ read }) => (await read()).currentTime));
    await untilAll('all play on', 30_000, async ({ page, read }) => {
      const at = viewers.findIndex(viewer => viewer.page === page);
      return (await read()).currentTime > (before[at] ?? 0) + 1;
    });
    for (const { read } of viewers) expect((await read()).notes).toEqual([]);
  });
});
