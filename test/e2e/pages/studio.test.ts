/** The studio of a site with thousands of videos, in a browser: finding, selecting, describing and editing them. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openExistingDatabase } from '../../../src/kernel/sql/sql.ts';
import type { SiteVideo } from '../../../src/protocol/site.ts';
import type { SiteSchema } from '../../../src/site/database/tables/schema.ts';
import { findViolations } from '../../support/axe.ts';
import { chromiumPath, launchBrowser } from '../../support/browser.ts';
import { eventually } from '../../support/eventually.ts';
import { getJson } from '../../support/json-requests.ts';
import { readVideo, shortVideo } from '../../support/sample-videos.ts';
import { SITE_TOKEN, type SingleSite, startSingleSite } from '../../support/single-site.ts';
import { insertStudioRows } from '../../support/studio-rows.ts';
import { makeTemporaryDirectory, removeDirectory } from '../../support/temporary-directory.ts';

const VIDEOS = 2_000;

describe.skipIf(!chromiumPath)('the studio of a site with many videos', () => {
  let directory: string;
  let site: SingleSite;
  let browser: Browser;
  const faults: string[] = [];

  beforeAll(async () => {
    directory = await makeTemporaryDirectory('studio-page');
    site = await startSingleSite(directory);
    const db = openExistingDatabase<SiteSchema>(`${directory}/data/site.sqlite`);
    await insertStudioRows(db, { videos: VIDEOS, jobs: 200 });
    await db.destroy();
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await site.stop();
    await removeDirectory(directory);
  });

  const open = async (search = '', width = 1_280): Promise<Page> => {
    const context = await browser.newContext({ viewport: { width, height: 900 }, locale: 'en-GB' });
    const page = await context.newPage();
    page.on('pageerror', error => faults.push(error.message));
    await page.goto(`${site.url}/${search}#token=${SITE_TOKEN}`);
    return page;
  };
  const rows = (page: Page) => page.getByTestId('video');
  const readVideoOf = (id: string): Promise<SiteVideo> => getJson(`${site.url}/api/videos/${id}`, SITE_TOKEN);

  it('lists them by pages, searches, filters and sorts them, with all of it in the address', async () => {
    const page = await open();
    await rows(page).first().waitFor();
    expect(await rows(page).count()).toBe(50);
    // The end of the list comes into view.
    await rows(page).last().scrollIntoViewIfNeeded();
    await eventually('the next page', async () => (await rows(page).count()) === 100 || undefined);
    await page.getByTestId('show-failed').click();
    await page.waitForURL(/show=failed/);
    await eventually('failed videos', async () => (await rows(page).count()) === 2 || undefined);
    await page.getByTestId('order').selectOption('name');
    await page.waitForURL(/order=name/);
    await page.goBack();
    await page.goBack();
    await page.getByTestId('search').fill('part 1999');
    await page.waitForURL(/q=part/);
    await eventually('one result', async () => (await rows(page).count()) === 1 || undefined);
    expect(await rows(page).first().textContent()).toContain('part 1999');
    // The address by itself leads to the same list.
    const shared = await open('?q=part+1999');
    await rows(shared).first().waitFor();
    expect(await rows(shared).count()).toBe(1);
    await shared.context().close();
    await page.context().close();
  });

  it('edits many together: a range with Shift, a preview, a result for each, and undo', async () => {
    const page = await open('?order=oldest');
    await rows(page).first().waitFor();
    const select = page.getByTestId('select');
    await select.nth(0).click();
    await select.nth(3).click({ modifiers: ['Shift'] });
    expect(await page.getByTestId('selection').getAttribute('data-selected')).toBe('4');
    const id = (await rows(page).first().getAttribute('data-video')) ?? '';
    const before = (await readVideoOf(id)).tags;
    await page.getByTestId('bulk-edit').click();
    await page.getByTestId('bulk-dialog').getByLabel('Tags').fill('reviewed,');
    await page.getByRole('button', { name: 'Preview' }).click();
    await page.locator('[data-testid=bulk-results] li[data-outcome=changed]').first().waitFor();
    expect((await readVideoOf(id)).tags).toEqual(before);
    expect(await findViolations(page)).toEqual([]);
    await page.getByTestId('bulk-apply').click();
    await page.locator('[data-testid=bulk-summary][data-done=true]').waitFor();
    expect((await readVideoOf(id)).tags).toEqual([...(before ?? []), 'reviewed']);
    await page.getByTestId('bulk-undo').click();
    await eventually(
      'the old tags',
      async () => (await readVideoOf(id)).tags?.length === before?.length || undefined,
    );
    await page.context().close();
  });

  it('keeps a draft of details, and merges what two people change', async () => {
    const page = await open('?order=oldest');
    await rows(page).nth(1).getByRole('heading').getByRole('link').click();
    await page.getByTestId('edit-form').waitFor();
    const id = new URL(page.url()).searchParams.get('video') ?? '';
    await page.fill('[name=name]', 'Waves and particles');
    await page.getByRole('button', { name: 'Add chapter', exact: true }).click();
    await page.getByLabel('Title of chapter 1').fill('Start');
    await page.getByRole('button', { name: 'Add chapter', exact: true }).click();
    await page.getByLabel('Start of chapter 2').fill('1:30');
    await page.getByLabel('Title of chapter 2').fill('The end');
    // Leaving the page loses nothing.
    await page.getByTestId('back-to-list').click();
    await rows(page).first().waitFor();
    await page.goto(`${site.url}/?video=${id}`);
    await page.getByTestId('restored').waitFor();
    expect(await page.inputValue('[name=name]')).toBe('Waves and particles');

    const response = await fetch(`${site.url}/api/videos/${id}`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${SITE_TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'By somebody else', licence: 'CC0 1.0' }),
    });
    expect(response.status).toBe(200);
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByTestId('conflict').waitFor();
    expect(await page.inputValue('[name=licence]')).toBe('CC0 1.0');
    expect((await readVideoOf(id)).name).toBe('By somebody else');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('Saved', { exact: true }).waitFor();
    expect(await readVideoOf(id)).toMatchObject({
      ...{ name: 'Waves and particles', licence: 'CC0 1.0' },
      chapters: [
        { startMs: 0, title: 'Start' },
        { startMs: 90_000, title: 'The end' },
      ],
    });
    // An error is shown at its field.
    await page.fill('[name=name]', ' ');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('Enter a name.').waitFor();
    expect(await findViolations(page)).toEqual([]);
    await page.context().close();
  });

  it('takes details while the bytes are sent, and fits a phone and 400 % zoom', async () => {
    const page = await open('', 320);
    await page.route('**/api/uploads/*', async route => {
      await new Promise(done => setTimeout(done, 1_500));
      await route.continue().catch(() => {});
    });
    await page.setInputFiles('#file', {
      ...{ name: 'Evening lecture.mp4', mimeType: 'video/mp4', buffer: readVideo(shortVideo()) },
    });
    await page.getByTestId('describe').click();
    await page.fill('[name=name]', 'Described during the upload');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('Saved', { exact: true }).waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await page.locator('[data-testid=video-page][data-state=ready]').waitFor({ timeout: 20_000 });
    expect(await page.getByRole('heading', { level: 2 }).first().textContent()).toBe(
      'Described during the upload',
    );
    await page.getByTestId('back-to-list').click();
    await rows(page).first().waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    expect(await findViolations(page)).toEqual([]);
    await page.context().close();
    expect(faults).toEqual([]);
  });
});
