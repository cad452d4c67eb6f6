/**
 * A private video from its upload until it is public: real parts as processes, a real browser, ffmpeg. Nobody gets any of it
 * without a grant; with one it plays at every site; and a revoked grant is refused within a minute.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newVideoId } from '../../../src/protocol/base/ids.ts';
import type { Video } from '../../../src/protocol/central.ts';
import type { Grant } from '../../../src/protocol/rights.ts';
import type { SiteVideo } from '../../../src/protocol/site.ts';
import type { PlayResponse } from '../../../src/protocol/tracker.ts';
import { PLAYERS, servePlayerPages } from '../../players/player-pages.ts';
import { chromiumPath, launchBrowser } from '../../support/browser.ts';
import {
  type Cluster,
  listSitesOf,
  type Part,
  requestAsOperator,
  startCluster,
  TOKEN,
  untilRegistered,
  videoAt,
} from '../../support/cluster.ts';
import { eventually } from '../../support/eventually.ts';
import { getJson } from '../../support/json-requests.ts';
import { countFrames, readVideo, shortVideo } from '../../support/sample-videos.ts';
import { upload } from '../../support/uploads.ts';

const NAME = 'Closed rehearsal 内部排练';
/** The documented limit. */
const REVOKED_WITHIN_MS = 60_000;
const FRAMES = 300;

let cluster: Cluster;
let home: Part;
let second: Part;
let id: string;
let revision: string;
beforeAll(async () => {
  cluster = await startCluster();
  // Nothing is encoded: this is about who may play it.
  const lines = ['workers = 0'];
  home = await cluster.addSite('Home', { lines });
  second = await cluster.addSite('Second', { lines });
  await Promise.all([home.start(), second.start()]);
  ({ id } = await upload(home.url, TOKEN, readVideo(shortVideo()), { name: NAME, visibility: 'private' }));
  await untilRegistered(home, id);
  // Its pictures are made after publication, in a new revision.
  const video = await eventually(
    'it has its pictures',
    async () => {
      const found = await untilRegistered(home, id);
      return found.hasPoster && found.hasStoryboard ? found : undefined;
    },
    60_000,
  );
  revision = video.revision ?? '';
}, 120_000);
afterAll(() => cluster?.stop());

const status = async (url: string, init: RequestInit = {}): Promise<number> => {
  const response = await fetch(url, { redirect: 'manual', ...init });
  await response.arrayBuffer();
  return response.status;
};
const grantsUrl = (): string => `${cluster.central.url}/api/videos/${id}/grants`;
const give = (note: string): Promise<Grant> =>
  requestAsOperator('POST', grantsUrl(), { lifetimeS: 3_600, note });
const playWith = (grant: string): Promise<PlayResponse> =>
  getJson(`${cluster.tracker.url}/play/${id}?grant=${grant}`);
const sourceAt = (grant: string, site: Part) =>
  eventually(
    `${site.name} is offered`,
    async () => (await playWith(grant)).sources.find(({ baseUrl }) => baseUrl === site.url),
    30_000,
  );
const openUrl = (site: Part, file = 'source-video/0.m4s'): string =>
  `${site.url}/v/${id}/${revision}/${file}`;
const FILES = [
  'multivariant.m3u8',
  'manifest.mpd',
  'timeline.json',
  'source-video/media.m3u8',
  'source-video/init.mp4',
  'source-video/0.m4s',
  'source-audio/0.m4s',
  'poster.jpg',
  'storyboard.vtt',
  'storyboard.jpg',
];

