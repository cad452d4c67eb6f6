/** Poster, storyboard, captions and a second audio track: made by real parts and shown in a real browser. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SiteVideo } from '../../../src/protocol/site.ts';
import { requireFfmpeg } from '../../media/video-cache.ts';
import { chromiumPath, launchBrowser } from '../../support/browser.ts';
import { type Demo, findAtSite, findVideo, startDemo } from '../../support/demo.ts';
import { eventually } from '../../support/eventually.ts';
import { openSignedIn } from '../../support/sign-in.ts';
import { upload } from '../../support/uploads.ts';

const PICTURES = process.env.TRIBUTARY_PICTURES ?? 'test-results';

/** Three black seconds, then nine with motion; audio in two languages; embedded French captions. */
function encodeVideo(): Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'tributary-extras-'));
  try {
    const srt = join(directory, 'inside.srt');
    writeFileSync(srt, '1\n00:00:01,000 --> 00:00:11,000\n<i>Bonjour</i>\n');
    const video = join(directory, 'video.mkv');
    const colour = 'color=black:s=640x360:r=25:d=3';
    execFileSync(requireFfmpeg(), [
      ...['-v', 'error', '-f', 'lavfi', '-i', colour, '-f', 'lavfi', '-i', 'testsrc2=s=640x360:r=25:d=9'],
      ...['-f', 'lavfi', '-i', 'sine=d=12', '-f', 'lavfi', '-i', 'sine=f=880:d=12', '-i', srt],
      ...['-filter_complex', '[0:v][1:v]concat=n=2[v]', '-map', '[v]', '-map', '2', '-map', '3', '-map', '4'],
      ...[
        '-c:v',
        'libx264',
        '-preset',
        'ultrafast',
        '-pix_fmt',
        'yuv420p',
        '-g',
        '25',
        '-c:a',
        'aac',
        '-c:s',
        'srt',
      ],
      ...['-metadata:s:a:0', 'language=chi', '-metadata:s:a:1', 'language=eng'],
      ...['-metadata:s:a:1', 'title=Commentary', '-metadata:s:s:0', 'language=fre', video],
    ]);
    return readFileSync(video);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Chooses an item on a page of the player's menu, and closes the menu. */
async function choose(page: Page, menuPage: string, item: string): Promise<void> {
  await page.getByTestId('player-settings').click();
  await page.getByTestId(`menu-${menuPage}`).click();
  await page.getByTestId(`menu-${item}`).click();
  await page.getByTestId('player-settings').click();
}

describe.skipIf(!chromiumPath)('the extras of a video', () => {
  let demo: Demo;
  let browser: Browser;
  let id: string;
  /** The video before captions are uploaded: at its site, at central, and its playlist. */
  let withPictures: SiteVideo;
  let posterAtFirst: Awaited<ReturnType<typeof findVideo>>;
  let oldPlaylist: string;
  /** The response to the upload of captions, and the video afterwards. */
  let added: Response;
  let withCaptions: SiteVideo;
  const faults: string[] = [];
  beforeAll(async () => {
    [demo, browser] = await Promise.all([startDemo(), launchBrowser()]);
    ({ id } = await upload(demo.sites[0]!.url, demo.token, encodeVideo(), { name: 'Delta' }));
    withPictures = await registeredWith(
      'pictures',
      ({ hasPoster, hasStoryboard }) => hasPoster && hasStoryboard,
    );
    posterAtFirst = await findVideo(demo, id);
    oldPlaylist = await (await call(`/v/${id}/${withPictures.revision}/multivariant.m3u8`)).text();
    added = await addCaptions(
      '1\n00:00:00,500 --> 00:00:11,000\n<script>alert(1)</script>你好 <b>世界</b>\n',
    );
    withCaptions = await registeredWith('captions', ({ captions }) => captions.length === 2);
  });
  afterAll(async () => {
    await browser?.close();
    await demo?.stop();
  });
  const open = async (
    url: string,
    { phone = false, signedIn = false }: { phone?: boolean; signedIn?: boolean } = {},
  ): Promise<Page> => {
    const context = await browser.newContext({
      viewport: phone ? { width: 390, height: 844 } : { width: 1280, height: 800 },
      locale: 'en-GB',
    });
    const page = await context.newPage();
    page.on('pageerror', error => faults.push(error.message));
    page.on('console', message => {
      if (/Content Security Policy/.test(message.text())) faults.push(message.text());
    });
    if (signedIn) await openSignedIn(page, url);
    else await page.goto(url);
    return page;
  };
  const call = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${demo.sites[0]!.url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${demo.token}`, ...(init.headers ?? {}) },
    });
  const addCaptions = (body: string | Buffer, language = 'zh-Hans'): Promise<Response> =>
    call(`/api/videos/${id}/captions?language=${language}`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-subrip' },
      body: typeof body === 'string' ? body : new Uint8Array(body),
    });
  const registeredWith = (what: string, has: (video: SiteVideo) => boolean): Promise<SiteVideo> =>
    eventually(
      what,
      async () => {
        const video = await findAtSite(demo, 0, id);
        return has(video) && video.registered ? video : undefined;
      },
      60_000,
    );

  it('are made soon after the video is ready, and central and the tracker know them', async () => {
    expect(withPictures.captions).toEqual([{ id: 'captions-fr', language: 'fr', from: 'source' }]);
    expect(posterAtFirst).toMatchObject({
      revision: withPictures.revision,
      pictures: { poster: true, storyboard: true },
    });
    const poster = await fetch(`${demo.tracker}/go/${id}/poster.jpg`);
    expect(poster.headers.get('content-type')).toBe('image/jpeg');
    expect(poster.headers.get('x-content-type-options')).toBe('nosniff');
    expect((await poster.arrayBuffer()).byteLength).toBeGreaterThan(5_000);
    const playlist = await (await fetch(`${demo.tracker}/play/${id}.m3u8`)).text();
    expect(playlist.match(/TYPE=SUBTITLES[^\n]*captions-fr/g)?.length).toBe(demo.sites.length);
    const manifest = await (await fetch(`${demo.tracker}/play/${id}.mpd`)).text();
    expect(manifest).toContain('<BaseURL>captions-fr/captions.vtt</BaseURL>');
  });

  it('uploaded captions are rewritten in a new revision, and the old one does not change', async () => {
    expect(added.status).toBe(201);
    expect(await added.json()).toEqual({ captions: ['captions-fr', 'captions-zh-hans'] });
    expect(withCaptions.revision).not.toBe(withPictures.revision);
    const old = await call(`/v/${id}/${withPictures.revision}/multivariant.m3u8`);
    expect(await old.text()).toBe(oldPlaylist);
    const text = await (await call(`/v/${id}/${withCaptions.revision}/captions-zh-hans/0.vtt`)).text();
    expect(text).toContain('00:00:00.500 --> 00:00:11.000\nalert(1)你好 <b>世界</b>\n');
    expect(text.replaceAll(/<\/?b>/g, '')).not.toContain('<');
  });

  it.each([
    ['a page', '<!doctype html><p>hello', 'en', 422, 'captions-invalid'],
    ['too much', 'x'.repeat(2 ** 20 + 1), 'en', 413, undefined],
    ['no language', '1\n00:00:01,000 --> 00:00:02,000\na\n', '%3Cb%3E', 400, undefined],
  ])('%s as captions is refused with a sentence', async (_what, body, language, status, code) => {
    const response = await addCaptions(body, language);
    expect(response.status).toBe(status);
    const problem = (await response.json()) as { code: string; detail: string };
    expect(problem.detail).toMatch(/\w+ \w+/);
    if (code) expect(problem.code).toBe(code);
  });

  it('captions from a page of another origin are refused', async () => {
    const response = await fetch(`${demo.sites[0]!.url}/api/videos/${id}/captions?language=en`, {
      method: 'POST',
      headers: { 'content-type': 'text/vtt', origin: 'https://elsewhere.example' },
      body: '1\n00:00:01,000 --> 00:00:02,000\na\n',
    });
    expect(response.status).toBe(403);
  });

  it('shows the poster in the catalogue, and the storyboard, captions and both audio tracks on the watch page', async () => {
    const catalogue = await open(demo.central);
    const poster = catalogue.locator(`[data-testid=new] [data-video="${id}"] [data-testid=poster]`);
    await poster.waitFor();
    await eventually(
      'the poster is drawn',
      async () =>
        (await poster.evaluate(element => (element as unknown as { naturalWidth: number }).naturalWidth)) >=
          640 || undefined,
    );
    await catalogue.screenshot({ path: `${PICTURES}/catalogue-posters.png` });
    await catalogue.context().close();

    const page = await open(`${demo.central}/watch/${id}`);
    await eventually(
      'it plays',
      async () =>
        (await page.evaluate<number>('document.querySelector("video").currentTime')) > 0.5 || undefined,
      30_000,
    );
    await choose(page, 'captions', 'captions-1');
    await page.evaluate('document.querySelector("video").pause()');
    await page.evaluate('document.querySelector("video").currentTime = 3');
    await eventually(
      'the captions are shown',
      async () =>
        (
          await page.evaluate<string>(
            '[...document.querySelector("video").textTracks].filter(t => t.mode === "showing").flatMap(t => [...(t.activeCues ?? [])]).map(c => c.text).join()',
          )
        ).includes('你好') || undefined,
    );
    await choose(page, 'audio', 'audio-1');
    await page.getByTestId('player-settings').click();
    await eventually(
      'the other audio track is chosen',
      async () =>
        (await page.getByTestId('menu-audio').innerText()).includes('English · Commentary') || undefined,
    );
    await page.getByTestId('player-menu').press('Escape');
    const range = page.getByTestId('seek-bar');
    await eventually('the preview is shown', async () => {
      await range.hover({ position: { x: 290 + Math.random() * 20, y: 10 } });
      const image = await range.getAttribute('mediapreviewimage');
      return image?.includes('storyboard.jpg') || undefined;
    });
    await page.screenshot({ path: `${PICTURES}/watch-tracks.png` });
    const before = await page.evaluate<number>('document.querySelector("video").currentTime');
    await range.click({ position: { x: 500, y: 10 } });
    await eventually(
      'it has jumped',
      async () =>
        (await page.evaluate<number>('document.querySelector("video").currentTime')) > before + 2 ||
        undefined,
    );
    await page.evaluate('document.querySelector("video").pause()');
    for (const [element, key, to] of [
      ['video', 'ArrowRight', 11],
      ['video', 'ArrowLeft', 1],
      ['media-time-range input', 'ArrowDown', 1],
      ['media-time-range input', 'ArrowRight', 11],
      ['video', 'l', 12],
      ['video', '5', 6],
    ] as const) {
      await page.evaluate('document.querySelector("video").currentTime = 6');
      await page.locator(element).press(key);
      expect(
        await page.evaluate<number>('document.querySelector("video").currentTime'),
        `${element} ${key}`,
      ).toBeCloseTo(to, 0);
    }
    await page.context().close();
    const phone = await open(`${demo.central}/watch/${id}`, { phone: true });
    await phone.getByTestId('captions-button').waitFor();
    expect(await phone.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await phone.screenshot({ path: `${PICTURES}/watch-tracks-phone.png`, fullPage: true });
    await phone.context().close();
    expect(faults).toEqual([]);
  });

  it('adds and removes captions in the studio', async () => {
    const page = await open(`${demo.sites[0]!.url}/?video=${id}`, { signedIn: true });
    const row = page.locator(`[data-video="${id}"]`);
    await row.getByTestId('open-captions').click();
    await row.getByLabel('Caption language').fill('de');
    await row.getByLabel(/Caption file/).setInputFiles({
      name: 'de.vtt',
      mimeType: 'text/vtt',
      buffer: Buffer.from('WEBVTT\n\n00:01.000 --> 00:02.000\nHallo\n'),
    });
    await row.getByRole('button', { name: 'Add captions' }).click();
    await row.locator('[data-captions="captions-de"]').waitFor();
    await page.screenshot({ path: `${PICTURES}/studio-captions.png` });
    await row.getByRole('button', { name: 'Delete German' }).click();
    await page.getByTestId('confirm-yes').click();
    await eventually(
      'they are removed',
      async () => (await row.locator('[data-captions="captions-de"]').count()) === 0 || undefined,
    );
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it('says what to allow if the browser blocks the sites in the local network, which are not to blame', async () => {
    const { central, tracker } = demo;
    const isPublic = [central, tracker].map(url => `${new URL(url).host}=public`).join(',');
    const origin = `http://video.example:${new URL(central).port}`;
    const publicBrowser = await launchBrowser([
      '--host-resolver-rules=MAP video.example 127.0.0.1',
      `--ip-address-space-overrides=${isPublic}`,
      `--unsafely-treat-insecure-origin-as-secure=${origin}`,
    ]);
    try {
      const page = await publicBrowser.newPage();
      const beacons: string[] = [];
      page.on('request', request => {
        if (request.url().includes('/beacon/')) beacons.push(request.postData() ?? '');
      });
      await page.goto(`${origin}/watch/${id}`);
      const hint = page.getByTestId('blocked-sites');
      await hint.waitFor();
      expect(await hint.textContent()).toContain(demo.sites[0]?.name);
      await eventually(
        'the page reports that its browser blocks a site',
        async () => beacons.some(body => body.includes('"blocked":true')) || undefined,
      );
      expect(
        beacons.flatMap(body => JSON.parse(body).results).filter(one => one.failed && !one.blocked),
      ).toEqual([]);
      await page.context().grantPermissions(['local-network-access'], { origin });
      await hint.waitFor({ state: 'detached' });
      await page.locator('[data-testid=player][data-state=playing]').waitFor();
    } finally {
      await publicBrowser.close();
    }
  });

  it('stops on the watch page when it is withdrawn', async () => {
    const page = await open(`${demo.central}/watch/${id}`);
    await page.locator('[data-testid=player][data-state=playing]').waitFor();
    const { status } = await fetch(`${demo.sites[0]!.url}/api/videos/${id}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${demo.token}` },
    });
    expect(status).toBeLessThan(300);
    await page.getByTestId('withdrawn').waitFor();
    expect(await page.getByTestId('player').count()).toBe(0);
    expect(await page.getByTestId('sources').count()).toBe(0);
    await page.context().close();
  });
});
