/** The pages for people in a real browser, against a real central: invitation, account, API token, disabling, and a site manager's view. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Assignment } from '../../../src/protocol/people/permissions.ts';
import { chromiumPath, launchBrowser } from '../../support/browser.ts';
import { type CentralHarness, startCentralHarness } from '../../support/central-harness.ts';

const PASSWORD = 'four boats under lanterns';

describe.skipIf(!chromiumPath)('the pages for people', () => {
  let harness: CentralHarness;
  let browser: Browser;
  const errors: string[] = [];
  const sites = new Map<string, string>();
  beforeAll(async () => {
    [harness, browser] = await Promise.all([
      startCentralHarness({}, { uiDirectory: 'dist/ui' }),
      launchBrowser(),
    ]);
    for (const [index, name] of ['Hangzhou', 'Beijing'].entries()) {
      const { body } = await harness.request('POST', '/api/sites', {
        body: { name, baseUrl: `http://127.0.0.${index + 2}:8090` },
      });
      sites.set(name, body.site.id);
    }
  });
  afterAll(async () => {
    await browser?.close();
    await harness?.stop();
  });
  // No page throws an error or violates its content security policy.
  afterEach(() => expect(errors.splice(0)).toEqual([]));

  async function newPage(): Promise<{ readonly context: BrowserContext; readonly page: Page }> {
    const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1280, height: 800 } });
    const page = await context.newPage();
    page.on('pageerror', error => errors.push(error.message));
    page.on('console', message => {
      if (/Content Security Policy/.test(message.text())) errors.push(message.text());
    });
    return { context, page };
  }
  const atSite = (role: Assignment['role'], site: string) => ({ role, scope: { site: sites.get(site) } });
  async function invite(name: string, roles: readonly unknown[]) {
    const email = `${name.toLowerCase().replace(' ', '.')}@example.edu`;
    const { body } = await harness.request('POST', '/api/people', { body: { name, email, roles } });
    return { id: body.person.id as string, email, link: body.invitation as string };
  }
  /** Follows the invitation in a new browser session. */
  async function signUp(name: string, roles: readonly unknown[]) {
    const person = await invite(name, roles);
    const { context, page } = await newPage();
    await page.goto(person.link);
    await page.fill('input[name=new-password]', PASSWORD);
    await page.click('[data-testid=link-form] button[type=submit]');
    await page.getByTestId('person').waitFor();
    return { ...person, context, page };
  }

  it('sign in with an invitation, which works once, and then with the password', async () => {
    const { email, link, page } = await signUp('Li Na', [atSite('author', 'Hangzhou')]);
    expect(new URL(page.url()).hash).toBe('');
    expect(await page.getByTestId('person').textContent()).toContain('Li Na');
    // An author has nothing to administer.
    expect(await page.getByRole('link', { name: 'Administration' }).count()).toBe(0);
    await page.goto(`${harness.url}/admin`);
    await page.getByTestId('not-permitted').waitFor();

    await page.getByTestId('person').click();
    await page.getByTestId('sign-out').click();
    await page.getByTestId('sign-in-needed').waitFor();
    await page.goto(link);
    await page.getByTestId('link-invalid').waitFor();

    await page.goto(`${harness.url}/sign-in?continue=%2Faccount`);
    await page.fill('input[name=username]', email);
    await page.fill('input[name=password]', `${PASSWORD}?`);
    await page.click('[data-testid=password-form] button[type=submit]');
    await page.getByText('The e-mail address or the password is wrong.').waitFor();
    await page.fill('input[name=password]', PASSWORD);
    await page.keyboard.press('Enter');
    await page.waitForURL(`${harness.url}/account`);
    await page.getByText('Author at Hangzhou').waitFor();
  });

  it('create a token with one permission, which is shown once, and revoke it', async () => {
    const { id, page } = await signUp('Zhang Wei', [atSite('editor', 'Hangzhou')]);
    await page.goto(`${harness.url}/account`);
    await page.click('[data-testid=new-token] summary');
    await page.fill('[data-testid=new-token] input[name=name]', 'lecture recorder');
    await page.getByLabel('Only these').check();
    await page.getByLabel('Upload videos').check();
    await page.click('[data-testid=new-token] button[type=submit]');
    const token = (await page.getByTestId('token').textContent()) ?? '';
    expect(token).toMatch(/^trib_[\w-]{43}$/);
    const me = await harness.request('GET', '/api/me', { token });
    expect(me.body).toMatchObject({
      person: { id },
      via: 'token',
      permissions: [{ permission: 'upload', scope: { site: sites.get('Hangzhou') } }],
    });
    await page.reload();
    const row = page.getByTestId('token-list').getByRole('row', { name: /lecture recorder/ });
    expect(await row.textContent()).toContain('Upload videos');
    expect(await page.content()).not.toContain(token);
    await row.getByRole('button').click();
    await page.getByTestId('confirm-yes').click();
    await expect.poll(async () => (await harness.request('GET', '/api/me', { token })).status).toBe(401);
  });

  it('disable a person, whose open page then asks to sign in', async () => {
    const operator = await signUp('Chen Jing', [{ role: 'operator', scope: 'everything' }]);
    const viewer = await signUp('Sam Okafor', [{ role: 'viewer', scope: 'everything' }]);
    await viewer.page.goto(`${harness.url}/account`);
    await viewer.page.getByTestId('session-list').waitFor();

    await operator.page.goto(`${harness.url}/admin/people`);
    await operator.page.getByRole('link', { name: 'Sam Okafor' }).click();
    await operator.page.getByTestId('disable').click();
    await operator.page.getByTestId('confirm-yes').click();
    await operator.page.getByText('Sam Okafor is disabled.').waitFor();
    // Someone who returns to a tab sees its present state.
    await viewer.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
    await viewer.page.getByTestId('sign-in-needed').waitFor();

    // Nobody disables themselves by mistake.
    await operator.page.goto(`${harness.url}/admin/people?person=${operator.id}`);
    await operator.page.getByText('This is you.').waitFor();
    expect(await operator.page.getByTestId('disable').count()).toBe(0);
  });

  it('show a site manager their site, its people, and the roles that they may give', async () => {
    const { page } = await signUp('Wang Fang', [atSite('site-manager', 'Hangzhou')]);
    await invite('Marie Dubois', [atSite('editor', 'Beijing')]);
    await invite('Zhao Min', [atSite('author', 'Hangzhou')]);
    await invite('Ana Silva', [atSite('author', 'Hangzhou'), { role: 'viewer', scope: 'everything' }]);
    await page.getByRole('link', { name: 'Administration' }).click();
    const rows = page.getByTestId('sites').locator('tbody tr');
    await rows.first().waitFor();
    expect(await rows.count()).toBe(1);
    expect(await rows.first().getByTestId('revoke').count()).toBe(0);
    expect(await page.getByTestId('trackers').count()).toBe(0);

    await rows.first().getByTestId('site-people').click();
    await page.getByTestId('people-table').waitFor();
    expect(await page.getByRole('link', { name: 'Marie Dubois' }).count()).toBe(0);
    await page.click('[data-testid=invite-person] summary');
    const options = (name: string) => page.locator(`select[name=${name}] option`).allTextContents();
    expect(await options('role')).toEqual(['Viewer', 'Author', 'Editor', 'Site manager']);
    expect(await options('scope')).toEqual(['Hangzhou']);

    // The account of someone with roles elsewhere belongs to others.
    await page.getByRole('link', { name: 'Ana Silva' }).click();
    await page.getByText(/You can change their roles at your sites, but not their account/).waitFor();
    expect(await page.getByTestId('disable').count()).toBe(0);
    await page.goBack();
    await page.getByRole('link', { name: 'Zhao Min' }).click();
    await page.getByTestId('disable').waitFor();
  });
});