describe('a private video', () => {
  it('is nowhere without a grant', async () => {
    const { central, tracker } = cluster;
    for (const query of ['', `?q=${encodeURIComponent('内部')}`]) {
      const { videos } = await getJson<{ videos: Video[] }>(`${central.url}/api/videos${query}`);
      expect(videos.map(({ id }) => id)).not.toContain(id);
    }
    expect(await status(`${central.url}/api/videos/${id}`)).toBe(404);
    const library = await getJson<{ videos: { id: string }[] }>(`${home.url}/api/library`);
    expect(library.videos.map(video => video.id)).not.toContain(id);
    for (const file of FILES) {
      for (const site of [home, second]) {
        expect(await status(openUrl(site, file)), `${site.name} ${file}`).toBe(404);
        const asFill = { headers: { 'tributary-fill': (await listSitesOf(cluster))[0]?.id ?? '' } };
        expect(await status(openUrl(site, file), asFill), `${site.name} ${file}`).toBe(404);
      }
    }
    for (const path of [
      `/play/${id}`,
      `/play/${id}.m3u8`,
      `/play/${id}.mpd`,
      `/play/${id}?fill=${(await listSitesOf(cluster))[1]?.id}`,
      `/go/${id}`,
      `/go/${id}/poster.jpg`,
      `/relay/${id}.m3u8`,
      `/relay/${id}/${revision}/source-video/media.m3u8`,
      `/relay/${id}/${revision}/source-video/0.m4s`,
    ])
      expect(await status(tracker.url + path), path).toBe(404);
    expect(await status(`${tracker.url}/explain/${id}?client=10.0.0.1`)).toBe(401);

    // Operators see it everywhere, marked as private.
    const all = await getJson<{ videos: Video[] }>(`${central.url}/api/videos`, TOKEN);
    expect(all.videos.find(video => video.id === id)?.visibility).toBe('private');
    expect((await videoAt(home, id)).visibility).toBe('private');
  });

  it('plays for an operator in the studio of its site', async () => {
    const { token } = await videoAt(home, id);
    expect(countFrames(`${home.url}/t/${token}/v/${id}/${revision}/multivariant.m3u8`)).toBe(FRAMES);
    expect(await status(`${second.url}/t/${token}/v/${id}/${revision}/multivariant.m3u8`)).toBe(403);
  });

  it.skipIf(!chromiumPath)('plays in a browser by the link that an operator makes on the page', async () => {
    const browser = await launchBrowser();
    try {
      const watchPage = await browser.newPage();
      await watchPage.goto(`${cluster.central.url}/watch/${id}#token=${TOKEN}`);
      // Those who may watch it need no link.
      await eventually(
        'it plays for an operator',
        async () =>
          (await watchPage.evaluate<number>('document.querySelector("video")?.currentTime ?? 0')) > 1 ||
          undefined,
        30_000,
      );
      await watchPage.fill('[data-testid=new-link] [name=note]', 'For the choir');
      await watchPage.click('[data-testid=new-link] button[type=submit]');
      const link = await watchPage.inputValue('[data-testid=link]', { timeout: 15_000 });
      expect(link).toContain('#grant=');

      const context = await browser.newContext();
      const viewer = await context.newPage();
      const requests: string[] = [];
      viewer.on('request', request => requests.push(`${request.url()} ${request.headers().referer ?? ''}`));
      await viewer.goto(link.replace(/#.*/, ''));
      await viewer.waitForSelector('[data-testid=error]');
      // The page is the same for every id that the viewer may not know.
      const refusal = await viewer.innerText('main');
      await viewer.waitForSelector('[data-testid=sign-in-to-watch]');
      await viewer.goto(`${cluster.central.url}/watch/${newVideoId()}`);
      await viewer.waitForSelector('[data-testid=sign-in-to-watch]');
      expect(await viewer.innerText('main')).toBe(refusal);
      await viewer.goto(link);
      await eventually(
        'it plays',
        async () =>
          (await viewer.evaluate<number>('document.querySelector("video")?.currentTime ?? 0')) > 2 ||
          undefined,
        30_000,
      );
      expect(requests.some(line => line.includes('/t/'))).toBe(true);
      // The address bar has no grant. A reload still plays, and the page shows the link for copying.
      expect(viewer.url()).toBe(link.replace(/#.*/, ''));
      expect(await viewer.inputValue('[data-testid=this-link]')).toBe(link);
      expect(await viewer.getAttribute('meta[name=robots]', 'content')).toBe('noindex');
      const page = await viewer.reload();
      expect(page?.headers()['referrer-policy']).toBe('no-referrer');
      await eventually(
        'it plays after a reload',
        async () =>
          (await viewer.evaluate<number>('document.querySelector("video")?.currentTime ?? 0')) > 1 ||
          undefined,
        30_000,
      );
      const listed = await fetch(`${cluster.central.url}/admin`);
      expect(listed.headers.get('x-robots-tag')).toBe('noindex');
      // The request for the video has the grant, the request for the page has not, and no referrer contains it.
      expect(requests.some(line => /#|referer.*grant=/.test(line))).toBe(false);
    } finally {
      await browser.close();
    }
  });

  it.skipIf(!chromiumPath)('plays in other players with a URL only, and is steered', async () => {
    const { players } = await give('players');
    const [browser, pages] = await Promise.all([launchBrowser(), servePlayerPages()]);
    try {
      await Promise.all(
        PLAYERS.map(async ({ player, setting, format }, index) => {
          if (setting !== 'default') return;
          const page = await browser.newPage();
          const media: string[] = [];
          let steered = 0;
          page.on('response', response => {
            const { pathname, searchParams } = new URL(response.url());
            if (/\/v\//.test(pathname)) media.push(`${response.status()} ${pathname}`);
            if (pathname.startsWith('/steer/') && searchParams.has('grant') && response.ok()) steered++;
          });
          const address = (format === 'mpd' ? players?.dash : players?.hls) ?? '';
          await page.goto(`${pages.url}/page/${index}?url=${encodeURIComponent(address)}`);
          await eventually(
            `${player} plays`,
            async () =>
              (await page.evaluate<number>('document.querySelector("video")?.currentTime ?? 0')) > 6 ||
              undefined,
            45_000,
          );
          // The video is shorter than the lifetime of the first steering manifest.
          await page.evaluate('document.querySelector("video").loop = true');
          await eventually(`${player} is steered`, () => steered > 0 || undefined, 30_000);
          expect(media.length, player).toBeGreaterThan(3);
          for (const line of media)
            expect(line, player).toMatch(/^(200|206|304) \/t\/[A-Za-z0-9_-]{40}\/v\//);
          await page.close();
        }),
      );
    } finally {
      pages.stop();
      await browser.close();
    }
  });

  it('plays with ffmpeg by redirect, by relay, and from each playlist', async () => {
    const { players } = await give('ffmpeg');
    expect(countFrames(players?.go ?? '')).toBe(FRAMES);
    expect(countFrames(players?.relay ?? '')).toBe(FRAMES);
    expect(countFrames(players?.hls ?? '')).toBe(FRAMES);
    expect(countFrames(players?.dash ?? '')).toBe(FRAMES);
  });

  it('is served by a second site, which fills with its own token, and from a copy when the first one is dead', async () => {
    const { grant } = await give('second site');
    const { hls, token = '', site } = await sourceAt(grant, second);
    expect(countFrames(hls)).toBe(FRAMES);
    const segment = await fetch(hls.replace('multivariant.m3u8', 'source-video/0.m4s'));
    expect(segment.headers.get('cache-control')).toBe('private, max-age=60');
    // Its buffered files are not served without a token either.
    for (const file of FILES) expect(await status(openUrl(second, file)), file).toBe(404);
    const ofHome = await sourceAt(grant, home);
    expect(await status(hls.replace(token, ofHome.token ?? ''))).toBe(403);

    await requestAsOperator('POST', `${cluster.central.url}/api/placement-rules`, {
      kind: 'by-hand',
      video: id,
      site,
    });
    await eventually(
      'the copy is complete',
      async () => {
        const video = await getJson<Video>(`${cluster.central.url}/api/videos/${id}`, TOKEN);
        return video.copies.some(copy => copy.state === 'complete') || undefined;
      },
      60_000,
    );
    await home.kill();
    expect(countFrames(hls)).toBe(FRAMES);
    expect(await status(openUrl(second))).toBe(404);
    await home.start();
    expect(await status(openUrl(home))).toBe(404);
  });

  it('is refused within a minute at both sites when a grant is revoked, but not with other grants', async () => {
    const [revoked, valid] = [await give('revoked'), await give('valid')];
    const sources = [await sourceAt(revoked.grant, home), await sourceAt(revoked.grant, second)];
    const kept = await sourceAt(valid.grant, second);
    for (const { hls } of sources) expect(await status(hls)).toBe(200);
    const startedMs = performance.now();
    await requestAsOperator('DELETE', `${grantsUrl()}/${revoked.id}`);
    const refusedBy = async (url: string): Promise<string | undefined> => {
      const response = await fetch(url, { redirect: 'manual' });
      const text = await response.text();
      return response.status === 403 ? (JSON.parse(text) as { code: string }).code : undefined;
    };
    for (const url of [
      ...sources.map(({ hls }) => hls),
      `${cluster.tracker.url}/play/${id}?grant=${revoked.grant}`,
    ])
      expect(await eventually('it is refused', () => refusedBy(url), REVOKED_WITHIN_MS)).toBe(
        'grant-revoked',
      );
    const tookMs = performance.now() - startedMs;
    expect(tookMs).toBeLessThan(REVOKED_WITHIN_MS);
    expect(await status(kept.hls)).toBe(200);
    // All grants of the video.
    await requestAsOperator('DELETE', grantsUrl());
    await eventually('it is refused', () => refusedBy(kept.hls), REVOKED_WITHIN_MS);
  });

  it('becomes public by an edit, and private again, at every site', async () => {
    const edit = (visibility: string): Promise<SiteVideo> =>
      requestAsOperator('PATCH', `${home.url}/api/videos/${id}`, { visibility });
    const everywhere = async (expected: number): Promise<true | undefined> => {
      const found = await Promise.all([
        status(openUrl(home)),
        status(openUrl(second)),
        status(`${cluster.central.url}/api/videos/${id}`),
        status(`${cluster.tracker.url}/play/${id}`),
      ]);
      return found.every(each => each === expected) || undefined;
    };
    await edit('public');
    await eventually('everybody can play it', () => everywhere(200), 30_000);
    expect((await getJson<{ videos: Video[] }>(`${cluster.central.url}/api/videos`)).videos).toHaveLength(1);
    await edit('private');
    // The site where it was edited refuses at once.
    expect(await status(openUrl(home))).toBe(404);
    await eventually('nobody can play it', () => everywhere(404), 30_000);
  });

  it('leaves no grant or token in any log', async () => {
    const { grant } = await give('in no log');
    expect(countFrames((await sourceAt(grant, second)).hls)).toBe(FRAMES);
    await requestAsOperator('DELETE', grantsUrl());
    const { grants } = await getJson<{ grants: Grant[] }>(grantsUrl(), TOKEN);
    expect(grants).toEqual([]);
    for (const part of [cluster.central, cluster.tracker, home, second])
      expect(part.log()).not.toMatch(/\/t\/[A-Za-z0-9_-]{40}|grant=[A-Za-z0-9_-]{40}/);
  });
});
