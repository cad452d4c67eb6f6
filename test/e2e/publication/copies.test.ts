/** A copy is made by rule, published, played while everything else is down, and becomes the video when its site is lost. */
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
import { createStory } from '../../support/story.ts';

/** 12 s with 25 frames per second. */
const FRAMES = 300;
const authorised = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
const playOf = ({ tracker }: Cluster, id: string): Promise<PlayResponse> =>
  getJson(`${tracker.url}/play/${id}`);

/** Bytes that a site has sent for fills of other sites. */
async function sentToSites(site: Part): Promise<number> {
  const text = await (await fetch(`${site.url}/metrics`)).text();
  return Number(/^tributary_buffer_fills_egress_bytes_total (\S+)$/m.exec(text)?.[1]);
}

let cluster: Cluster;
let origin: Part;
let successor: Part;
let third: Part;
let copied: string;
let unique: string;
beforeAll(async () => {
  cluster = await startCluster({ copyRetention: '1 h' });
  // Nothing is encoded: this is about where videos are stored.
  const lines = ['workers = 0'];
  origin = await cluster.addSite('Origin', { lines, registration: { region: 'East' } });
  successor = await cluster.addSite('Successor', { lines, registration: { region: 'South' } });
  third = await cluster.addSite('Third', { lines, registration: { region: 'South' } });
  await Promise.all([origin, successor, third].map(site => site.start()));
  copied = await uploadTo(origin, readVideo(shortVideo()), 'Lecture 讲座');
  unique = await uploadTo(origin, readVideo(shortVideo()), 'Only at its origin');
  await Promise.all([copied, unique].map(id => untilRegistered(origin, id)));
}, 120_000);
afterAll(() => cluster?.stop());

let rule: StoredRule;
let loss: LossResponse;
let takenOver: Video;
const reach = createStory([
  [
    'copied',
    async () => {
      const site = await siteIdOf(cluster, successor);
      rule = await addRule(cluster, { kind: 'by-hand', video: copied, site });
      await eventually(
        'the copy is of the revision that has its pictures',
        async () => (await untilCopied(cluster, copied, 1)).pictures?.storyboard,
        COPY_MS,
      );
    },
  ],
  ['cut off', async () => void (await Promise.all([origin.kill(), cluster.central.kill()]))],
  ['without a tracker', () => cluster.tracker.kill()],
  [
    'lost',
    async () => {
      await cluster.central.start();
      await cluster.tracker.start();
      const url = `${cluster.central.url}/api/sites/${await siteIdOf(cluster, origin)}/lost`;
      loss = await requestAsOperator<LossResponse>('POST', url);
      const site = await siteIdOf(cluster, successor);
      takenOver = await eventually(
        'the successor has published the video as its own',
        async () => {
          const video = await videoOf(cluster, copied);
          return video.site.id === site && video.state === 'registered' ? video : undefined;
        },
        COPY_MS,
      );
    },
  ],
  [
    'edited',
    async () => {
      const edited = await fetch(`${successor.url}/api/videos/${copied}`, {
        method: 'PATCH',
        headers: authorised,
        body: JSON.stringify({ name: 'Lecture, second life' }),
      });
      expect(edited.status).toBe(200);
      const sites = [await siteIdOf(cluster, successor)];
      await addRule(cluster, { kind: 'at-least', copies: 2, of: { sites } });
      await untilCopied(cluster, copied, 1);
    },
  ],
  ['returned', () => origin.start()],
] as const);

