/** The player in pages of other origins, and around it on the watch page: real central, sites, browser and foreign pages. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Grant } from '../../../src/protocol/rights.ts';
import { requireFfmpeg } from '../../media/video-cache.ts';
import { findViolations } from '../../support/axe.ts';
import { chromiumPath, launchBrowser } from '../../support/browser.ts';
import { type Demo, findAtSite, startDemo } from '../../support/demo.ts';
import { eventually } from '../../support/eventually.ts';
import { upload } from '../../support/uploads.ts';

/** What a viewer has loaded before the video plays, compressed. */
const MAX_SCRIPT_BYTES = 260_000;
const VIDEO_S = 40;
const PAGES = {
  central: [
    '/',
    '/watch/x',
    '/admin',
    '/admin/explain',
    '/admin/people',
    '/admin/audit',
    '/account',
    '/sign-in',
    '/invitation',
    '/search',
    '/nothing-here',
  ],
  site: ['/', '/library', '/sign-in/failed', '/nothing-here'],
} as const;

function encodeVideo(): Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'tributary-embed-'));
  try {
    const file = join(directory, 'video.mp4');
    execFileSync(requireFfmpeg(), [
      ...['-v', 'error', '-f', 'lavfi', '-i', `testsrc2=s=640x360:r=25:d=${VIDEO_S}`],
      ...['-f', 'lavfi', '-i', `sine=d=${VIDEO_S}`, '-c:v', 'libx264', '-preset', 'ultrafast'],
      ...['-b:v', '300k', '-pix_fmt', 'yuv420p', '-g', '50', '-c:a', 'aac', file],
    ]);
    return readFileSync(file);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A page of another site with the player in a frame. It notes the messages that it gets. */
const hostPage = (address: string): string =>
  `<!doctype html><iframe src="${address}" allow="autoplay" width="640" height="360"></iframe>
  <script>const log = []; addEventListener('message', e => log.push({ ...e.data, origin: e.origin }));
  const send = message => frames[0].postMessage({ tributary: 1, ...message }, '*');</script>`;

async function serveHost(): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(hostPage(new URL(request.url ?? '', 'http://x').searchParams.get('embed') ?? ''));
  });
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  return { server, port: (server.address() as AddressInfo).port };
}

