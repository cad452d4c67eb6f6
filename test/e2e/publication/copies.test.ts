/** Copies by rule: made, published, played with everything else gone, and made the video itself when a site is lost. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Video } from '../../../src/protocol/central.ts';
import type { LossResponse, StoredRule } from '../../../src/protocol/copies.ts';
import type { LibraryPage } from '../../../src/protocol/site.ts';
import type { PlayResponse } from '../../../src/protocol/tracker.ts';
import { chromiumPath, launchBrowser } from '../../support/browser.ts';
import {
  addRule,
  type Cluster,
  COPY_MS,
  listSitesOf,
  type Part,
  requestAsOperator,
  siteIdOf,
  startCluster,
  TOKEN,
  untilCopied,
  untilRegistered,
  uploadTo,
  videoAt,
  videoOf,
} from '../../support/cluster.ts';
import { eventually } from '../../support/eventually.ts';
import { getJson } from '../../support/json-requests.ts';
import { countFrames, readVideo, shortVideo } from '../../support/sample-videos.ts';

/** 12 s of 25 pictures. */
const FRAMES = 300;
const authorised = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
const playOf = ({ tracker }: Cluster, id: string): Promise<PlayResponse> =>
  getJson(`${tracker.url}/play/${id}`);

/** Bytes that a site sent for other sites' fills. */
async function sentToSites(site: Part): Promise<number> {
  const text = await (await fetch(`${site.url}/metrics`)).text();
  return Number(/^tributary_buffer_fills_egress_bytes_total (\S+)$/m.exec(text)?.[1]);
}

let cluster: Cluster;
let origin: Part;
let heir: Part;
let third: Part;
let copied: string;
let alone: string;
beforeAll(async () => {
  cluster = await startCluster();
  // Nothing is encoded: what is looked at here is where things stand.
  const lines = ['workers = 0'];
  origin = await cluster.addSite('Origin', { lines, registration: { region: 'East' } });
  heir = await cluster.addSite('Heir', { lines, registration: { region: 'South' } });
  third = await cluster.addSite('Third', { lines, registration: { region: 'South' } });
  await Promise.all([origin, heir, third].map(site => site.start()));
  copied = await uploadTo(origin, readVideo(shortVideo()), 'Lecture 讲座');
  alone = await uploadTo(origin, readVideo(shortVideo()), 'Nobody else has it');
  await Promise.all([copied, alone].map(id => untilRegistered(origin, id)));
}, 120_000);
afterAll(() => cluster?.stop());

describe('a copy that was made by hand', () => {
  it('is made, published and offered by the tracker', async () => {
    const site = await siteIdOf(cluster, heir);
    const { id } = await addRule(cluster, { kind: 'by-hand', video: copied, site });
    expect(id).toBeTruthy();
    const video = await untilCopied(cluster, copied, 1);
    expect(video.copies).toMatchObject([{ state: 'origin' }, { site, state: 'complete' }]);
    await eventually('the tracker offers both as holders', async () => {
      const { sources } = await playOf(cluster, copied);
      const full = sources.filter(({ reasons }) => reasons.some(({ code }) => code === 'holds-original'));
      return full.length === 2 && full.some(source => source.site === site);
    });
    expect((await listSitesOf(cluster)).find(each => each.id === site)).toMatchObject({
      videos: 0,
      copies: 1,
    });
  });

  it('of the revision with pictures does not carry the film over the line again', async () => {
    const video = await eventually(
      'the copy is of the revision that has its pictures',
      async () => {
        const found = await untilCopied(cluster, copied, 1);
        return found.pictures?.storyboard ? found : undefined;
      },
      COPY_MS,
    );
    expect(await sentToSites(origin)).toBeLessThan(1.5 * video.sizeBytes);
    const poster = await fetch(`${heir.url}/v/${copied}/${video.revision}/poster.jpg`);
    expect(poster.status).toBe(200);
  });
});

