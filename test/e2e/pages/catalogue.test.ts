/** The pages by which viewers find videos, in a real browser: central with a catalogue of many videos, and a tracker. */
import { gzipSync } from 'node:zlib';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findViolations } from '../../support/axe.ts';
import { chromiumPath, launchBrowser } from '../../support/browser.ts';
import { type CatalogueScene, startCatalogueScene } from '../../support/catalogue-scene.ts';
import { eventually } from '../../support/eventually.ts';

const VIDEOS = 60;
/** A viewer in the coverage zone of the first site. */
const NEAR = '?client=10.1.0.5';
const MAX_SCRIPT_BYTES = 100_000;
const MAX_FIRST_CALLS = 9;

describe.skipIf(!chromiumPath)('the catalogue in Chromium', () => {
  let scene: CatalogueScene;
  let browser: Browser;
  const errors: string[] = [];
  beforeAll(async () => {
    [scene, browser] = await Promise.all([startCatalogueScene(VIDEOS), launchBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await scene?.stop();
  });
  afterEach(() => expect(errors.splice(0)).toEqual([]));

  async function open(
    path: string,
    options: { readonly phone?: boolean; readonly locale?: string; readonly dark?: boolean } = {},
    prepare?: (context: BrowserContext) => Promise<unknown>,
  ): Promise<Page> {
    const context = await browser.newContext({
      viewport: options.phone ? { width: 390, height: 844 } : { width: 1280, height: 800 },
      locale: options.locale ?? 'en-GB',
      colorScheme: options.dark ? 'dark' : 'light',
    });
    await prepare?.(context);
    const page = await context.newPage();
    page.on('pageerror', error => errors.push(`${path}: ${error.message}`));
    page.on('console', message => {
      if (/Content Security Policy/.test(message.text())) errors.push(`${path}: ${message.text()}`);
    });
    await page.goto(scene.url + path);
    return page;
  }
  /** Nothing for axe-core to find, and no page is wider than its window. */
  async function expectAccessible(page: Page): Promise<void> {
    expect(await findViolations(page), page.url()).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
  }
  const cards = (page: Page) => page.getByTestId('videos').getByTestId('card-link');
  const remember = (videos: readonly string[]) => (context: BrowserContext) =>
    context.addInitScript(
      `localStorage.setItem('tributary.watch-progress', ${JSON.stringify(
        JSON.stringify(
          videos.map((video, at) => ({ video, atMs: 120_000, durationMs: 600_000, atTime: Date.now() - at })),
        ),
      )})`,
    );

  it('shows its first view after little script and few calls, without moving its parts', async () => {
    const scripts = new Map<string, number>();
    const calls: string[] = [];
    const page = await open(`/${NEAR}`, {}, async context => {
      await remember(scene.videos.slice(3, 5))(context);
      await context.addInitScript(`
          window.shifts = 0;
          new PerformanceObserver(list => {
            for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts += entry.value;
          }).observe({ type: 'layout-shift', buffered: true });
        `);
      context.on('request', request => {
        if (/\/(api|nearest)/.test(request.url())) calls.push(request.url());
      });
      context.on('response', async response => {
        if (response.request().resourceType() !== 'script') return;
        scripts.set(response.url(), gzipSync(await response.body()).length);
      });
    });
    await page.getByTestId('near').waitFor();
    await page.getByTestId('continue').waitFor();
    const bytes = await eventually('the sizes are known', () =>
      scripts.size > 0 ? [...scripts.values()].reduce((sum, size) => sum + size, 0) : undefined,
    );
    expect(bytes).toBeLessThan(MAX_SCRIPT_BYTES);
    expect(calls.length).toBeLessThanOrEqual(MAX_FIRST_CALLS);
    expect(await page.evaluate('window.shifts')).toBeLessThan(0.1);
    await page.context().close();
  });

  it('offers to continue, new videos, series and near videos, and forgets withdrawn ones', async () => {
    const gone = await scene.publish(0, { name: 'Withdrawn soon' });
    const kept = scene.videos[3] ?? '';
    const page = await open(`/${NEAR}`, {}, remember([gone, kept]));
    const row = page.getByTestId('continue');
    await row.locator(`[data-video="${gone}"]`).waitFor();
    expect(await row.locator(`[data-video="${kept}"]`).getByTestId('watched').innerText()).toContain('20%');
    await page.getByTestId('new').getByText('Withdrawn soon').waitFor();
    await page.getByTestId('series').getByRole('link', { name: 'Fluid mechanics' }).waitFor();
    await page.getByRole('heading', { name: 'Near you: Hangzhou' }).waitFor();
    await expectAccessible(page);
    await scene.withdraw(0, gone);
    await page.reload();
    await row.locator(`[data-video="${kept}"]`).waitFor();
    expect(await row.locator(`[data-video="${gone}"]`).count()).toBe(0);
    await row.getByRole('button', { name: /^Remove/ }).click();
    await row.waitFor({ state: 'detached' });
    await page.context().close();
  });

  it('shows moments of a video to those who point at it', async () => {
    const page = await open('/search');
    const card = page.locator('.card:has([data-testid=poster])').first();
    await card.hover();
    await card.getByTestId('preview').waitFor();
    await page.mouse.move(0, 0);
    await card.getByTestId('preview').waitFor({ state: 'detached' });
    await page.context().close();
  });

  it('is searched with the keyboard, and the address shows the search', async () => {
    const page = await open('/');
    const box = page.getByRole('combobox', { name: 'Search videos' });
    await box.focus();
    await page.keyboard.type('River');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/search\?q=River$/);
    await page.getByRole('heading', { level: 1, name: 'Results for "River"' }).waitFor();
    await cards(page).first().waitFor();
    for (const name of await cards(page).allInnerTexts()) expect(name).toContain('river');
    await page.getByTestId('order').selectOption('title');
    await page.waitForURL(/q=River&order=title$/);
    await page.goBack();
    await page.waitForURL(/\/search\?q=River$/);
    expect(await page.getByTestId('order').inputValue()).toBe('relevance');
    await page.goBack();
    await page.getByTestId('new').waitFor();
    expect(await box.inputValue()).toBe('');
    await page.goForward();
    await cards(page).first().waitFor();
    expect(await box.inputValue()).toBe('River');
    await expectAccessible(page);
    await page.context().close();
  });

  it('loads further results by scrolling and by link, and returns to where the viewer was', async () => {
    const page = await open('/search');
    await cards(page).first().waitFor();
    const [first] = await cards(page).allInnerTexts();
    const href = (await page.getByTestId('more').getAttribute('href')) ?? '';
    expect(href).toMatch(/^\/search\?cursor=/);
    await page.getByTestId('more').scrollIntoViewIfNeeded();
    await eventually('the second page is loaded', async () => (await cards(page).count()) > 40 || undefined);
    const target = cards(page).nth(36);
    await target.scrollIntoViewIfNeeded();
    await page.waitForTimeout(300);
    const name = await target.innerText();
    const y = await page.evaluate<number>('scrollY');
    expect(y).toBeGreaterThan(500);
    await target.click();
    await page.waitForURL(/\/watch\//);
    await page.goBack();
    await eventually('it is scrolled to the same place', async () => {
      const now = await page.evaluate<number>('scrollY');
      return Math.abs(now - y) < 50 || undefined;
    });
    expect(await cards(page).nth(36).innerText()).toBe(name);
    // The link leads to the same results.
    const second = await page.context().newPage();
    await second.goto(scene.url + href);
    await cards(second).first().waitFor();
    expect(await cards(second).first().innerText()).toBe(await cards(page).nth(24).innerText());
    await second.getByRole('link', { name: 'Back to the first results' }).click();
    await eventually('the first results are shown', async () =>
      (await cards(second).first().innerText()) === first ? true : undefined,
    );
    await page.context().close();
  });

  it('shows a series in its order, the videos of a person, and those of a site', async () => {
    const page = await open('/');
    await page.getByTestId('series').getByRole('link', { name: 'Fluid mechanics' }).click();
    await page.waitForURL(/\/series\/fluid-mechanics$/);
    await cards(page).first().waitFor();
    const positions = await page.getByTestId('videos').locator('.image-corner').allInnerTexts();
    expect(positions).toEqual(Array.from({ length: 10 }, (_, at) => String(at + 1)));
    // The heading has the focus, so a screen reader continues there.
    expect(await page.evaluate('document.activeElement.tagName')).toBe('H1');
    expect(await page.getByTestId('play-all').getAttribute('href')).toBe(
      await cards(page).first().getAttribute('href'),
    );
    await expectAccessible(page);
    await page.getByTestId('videos').getByRole('link', { name: 'Li Na' }).first().click();
    await page.getByRole('heading', { level: 1, name: 'Li Na' }).waitFor();
    await cards(page).first().waitFor();
    await expectAccessible(page);
    await page.goto(`${scene.url}/sites/${scene.sites[0]?.id}`);
    await page.getByRole('heading', { level: 1, name: 'Hangzhou' }).waitFor();
    await cards(page).first().waitFor();
    await expectAccessible(page);
    await page.context().close();
  });

  it('works on a phone, in Chinese, in the dark, and at 400 % zoom', async () => {
    const page = await open(
      '/',
      { phone: true, locale: 'zh-CN', dark: true },
      remember(scene.videos.slice(0, 3)),
    );
    await page.getByTestId('continue').waitFor();
    await expectAccessible(page);
    for (const path of ['/search?q=水', '/series/hanyu', '/search?q=zzzz&tag=water']) {
      await page.goto(scene.url + path);
      await page
        .locator('[data-testid=videos] [data-testid=card-link], [data-testid=empty]')
        .first()
        .waitFor();
      await expectAccessible(page);
    }
    // 1280 pixels at 400 %.
    await page.setViewportSize({ width: 320, height: 256 });
    for (const path of ['/', '/search', '/series/hanyu', `/sites/${scene.sites[1]?.id}`]) {
      await page.goto(scene.url + path);
      await page.getByTestId('card-link').first().waitFor();
      expect(
        await page.evaluate('document.documentElement.scrollWidth - innerWidth'),
        path,
      ).toBeLessThanOrEqual(0);
    }
    await page.context().close();
  });
});
