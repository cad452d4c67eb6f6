/** The pages in a real browser, on a desktop and a phone, in both languages. It takes the pictures in docs/pictures. */
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Site, Video } from '../../../src/protocol/central.ts';
import type { SiteInfo } from '../../../src/protocol/site.ts';
import type { BeaconResponse, PlayResponse } from '../../../src/protocol/tracker.ts';
import { chromiumPath, launchBrowser } from '../../support/browser.ts';
import { type Demo, findVideo, startDemo } from '../../support/demo.ts';
import { eventually } from '../../support/eventually.ts';
import { getJson } from '../../support/json-requests.ts';
import { minuteVideo, readVideo, shortVideo } from '../../support/sample-videos.ts';
import { openSignedIn } from '../../support/sign-in.ts';
import { upload } from '../../support/uploads.ts';

const PICTURES = process.env.TRIBUTARY_PICTURES ?? 'test-results';

describe.skipIf(!chromiumPath)('in Chromium', () => {
  let demo: Demo;
  let browser: Browser;
  const errors: string[] = [];
  beforeAll(async () => {
    mkdirSync(PICTURES, { recursive: true });
    [demo, browser] = await Promise.all([startDemo(), launchBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await demo?.stop();
  });
  // No page throws an error or violates its content security policy.
  afterEach(() => expect(errors.splice(0)).toEqual([]));

  const site = (index: number) => {
    const found = demo.sites[index];
    if (!found) throw new Error(`the demo has no site ${index}`);
    return found;
  };
  async function open(
    url: string,
    options: { phone?: boolean; locale?: string; dark?: boolean; signedIn?: boolean } = {},
  ): Promise<Page> {
    const context = await browser.newContext({
      viewport: options.phone ? { width: 390, height: 844 } : { width: 1280, height: 800 },
      locale: options.locale ?? 'en-GB',
      colorScheme: options.dark ? 'dark' : 'light',
    });
    const page = await context.newPage();
    page.on('pageerror', error => errors.push(`${url}: ${error.message}`));
    page.on('console', message => {
      if (/Content Security Policy/.test(message.text())) errors.push(`${url}: ${message.text()}`);
    });
    if (options.signedIn) await openSignedIn(page, url);
    else await page.goto(url);
    return page;
  }
  const take = (page: Page, name: string) =>
    page.screenshot({ path: `${PICTURES}/${name}.png`, fullPage: name.includes('phone') });
  const currentTime = (page: Page): Promise<number> =>
    page.evaluate<number>('document.querySelector("video").currentTime');
  const serving = (page: Page): Promise<string> =>
    page.evaluate<string>('document.querySelector("video").dataset.site ?? ""');
  const untilPlayed = (page: Page, seconds: number) =>
    eventually(
      `${seconds} s have played`,
      async () => (await currentTime(page)) > seconds || undefined,
      30_000,
    );
  /** No page is wider than its window. */
  const expectToFit = async (page: Page) =>
    expect(
      await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth'),
    ).toBeLessThanOrEqual(0);

  it('finds the sample in the catalogue and plays it from the site of the viewer', async () => {
    const page = await open(`${demo.central}/`);
    await page.getByTestId('new').getByTestId('card-link').first().waitFor();
    await take(page, 'catalogue');
    await expectToFit(page);
    await page.getByRole('combobox', { name: 'Search videos' }).fill('river');
    await page.keyboard.press('Enter');
    await page.getByTestId('videos').getByTestId('card-link').first().click();
    await page.waitForURL(/\/watch\//);
    const url = `${page.url()}?client=${site(1).viewer}`;
    const video = new URL(url).pathname.split('/').at(-1);
    const { sources } = await getJson<{ sources: { site: string }[] }>(
      `${demo.tracker}/play/${video}?client=${site(1).viewer}`,
    );
    expect(sources[0]?.site).toBe(site(1).id);
    await page.goto(url);
    await untilPlayed(page, 2);
    // Once it plays, its own measurements decide.
    expect(demo.sites.map(({ id }) => id)).toContain(await serving(page));
    await page.getByTestId('playing-from').locator('summary').first().click();
    expect(await page.getByTestId('sources').getByRole('listitem').count()).toBe(3);
    await page.getByText('Covers your network').waitFor();
    await take(page, 'watch');
    await expectToFit(page);
    await page.context().close();
    const phone = await open(url, { phone: true, locale: 'zh-CN', dark: true });
    await untilPlayed(phone, 0.5);
    await phone.getByTestId('playing-from').getByText('为什么').waitFor();
    await expectToFit(phone);
    await take(phone, 'watch-phone');
    await phone.context().close();
  });

  // hls.js stalled for good in one of two viewings before the player postponed such a change (player/hls/playback.ts).
  it.each([200, 300, 400])(
    'plays although the order of sites changes %i ms after the first segment was requested',
    async afterMs => {
      const page = await open(`${demo.central}/`);
      const { videos } = await getJson<{ videos: Video[] }>(`${demo.central}/api/videos`);
      const isAsked = page.waitForRequest(/\/0\.m4s$/);
      await page.route(/\.m4s$/, async route => {
        await new Promise(done => setTimeout(done, 1_000));
        await route.continue();
      });
      // The tracker's own responses, with the last site first in every second one. The first arrives while segments load.
      let responses = 0;
      await page.route('**/beacon/**', async route => {
        const response = await route.fetch();
        const beacon = (await response.json()) as BeaconResponse;
        const lastFirst = [...beacon.priority.slice(-1), ...beacon.priority.slice(0, -1)];
        if (responses === 0) await isAsked.then(() => new Promise(done => setTimeout(done, afterMs)));
        const priority = responses++ % 2 === 0 ? lastFirst : beacon.priority;
        await route.fulfill({ response, json: { ...beacon, priority } });
      });
      await page.goto(`${demo.central}/watch/${videos.at(-1)?.id}?client=${site(1).viewer}`);
      await untilPlayed(page, 3);
      expect(responses).toBeGreaterThan(0);
      await page.context().close();
    },
  );

  it('shows every step of an upload in the studio, and plays the video from the catalogue', async () => {
    const page = await open(`${site(2).url}/`, { signedIn: true });
    await page.setInputFiles('#file', {
      name: 'Evening lecture.mp4',
      mimeType: 'video/mp4',
      buffer: readVideo(shortVideo()),
    });
    const row = page.locator('[data-testid=video][data-registered=true]');
    await row.waitFor({ timeout: 15_000 });
    expect(await row.locator('.steps li.done').count()).toBe(6);
    await take(page, 'studio');
    await expectToFit(page);
    await row.getByRole('link', { name: 'Watch' }).click();
    await page.waitForURL(/\/watch\//);
    await untilPlayed(page, 1);
    await page.context().close();
    const phone = await open(`${site(2).url}/`, { phone: true, locale: 'zh-CN', signedIn: true });
    await phone.getByText('Evening lecture').first().waitFor();
    await expectToFit(phone);
    await take(phone, 'studio-phone');
    await phone.context().close();
  });

  it('accepts a dropped file, and explains why a file that is no video is refused', async () => {
    const page = await open(`${site(1).url}/`, { signedIn: true });
    const data = await page.evaluateHandle(`(() => {
      const data = new DataTransfer();
      data.items.add(new File(['<html>not a video</html>'], 'page.mp4', { type: 'video/mp4' }));
      return data;
    })()`);
    await page.dispatchEvent('[data-testid=drop]', 'drop', { dataTransfer: data });
    await page.locator('[data-testid=video][data-state=failed] .bad[role=alert]').waitFor();
    await page.context().close();
  });

  it('explains the ranking for a viewer in the language of the page, also on a phone', async () => {
    const ask = async (page: Page) => {
      await page.getByTestId('explain').click();
      await page.getByTestId('explanation').waitFor();
      await expectToFit(page);
      return page.getByTestId('explanation').innerText();
    };
    // Nobody has watched from this network, so no measurement puts another site first.
    const url = `${demo.central}/admin/explain?client=${site(0).viewer}#token=${demo.token}`;
    const page = await open(url);
    expect(await ask(page)).toMatch(/is in this site's coverage zone\.[\s\S]*Stays first unless/);
    // Each column is below its heading.
    const lefts = await page.evaluate<number[][]>(
      `['thead', 'tbody'].map(part => [...document.querySelector('[data-testid=explanation] ' + part + ' tr').children]
        .map(cell => Math.round(cell.getBoundingClientRect().left)))`,
    );
    expect(lefts[1]).toEqual(lefts[0]);
    await take(page, 'explain');
    await page.context().close();
    const phone = await open(url, { phone: true, locale: 'zh-CN' });
    const text = await ask(phone);
    expect(text).toMatch(/在该站点的覆盖区内。[\s\S]*否则一直居首/);
    // The only English in it is names, units and addresses.
    expect(text).not.toMatch(/\b(the|expected|site|video|network)\b/);
    // A sentence has the width of the window without its margins.
    const widths = await phone.evaluate<number[]>(
      `[...document.querySelectorAll('[data-testid=explanation] td.sentences')].map(cell => cell.clientWidth)`,
    );
    expect(widths.length).toBe(6);
    for (const width of widths) expect(width).toBeGreaterThan(280);
    await take(phone, 'explain-phone');
    await phone.context().close();
  });

  it('shows sites and signals only to an operator with the token', async () => {
    const page = await open(`${demo.central}/admin`);
    await page.getByText('Emergency access with the operator token').click();
    await page.getByLabel('Operator token').fill('not the token at all');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').first().waitFor();
    await page.goto(`${demo.central}/admin#token=${demo.token}`);
    await page.reload();
    await page.getByTestId('sites').getByText('Hangzhou').waitFor();
    expect(page.url()).not.toContain(demo.token);
    expect(await page.getByTestId('signals').getByRole('row').count()).toBeGreaterThan(1);
    await page
      .getByTestId('completeness')
      .getByRole('row', { name: /Hangzhou/ })
      .getByText(/Complete as of/)
      .waitFor();
    await page
      .getByTestId('completeness')
      .getByRole('row', { name: /Hangzhou/ })
      .getByRole('button', { name: 'Collect now' })
      .click();
    await page
      .getByTestId('outcome')
      .getByText(/Collected from .*Hangzhou/)
      .waitFor();
    await take(page, 'admin');
    await page.setViewportSize({ width: 390, height: 844 });
    await expectToFit(page);
    await take(page, 'admin-phone');
    await page.context().close();
  });

  it('warns the operator of a site that converts without a sandbox', async () => {
    const { conversion } = await getJson<SiteInfo>(`${site(0).url}/api/site`, demo.token);
    expect(conversion).toBeDefined();
    const isSafe = conversion?.isolation !== 'none' && conversion?.hasLimits === true;
    const page = await open(`${demo.central}/admin#token=${demo.token}`);
    const row = (on: Page) => on.locator(`[data-testid=sites] tr[data-site="${site(0).id}"]`);
    await row(page).waitFor();
    expect(await row(page).getByTestId('unsafe-conversion').count()).toBe(isSafe ? 0 : 1);
    // This machine may have a sandbox, so the response is changed to that of a site without one.
    await page.route('**/api/sites', async route => {
      const response = await route.fetch();
      const { sites } = (await response.json()) as { sites: Site[] };
      const conversion = { isolation: 'none' as const, hasLimits: true };
      await route.fulfill({
        response,
        json: { sites: sites.map(one => (one.id === site(0).id ? { ...one, conversion } : one)) },
      });
    });
    await row(page).getByText('ffmpeg is not sandboxed').click();
    await row(page)
      .getByText(/Install bubblewrap or enable user namespaces/)
      .waitFor();
    expect(await row(page).getByTestId('unsafe-conversion').count()).toBe(1);
    await page.context().close();
  });

  it('lets the operator edit the policy of a site, and the tracker applies it', async () => {
    const read = async () => {
      const { sites } = await getJson<{ sites: Site[] }>(`${demo.central}/api/sites`);
      const found = sites.find(({ id }) => id === site(1).id);
      if (!found) throw new Error('the site is gone');
      return found;
    };
    const original = await read();
    // Nobody has watched from this network, so no measurement puts another site first.
    const unmeasured = '10.9.0.0/16';
    const rezone = async (zone: readonly string[]): Promise<void> => {
      const { status } = await fetch(`${demo.central}/api/sites/${site(1).id}`, {
        method: 'PATCH',
        headers: { authorization: `Bearer ${demo.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ zone }),
      });
      expect(status).toBe(200);
    };
    await rezone([...original.zone, unmeasured]);
    const before = await read();
    const { id } = await upload(site(0).url, demo.token, readVideo(shortVideo()), { name: 'Steered' });
    const first = async (): Promise<string> =>
      (await getJson<PlayResponse>(`${demo.tracker}/play/${id}?client=10.9.0.10`)).sources[0]?.site ?? '';
    await eventually('the viewer’s own site comes first', async () => (await first()) === site(1).id);

    const page = await open(`${demo.central}/admin#token=${demo.token}`);
    const openForm = async (on: Page, name = 'Edit') => {
      await on
        .getByTestId('sites')
        .getByRole('row', { name: /Guangzhou/ })
        .getByRole('button', { name, exact: true })
        .click();
      return on.getByTestId('edit-site');
    };
    let form = await openForm(page);
    await form.getByLabel('Weight').fill('many');
    await form.getByRole('button', { name: 'Save' }).click();
    expect(await form.getByLabel('Weight').inputValue()).toBe('many');
    await form.getByLabel('Weight').fill('0.5');
    await form.getByLabel('Failover order').fill('7');
    await form.getByLabel('Egress limit, Mbit/s').fill('25');
    await form.getByLabel('Coverage zone').fill(`10.2.0.0/16\n${unmeasured}\n2001:db8:2::/48`);
    await form.getByLabel(/^Drain:/).check();
    await form.getByLabel('Database address').fill('postgres://reader:secret@127.0.0.1:1/none');
    await take(page, 'admin-edit');
    await form.getByRole('button', { name: 'Save' }).click();
    await page
      .getByTestId('outcome')
      .getByText(/Guangzhou saved/)
      .waitFor();
    expect(await read()).toMatchObject({
      policy: { weight: 0.5, failoverOrder: 7, egressLimitBps: 25_000_000, drained: true },
      zone: ['10.2.0.0/16', unmeasured, '2001:db8:2::/48'],
      readBy: 'sql',
    });
    await eventually('its viewers go elsewhere', async () => (await first()) !== site(1).id);
    await page.context().close();

    const phone = await open(`${demo.central}/admin#token=${demo.token}`, { phone: true, locale: 'zh-CN' });
    form = await openForm(phone, '编辑');
    expect(await form.getByLabel('数据库地址', { exact: true }).inputValue()).toBe('');
    expect(await form.getByLabel('权重').inputValue()).toBe('0.5');
    await take(phone, 'admin-edit-phone');
    await expectToFit(phone);
    await form.getByLabel('权重').fill('1');
    await form.getByLabel('故障切换顺序').fill('0');
    await form.getByLabel('出口带宽上限（Mbit/s）').fill('');
    await form.getByLabel('覆盖区').fill(before.zone.join(' '));
    await form.getByLabel(/^排空：/).uncheck();
    await form.getByLabel(/^移除数据库地址/).check();
    await form.getByRole('button', { name: '保存' }).click();
    await phone.getByTestId('outcome').waitFor();
    const after = await read();
    expect(after.policy.egressLimitBps).toBeUndefined();
    expect(after).toMatchObject({ zone: before.zone, readBy: before.readBy, policy: { drained: false } });
    await eventually('and come back', async () => (await first()) === site(1).id);
    await rezone(original.zone);
    await phone.context().close();
  });

  it('removes a withdrawn video from every site, and shows that in the signal log', async () => {
    const { id } = await upload(site(0).url, demo.token, readVideo(shortVideo()), { name: 'A mistake' });
    const video = await eventually('it is registered', async () => {
      const found = await findVideo(demo, id);
      return found.state === 'registered' ? found : undefined;
    });
    // Another site caches a part of it.
    const kept = `${site(1).url}/v/${id}/${video.revision}/multivariant.m3u8`;
    expect((await fetch(kept)).status).toBe(200);
    const authorization = `Bearer ${demo.token}`;
    await fetch(`${site(0).url}/api/videos/${id}`, { method: 'DELETE', headers: { authorization } });
    await eventually('it is gone', async () => (await fetch(kept)).status === 410 || undefined, 10_000);
    await eventually(
      'the tracker has forgotten it',
      async () => (await fetch(`${demo.tracker}/play/${id}`)).status === 410 || undefined,
      10_000,
    );
    const page = await open(`${demo.central}/admin#token=${demo.token}`);
    const row = page.getByTestId('withdrawals').getByRole('row', { name: /A mistake/ });
    await row.getByText('3 of 3 sites confirmed').waitFor();
    await page.context().close();
    const chinese = await open(`${demo.central}/admin#token=${demo.token}`, { locale: 'zh-CN' });
    await chinese.getByTestId('withdrawals').getByText('3 个站点中已有 3 个确认').waitFor();
    await take(chinese, 'admin-zh');
    await chinese.context().close();
  });

  it.each(['/go/ID', '/play/ID.m3u8'])('plays %s in an unmodified hls.js', async path => {
    const { videos } = await getJson<{ videos: { id: string }[] }>(`${demo.central}/api/videos?q=river`);
    const stream = demo.tracker + path.replace('ID', videos[0]?.id ?? '');
    const player = createServer((request, response) => {
      const isScript = request.url === '/hls.js';
      response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
      response.end(
        isScript
          ? readFileSync('node_modules/hls.js/dist/hls.min.js')
          : `<video muted autoplay></video><script src="/hls.js"></script><script>
              const hls = new Hls();
              hls.loadSource(${JSON.stringify(stream)});
              hls.attachMedia(document.querySelector('video'));
            </script>`,
      );
    });
    await new Promise<void>(done => player.listen(0, '127.0.0.1', done));
    try {
      const page = await open(`http://127.0.0.1:${(player.address() as AddressInfo).port}/`);
      await untilPlayed(page, 6);
      await page.context().close();
    } finally {
      player.closeAllConnections();
      player.close();
    }
  });

  it('continues from another site when the serving site is killed', async () => {
    const { id } = await upload(site(0).url, demo.token, readVideo(minuteVideo()), { name: 'A minute' });
    await eventually(
      'it is registered',
      async () => (await findVideo(demo, id)).state === 'registered' || undefined,
    );
    // The weight makes this site serve, even if a busy machine distorts the measurements.
    const { status } = await fetch(`${demo.central}/api/sites/${site(1).id}`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${demo.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ policy: { weight: 100 } }),
    });
    expect(status).toBe(200);
    const page = await open(`${demo.central}/watch/${id}?client=${site(1).viewer}`);
    await untilPlayed(page, 3);
    expect(await serving(page)).toBe(site(1).id);
    process.kill(site(1).pid, 'SIGKILL');
    const killedAt = await currentTime(page);
    await untilPlayed(page, killedAt + 24);
    expect(await serving(page)).not.toBe(site(1).id);
    await page
      .getByTestId('site-switches')
      .getByText(/switched from/)
      // On a busy machine it may switch once more.
      .first()
      .waitFor({ state: 'attached' });
    const { sites } = await getJson<{ sites: { site: string; up: boolean }[] }>(`${demo.tracker}/status`);
    expect(sites.find(each => each.site === site(1).id)?.up).toBe(false);
    await page.context().close();
    await demo.restart('site-2');
  });
});