describe.skipIf(!chromiumPath)('the administrator’s page', () => {
  it('shows what stands where and what is at risk, and takes rules and regions', async () => {
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage();
      await page.goto(`${cluster.central.url}/admin`);
      await page.fill('input', TOKEN);
      await page.keyboard.press('Enter');
      const row = page.locator(`[data-testid=placements] tr[data-video="${copied}"]`);
      await eventually('the copy is there', async () => /Heir: complete/.test(await row.innerText()), 30_000);
      await page.check('[data-testid=only-at-risk]');
      await eventually('one is at risk', async () => {
        const videos = page.locator('[data-testid=placements] tbody tr');
        return (await videos.count()) === 1 && (await videos.getAttribute('data-video')) === alone;
      });
      await page.uncheck('[data-testid=only-at-risk]');
      await page.click('[data-testid=add-rule] summary');
      await page.selectOption('select[name=kind]', 'at-most');
      await page.fill('input[name=number]', '5');
      await page.selectOption('select[name=where]', 'region South');
      await page.click('[data-testid=add-rule] button[type=submit]');
      const rules = page.locator('[data-testid=rules] li');
      await eventually('it is in force', async () =>
        /at most 5 GB/.test((await rules.allInnerTexts()).join()),
      );
      const stored = (
        await getJson<{ rules: StoredRule[] }>(`${cluster.central.url}/api/placement-rules`, TOKEN)
      ).rules;
      expect(stored.at(-1)?.rule).toEqual({ kind: 'at-most', bytes: 5e9, at: { region: 'South' } });
      await rules.filter({ hasText: 'at most 5 GB' }).locator('button').click();
      await eventually('it is gone', async () => (await rules.count()) === 1);
      const place = page.locator(
        `[data-testid=copy-sites] tr[data-site="${await siteIdOf(cluster, third)}"]`,
      );
      await place.locator('[data-testid=region]').fill('West');
      await place.locator('button[type=submit]').click();
      await eventually('the region is set', async () =>
        (await listSitesOf(cluster)).some(site => site.name === 'Third' && site.region === 'West'),
      );
    } finally {
      await browser.close();
    }
  });
});

describe('with the origin and the centre killed for good', () => {
  beforeAll(async () => {
    await Promise.all([origin.kill(), cluster.central.kill()]);
  });

  it('every video with a copy plays to the end, as the tracker sends viewers', async () => {
    const source = await eventually('the tracker has seen that the origin is gone', async () => {
      const { sources } = await playOf(cluster, copied);
      return sources[0]?.baseUrl === heir.url ? sources[0] : undefined;
    });
    expect(countFrames(source.hls)).toBe(FRAMES);
    expect(countFrames(`${cluster.tracker.url}/go/${copied}`)).toBe(FRAMES);
    // A site without a copy fills from the one that has it, and checks what it gets against the origin's signature.
    expect(countFrames(source.hls.replace(heir.url, third.url))).toBe(FRAMES);
  });

  it('and with the tracker too: the site lists, finds and plays what it holds', async () => {
    await cluster.tracker.kill();
    const library = await eventually(
      'it knows that it is cut off',
      async () => {
        const page = await getJson<LibraryPage>(`${heir.url}/api/library?q=${encodeURIComponent('讲座')}`);
        return page.connected ? undefined : page;
      },
      COPY_MS,
    );
    expect(library.videos).toMatchObject([{ id: copied, name: 'Lecture 讲座', holding: 'copy' }]);
    expect((await getJson<LibraryPage>(`${heir.url}/api/library?q=nothing`)).videos).toEqual([]);
    const [video] = library.videos;
    const base = `${heir.url}/v/${copied}/${video?.revision}`;
    expect(countFrames(`${base}/multivariant.m3u8`)).toBe(FRAMES);
    expect(countFrames(`${base}/manifest.mpd`)).toBe(FRAMES);
    // What its buffer has of others is found too.
    const { videos } = await getJson<LibraryPage>(`${third.url}/api/library`);
    expect(
      videos.filter(({ holding }) => holding !== 'own').every(({ holding }) => holding === 'partly'),
    ).toBe(true);
  });

  it.skipIf(!chromiumPath)('and in a browser, on the site’s own page', async () => {
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage();
      await page.goto(`${heir.url}/library`);
      await page.waitForSelector('[data-testid=offline]');
      await page.fill('input[type=search]', '讲座');
      await page.click('[data-testid=play-here]');
      await eventually(
        'it plays',
        async () =>
          (await page.evaluate<number>('document.querySelector("video")?.currentTime ?? 0')) > 1 || undefined,
        30_000,
      );
    } finally {
      await browser.close();
    }
  });
});