describe('a copy that an operator pinned', () => {
  it('is made, published and offered by the tracker', async () => {
    await reach('copied');
    const site = await siteIdOf(cluster, successor);
    expect(rule.id).toBeTruthy();
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

  it('of the revision with pictures is made without transferring the video again', async () => {
    await reach('copied');
    const video = await videoOf(cluster, copied);
    expect(await sentToSites(origin)).toBeLessThan(1.5 * video.sizeBytes);
    const poster = await fetch(`${successor.url}/v/${copied}/${video.revision}/poster.jpg`);
    expect(poster.status).toBe(200);
  });
});

describe.skipIf(!chromiumPath)('the administrator’s page', () => {
  it('shows where videos are stored and which are at risk, and accepts rules and regions', async () => {
    await reach('copied');
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage();
      await page.goto(`${cluster.central.url}/admin`);
      await page.click('details.break-glass summary');
      await page.fill('input[name=token]', TOKEN);
      await page.keyboard.press('Enter');
      const row = page.locator(`[data-testid=placements] tr[data-video="${copied}"]`);
      await eventually(
        'the copy is there',
        async () => /Successor: complete/.test(await row.innerText()),
        30_000,
      );
      await page.check('[data-testid=only-at-risk]');
      await eventually('one is at risk', async () => {
        const videos = page.locator('[data-testid=placements] tbody tr');
        return (await videos.count()) === 1 && (await videos.getAttribute('data-video')) === unique;
      });
      await page.uncheck('[data-testid=only-at-risk]');
      await page.click('[data-testid=add-rule] summary');
      await page.selectOption('select[name=kind]', 'at-most');
      await page.fill('input[name=number]', '5');
      await page.selectOption('select[name=where]', 'region South');
      await page.click('[data-testid=add-rule] button[type=submit]');
      const rules = page.locator('[data-testid=rules] li');
      await eventually('the rule is listed', async () =>
        /at most 5 GB/.test((await rules.allInnerTexts()).join()),
      );
      const stored = (
        await getJson<{ rules: StoredRule[] }>(`${cluster.central.url}/api/placement-rules`, TOKEN)
      ).rules;
      expect(stored.at(-1)?.rule).toEqual({ kind: 'at-most', bytes: 5e9, at: { region: 'South' } });
      const remove = async (text: string, consequences: RegExp): Promise<void> => {
        await rules.filter({ hasText: text }).getByTestId('remove-rule').click();
        const dialog = page.getByTestId('confirm');
        await dialog.getByTestId('consequences').waitFor();
        expect(await dialog.innerText()).toMatch(consequences);
        await dialog.getByTestId('confirm-yes').click();
        await rules.filter({ hasText: text }).getByTestId('restore-rule').waitFor();
      };
      await remove('at most 5 GB', /deletes no copies/);
      // The last rule that requires the copy: nothing is deleted for an hour, and it can be undone.
      await remove('is pinned to', /deletes 1 copy \(.*Successor: 1 copy.*stored at one site only/s);
      await eventually('the copy will be deleted', async () =>
        /Successor: will be deleted/.test(await row.innerText()),
      );
      await rules.filter({ hasText: 'is pinned to' }).getByTestId('restore-rule').click();
      await eventually('the copy stays', async () => /Successor: complete/.test(await row.innerText()));
      const siteRow = page.locator(
        `[data-testid=copy-sites] tr[data-site="${await siteIdOf(cluster, third)}"]`,
      );
      await siteRow.locator('[data-testid=region]').fill('West');
      await siteRow.locator('button[type=submit]').click();
      await eventually('the region is set', async () =>
        (await listSitesOf(cluster)).some(site => site.name === 'Third' && site.region === 'West'),
      );
    } finally {
      await browser.close();
    }
  });
});

describe('with the origin and central killed', () => {
  it('every video with a copy plays to the end from where the tracker sends viewers', async () => {
    await reach('cut off');
    const source = await eventually('the tracker knows that the origin is down', async () => {
      const { sources } = await playOf(cluster, copied);
      return sources[0]?.baseUrl === successor.url ? sources[0] : undefined;
    });
    expect(countFrames(source.hls)).toBe(FRAMES);
    expect(countFrames(`${cluster.tracker.url}/go/${copied}`)).toBe(FRAMES);
    // A site without a copy fills from the one that has it, and verifies the bytes with the origin's signature.
    expect(countFrames(source.hls.replace(successor.url, third.url))).toBe(FRAMES);
  });

  it('and the tracker killed too, the site lists, finds and plays the videos that it stores', async () => {
    await reach('without a tracker');
    const library = await eventually(
      'it knows that it is offline',
      async () => {
        const page = await getJson<LibraryPage>(
          `${successor.url}/api/library?q=${encodeURIComponent('讲座')}`,
        );
        return page.connected ? undefined : page;
      },
      COPY_MS,
    );
    expect(library.videos).toMatchObject([{ id: copied, name: 'Lecture 讲座', holding: 'copy' }]);
    expect((await getJson<LibraryPage>(`${successor.url}/api/library?q=nothing`)).videos).toEqual([]);
    const [video] = library.videos;
    const base = `${successor.url}/v/${copied}/${video?.revision}`;
    expect(countFrames(`${base}/multivariant.m3u8`)).toBe(FRAMES);
    expect(countFrames(`${base}/manifest.mpd`)).toBe(FRAMES);
    // Videos of other sites that are in its buffer are found too.
    const { videos } = await getJson<LibraryPage>(`${third.url}/api/library`);
    expect(
      videos.filter(({ holding }) => holding !== 'own').every(({ holding }) => holding === 'partly'),
    ).toBe(true);
  });

  it.skipIf(!chromiumPath)('the site’s library page plays them in a browser', async () => {
    await reach('without a tracker');
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage();
      await page.goto(`${successor.url}/library`);
      await page.waitForSelector('[data-testid=offline]');
      await page.fill('input[type=search]', '讲座');
      await page.keyboard.press('Enter');
      await page.click('[data-testid=videos] [data-testid=card-link]');
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
  it('is replaced: the copy becomes the video', async () => {
    await reach('lost');
    const site = await siteIdOf(cluster, successor);
    expect(loss).toMatchObject({
      promoted: [{ video: copied, to: { id: site } }],
      lost: [{ video: unique, name: 'Only at its origin' }],
    });
    expect(takenOver).toMatchObject({ name: 'Lecture 讲座', pictures: { poster: true } });
    expect(countFrames(`${cluster.tracker.url}/go/${copied}`)).toBe(FRAMES);
    // The successor signs the bytes now: another site verifies its fill with the successor's signature.
    expect(countFrames(`${third.url}/v/${copied}/${takenOver.revision}/multivariant.m3u8`)).toBe(FRAMES);
  });

  it('and its successor edits the video and has it copied, as an origin does', async () => {
    await reach('edited');
    const video = await untilCopied(cluster, copied, 1);
    expect(video).toMatchObject({ name: 'Lecture, second life', site: { name: 'Successor' } });
  });

  it('learns of it when it returns, and publishes nothing twice', async () => {
    await reach('returned');
    const superseded = await eventually(
      'it has withdrawn its version',
      async () => {
        const video = await videoAt(origin, copied);
        return video.error?.code === 'superseded' && video.published ? video : undefined;
      },
      COPY_MS,
    );
    expect(superseded.state).toBe('failed');
    const names = (await getJson<{ videos: Video[] }>(`${cluster.central.url}/api/videos`)).videos.map(
      ({ name, site }) => `${name} at ${site.name}`,
    );
    expect(names.sort()).toEqual(['Lecture, second life at Successor', 'Only at its origin at Origin']);
    await eventually('the tracker sends nobody to it', async () => {
      const { sources } = await playOf(cluster, copied);
      return sources.every(({ baseUrl, reasons }) =>
        baseUrl === origin.url ? !reasons.some(({ code }) => code === 'holds-original') : true,
      );
    });
  });

  it('and a withdrawal by the successor deletes every copy from every disk', async () => {
    await reach('returned');
    const copy = (site: Part): string => join(site.directory, 'videos', copied, 'copy');
    const holders = [origin, successor, third].filter(site => existsSync(copy(site)));
    expect(holders.length).toBeGreaterThanOrEqual(2);
    const withdrawn = await fetch(`${successor.url}/api/videos/${copied}`, {
      method: 'DELETE',
      headers: { authorization: authorised.authorization },
    });
    expect(withdrawn.status).toBe(204);
    await eventually('no copy is left', () => !holders.some(site => existsSync(copy(site))), COPY_MS);
    for (const site of [successor, third]) {
      const url = `${site.url}/v/${copied}/${takenOver.revision}/source-video/0.m4s`;
      await eventually(`${site.name} knows of the withdrawal`, async () => (await fetch(url)).status === 410);
    }
  });
});