describe.skipIf(!chromiumPath)('the player', () => {
  let demo: Demo;
  let browser: Browser;
  let host: Awaited<ReturnType<typeof serveHost>>;
  let id: string;
  let hidden: string;
  beforeAll(async () => {
    [demo, browser, host] = await Promise.all([startDemo(), launchBrowser(), serveHost()]);
    const site = demo.sites[0]?.url ?? '';
    const body = encodeVideo();
    const metadata = {
      name: 'Delta',
      description: 'Begins.\n0:20 The middle',
      downloads: 'source',
      chapters: JSON.stringify([
        { startMs: 0, title: 'First' },
        { startMs: 20_000, title: 'Second <b>' },
      ]),
    };
    ({ id } = await upload(site, demo.token, body, metadata));
    ({ id: hidden } = await upload(site, demo.token, body, { name: 'Hidden', audience: 'private' }));
    await eventually(
      'the video is ready',
      async () => (await findAtSite(demo, 0, id)).state === 'ready' || undefined,
      120_000,
    );
    const added = await fetch(`${site}/api/videos/${id}/captions?language=en`, {
      method: 'POST',
      headers: { authorization: `Bearer ${demo.token}`, 'content-type': 'text/vtt' },
      body: 'WEBVTT\n\n00:01.000 --> 00:10.000\n<v Anna>Good morning\n\n00:30.000 --> 00:39.000\nGood night\n',
    });
    expect(added.status).toBe(201);
    await eventually(
      'both are registered, one with captions',
      async () => {
        const [shown, secret] = await Promise.all([findAtSite(demo, 0, id), findAtSite(demo, 0, hidden)]);
        return (shown.registered && secret.registered && shown.captions.length === 1) || undefined;
      },
      90_000,
    );
  });
  afterAll(async () => {
    host?.server.close();
    await browser?.close();
    await demo?.stop();
  });

  const openHost = async (hostname: string, embed: string): Promise<Page> => {
    const page = await browser.newPage();
    await page.goto(`http://${hostname}:${host.port}/?embed=${encodeURIComponent(embed)}`);
    return page;
  };
  type Message = Readonly<Record<string, unknown>>;
  const messages = (page: Page): Promise<readonly Message[]> => page.evaluate('log');
  const untilMessage = (page: Page, what: string, matches: (message: Message) => boolean): Promise<Message> =>
    eventually(what, async () => (await messages(page)).find(matches), 90_000);
  const grantFor = async (body: object): Promise<Grant> => {
    const response = await fetch(`${demo.central}/api/videos/${hidden}/grants`, {
      method: 'POST',
      headers: { authorization: `Bearer ${demo.token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(response.status).toBe(201);
    return (await response.json()) as Grant;
  };
  const hasPlayer = (page: Page): Promise<boolean> =>
    page.frames()[1]?.locator('video').first().isVisible() ?? Promise.resolve(false);

  it('plays in a page of another origin and exchanges messages with it', async () => {
    const page = await openHost('localhost', `${demo.central}/embed/${id}?t=5&autoplay=1&captions=en`);
    const ready = await untilMessage(page, 'ready', ({ type }) => type === 'ready');
    expect(ready).toMatchObject({ tributary: 1, video: id, name: 'Delta', origin: demo.central });
    await untilMessage(page, 'it plays from 5 s', ({ type, time }) => type === 'time' && Number(time) > 5.2);
    await page.evaluate("send({ type: 'pause' })");
    await untilMessage(page, 'it pauses', ({ type, state }) => type === 'state' && state === 'paused');
    await page.evaluate("send({ type: 'seek', time: 30 }); send({ type: 'state' })");
    await untilMessage(page, 'it is at 30 s', ({ type, time }) => type === 'state' && Number(time) === 30);
    await page.evaluate("send({ type: 'seek', time: 39 }); send({ type: 'play' })");
    await untilMessage(page, 'it ends', ({ type }) => type === 'ended');
    // A message of a frame that is not the parent has no effect, and neither has one without the version.
    const before = (await messages(page)).length;
    await page.evaluate("frames[0].postMessage({ type: 'state' }, '*')");
    const embedded = page.frames()[1];
    await embedded?.evaluate("postMessage({ tributary: 1, type: 'state' }, '*')");
    await page.evaluate("send({ type: 'seek', time: 3 }); send({ type: 'state' })");
    await untilMessage(page, 'it is at 3 s', ({ type, time }) => type === 'state' && Number(time) === 3);
    const states = (await messages(page))
      .slice(before)
      .filter(({ type, time }) => type === 'state' && time === 3);
    expect(states).toHaveLength(1);
    await page.close();
  });

  it('plays a private video only with a grant, and only in the origins that the grant names', async () => {
    const here = `http://localhost:${host.port}`;
    const { embed = '', origins } = await grantFor({ lifetimeS: 600, origins: [here] });
    expect(origins).toEqual([here]);
    const permitted = await openHost('localhost', `${embed}&autoplay=1`);
    await untilMessage(permitted, 'it plays', ({ type, time }) => type === 'time' && Number(time) > 0.5);
    await permitted.close();
    const elsewhere = await openHost('127.0.0.1', `${embed}&autoplay=1`);
    await elsewhere.waitForLoadState('networkidle');
    expect([await hasPlayer(elsewhere), await messages(elsewhere)]).toEqual([false, []]);
    await elsewhere.close();
    // A grant without origins permits no embedding, and without a grant the video is unknown.
    const { grant, embed: none } = await grantFor({ lifetimeS: 600 });
    expect(none).toBeUndefined();
    const ancestorsOf = async (path: string): Promise<string | undefined> =>
      /frame-ancestors ([^;]*)/.exec(
        (await fetch(demo.central + path)).headers.get('content-security-policy') ?? '',
      )?.[1];
    expect(await ancestorsOf(`/embed/${hidden}?grant=${grant}`)).toBe("'none'");
    expect(await ancestorsOf(`/embed/${hidden}?grant=${'a'.repeat(40)}`)).toBe("'none'");
    expect(await ancestorsOf(`/embed/${hidden}`)).toBe(await ancestorsOf(`/embed/${crypto.randomUUID()}`));
    const unknown = await openHost('localhost', `${demo.central}/embed/${hidden}`);
    await untilMessage(unknown, 'it is unknown', ({ code }) => code === 'video-unknown');
    expect(await unknown.frames()[1]?.getByTestId('embed-message').textContent()).toContain(
      'Only public videos',
    );
    await unknown.close();
  });

  it('cannot be contained in any other page', async () => {
    const addresses = [
      ...PAGES.central.map(path => demo.central + path),
      ...PAGES.site.map(path => `${demo.sites[0]?.url}${path}`),
    ];
    for (const address of addresses) {
      const { headers } = await fetch(address, { headers: { accept: 'text/html' } });
      expect([address, headers.get('x-frame-options')]).toEqual([address, 'DENY']);
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    }
    const page = await openHost('localhost', `${demo.central}/watch/${id}`);
    await page.waitForLoadState('networkidle');
    expect(await hasPlayer(page)).toBe(false);
    await page.close();
  });

  it('has menus, keys, chapters and captions as the viewer wants them, and remembers', async () => {
    const page = await browser.newPage();
    const scripts = new Map<string, number>();
    page.on('response', async response => {
      if (response.url().endsWith('.js'))
        scripts.set(response.url(), gzipSync(await response.body().catch(() => Buffer.alloc(0))).length);
    });
    await page.goto(`${demo.central}/watch/${id}`);
    const now = (): Promise<number> => page.evaluate('document.querySelector("video").currentTime');
    await page.locator('[data-testid=player][data-state=playing]').waitFor();
    expect([...scripts.values()].reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(MAX_SCRIPT_BYTES);
    expect([...scripts.keys()].filter(url => /menu|transcript|share|help/.test(url))).toEqual([]);

    const video = page.getByTestId('player');
    await video.press('k');
    expect(await video.getAttribute('data-state')).toBe('paused');
    await page.getByTestId('player-settings').press('Enter');
    await page.getByTestId('menu-captions').waitFor();
    expect(await findViolations(page)).toEqual([]);
    await page.getByTestId('menu-captions').press('Enter');
    await page.getByTestId('menu-captions-0').click();
    await page.getByTestId('menu-appearance').click();
    await page.getByTestId('menu-colour').click();
    await page.getByTestId('menu-colour-yellow').click();
    expect(
      await page.evaluate<string>('document.adoptedStyleSheets.map(s => s.cssRules[0].cssText).join()'),
    ).toContain('rgb(255, 228, 92)');
    // Escape leads back, level by level, and in the end to the button.
    for (const _level of ['appearance', 'captions', 'main', 'closed']) await page.keyboard.press('Escape');
    expect(await page.evaluate<string>('document.activeElement?.dataset.testid')).toBe('player-settings');
    await page.getByTestId('chapters').getByText('Second <b>').click();
    expect(await now()).toBeGreaterThanOrEqual(20);
    await page.getByTestId('description').getByRole('button', { name: '0:20' }).click();
    await page.getByTestId('open-transcript').click();
    await page.getByTestId('transcript-search').fill('NIGHT');
    await page.getByTestId('transcript').getByRole('button').click();
    expect(await now()).toBeGreaterThanOrEqual(30);
    await video.press('k');
    await video.press('?');
    await page.getByTestId('player-help').waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('open-share').click();
    expect(await page.getByTestId('share-link').textContent()).toBe(`${demo.central}/watch/${id}?t=30`);
    expect(await page.getByTestId('embed-code').textContent()).toContain(`/embed/${id}?t=30"`);
    await page.keyboard.press('Escape');
    await page.getByTestId('open-downloads').click();
    expect(await page.getByTestId('downloads').getByRole('link').getAttribute('href')).toBe(
      `${demo.tracker}/download/${id}`,
    );

    await page.reload();
    await page
      .getByTestId('resume')
      .getByRole('button', { name: /Continue at 0:3/ })
      .click();
    await eventually('it continues', async () => (await now()) >= 30 || undefined);
    await page.close();
  });

  it('says why nothing plays, and when it starts', async () => {
    const page = await browser.newPage();
    let isBusy = true;
    await page.route(/\.m4s$/, route =>
      isBusy
        ? route.fulfill({
            status: 503,
            headers: {
              'retry-after': '4',
              'access-control-allow-origin': '*',
              'access-control-expose-headers': 'Retry-After',
            },
            body: '{}',
          })
        : route.continue(),
    );
    await page.goto(`${demo.central}/watch/${id}`);
    const problem = page.getByTestId('problem-busy');
    await problem.waitFor({ timeout: 60_000 });
    expect(await page.getByTestId('retry-in').textContent()).toMatch(/Starts automatically in [1-4]/);
    await page.context().setOffline(true);
    await page.getByTestId('problem-offline').waitFor();
    isBusy = false;
    await page.context().setOffline(false);
    await page.locator('[data-testid=player][data-state=playing]').waitFor();
    expect(await problem.count()).toBe(0);
    await page.close();

    const old = await browser.newPage();
    await old.addInitScript('MediaSource.isTypeSupported = type => !/avc1/.test(type)');
    await old.goto(`${demo.central}/watch/${id}`);
    expect(await old.getByTestId('unplayable').textContent()).toMatch(/does not support/);
    await old.close();
  });
});