describe('a site that is lost', () => {
  let inherited: Video;

  it('is made up for: the copy becomes the video', async () => {
    await cluster.central.start();
    await cluster.tracker.start();
    const site = await siteIdOf(cluster, heir);
    const answer = await requestAsOperator<LossResponse>(
      'POST',
      `${cluster.central.url}/api/sites/${await siteIdOf(cluster, origin)}/lost`,
    );
    expect(answer).toMatchObject({
      promoted: [{ video: copied, to: { id: site } }],
      lost: [{ video: alone, name: 'Nobody else has it' }],
    });
    inherited = await eventually(
      'the heir has published it as its own',
      async () => {
        const video = await videoOf(cluster, copied);
        return video.site.id === site && video.state === 'registered' ? video : undefined;
      },
      COPY_MS,
    );
    expect(inherited).toMatchObject({ name: 'Lecture 讲座', pictures: { poster: true } });
    expect(countFrames(`${cluster.tracker.url}/go/${copied}`)).toBe(FRAMES);
    // Its bytes are the heir's now: another site fills by the heir's signature.
    expect(countFrames(`${third.url}/v/${copied}/${inherited.revision}/multivariant.m3u8`)).toBe(FRAMES);
  });

  it('and the heir edits it and has it copied, as an origin does', async () => {
    const edited = await fetch(`${heir.url}/api/videos/${copied}`, {
      method: 'PATCH',
      headers: authorised,
      body: JSON.stringify({ name: 'Lecture, second life' }),
    });
    expect(edited.status).toBe(200);
    await addRule(cluster, { kind: 'at-least', copies: 2, of: { sites: [await siteIdOf(cluster, heir)] } });
    const video = await untilCopied(cluster, copied, 1);
    expect(video).toMatchObject({ name: 'Lecture, second life', site: { name: 'Heir' } });
  });

  it('is told when it comes back, and doubles nothing', async () => {
    await origin.start();
    const told = await eventually(
      'it knows, and has said so',
      async () => {
        const video = await videoAt(origin, copied);
        return video.error?.code === 'superseded' && video.published ? video : undefined;
      },
      COPY_MS,
    );
    expect(told.state).toBe('failed');
    const names = (await getJson<{ videos: Video[] }>(`${cluster.central.url}/api/videos`)).videos.map(
      ({ name, site }) => `${name} at ${site.name}`,
    );
    expect(names.sort()).toEqual(['Lecture, second life at Heir', 'Nobody else has it at Origin']);
    await eventually('the tracker sends nobody to it', async () => {
      const { sources } = await playOf(cluster, copied);
      return sources.every(({ baseUrl, reasons }) =>
        baseUrl === origin.url ? !reasons.some(({ code }) => code === 'holds-original') : true,
      );
    });
  });

  it('and a withdrawal by the heir takes every copy off every disk', async () => {
    const copy = (site: Part): string => join(site.directory, 'videos', copied, 'copy');
    const holders = [origin, heir, third].filter(site => existsSync(copy(site)));
    expect(holders.length).toBeGreaterThanOrEqual(2);
    const gone = await fetch(`${heir.url}/api/videos/${copied}`, {
      method: 'DELETE',
      headers: { authorization: authorised.authorization },
    });
    expect(gone.status).toBe(204);
    await eventually('no copy is left', () => !holders.some(site => existsSync(copy(site))), COPY_MS);
    for (const site of [heir, third]) {
      const url = `${site.url}/v/${copied}/${inherited.revision}/source-video/0.m4s`;
      await eventually(`${site.name} says so`, async () => (await fetch(url)).status === 410);
    }
  });
});
