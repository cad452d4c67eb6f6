/**
 * A site that cannot reach central: the people who are signed in continue for a limited time, nobody new gets in except with the
 * operator token, and everything that happened is in the audit log afterwards. What central decided meanwhile counts on reconnection.
 */
import { readFile, writeFile } from 'node:fs/promises';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sessionCookieName } from '../../../src/kernel/access/credentials.ts';
import type { AuditEntry } from '../../../src/protocol/people/audit.ts';
import type { SiteVideo } from '../../../src/protocol/site.ts';
import { chromiumPath, launchBrowser } from '../../support/browser.ts';
import {
  type Cluster,
  type Part,
  requestAsOperator,
  siteIdOf,
  startCluster,
  TOKEN,
  untilRegistered,
  videosAt,
} from '../../support/cluster.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/free-port.ts';
import { type HttpProxy, startHttpProxy } from '../../support/http-proxy.ts';
import { COMMAND, runProgram } from '../../support/programs.ts';
import { readVideo, shortVideo } from '../../support/sample-videos.ts';
import { upload } from '../../support/uploads.ts';

/** Within this time, a site applies what has changed at central. */
const GUARANTEE_MS = 60_000;
const SHORT_MS = 3_000;

let cluster: Cluster;
/** What connects the site with central. */
let network: HttpProxy;
let site: Part;
let browser: Browser;
beforeAll(async () => {
  const port = await freePort();
  network = await startHttpProxy({ port, target: () => cluster.central.url });
  cluster = await startCluster({
    central: [`hosts = ["127.0.0.1:${port}"]`, 'siteSessionLifetime = "12 h"'],
  });
  site = await cluster.addSite('Remote', { lines: ['workers = 0'], centralUrl: network.url });
  await site.start();
  await eventually('the site has joined', async () => (await siteIdOf(cluster, site)) || undefined);
  browser = await launchBrowser();
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await network?.stop();
  await cluster?.stop();
});

interface Person {
  readonly id: string;
  readonly token: string;
  readonly context: BrowserContext;
  readonly page: Page;
  /** What the browser sends to the site. */
  readonly cookie: string;
}

const operate = <T>(method: string, path: string, body?: unknown): Promise<T> =>
  requestAsOperator<T>(method, `${cluster.central.url}${path}`, body);

/** An editor who is signed in at central and in the studio, and whose token the site knows. */
async function addEditor(name: string): Promise<Person> {
  const { person } = await operate<{ person: { id: string } }>('POST', '/api/people', {
    name,
    email: `${name.toLowerCase().replace(' ', '.')}@example.edu`,
    roles: [{ role: 'editor', scope: 'everything' }],
  });
  const { id } = person;
  const { link } = await operate<{ link: string }>('POST', `/api/people/${id}/links`, { kind: 'sign-in' });
  const { token } = await operate<{ token: string }>('POST', `/api/people/${id}/tokens`, {
    name: 'Script',
    expiresInS: 3_600,
  });
  const context = await browser.newContext({ locale: 'en-GB' });
  const page = await context.newPage();
  await page.goto(link);
  await page.click('[data-testid=link-form] button[type=submit]');
  await page.getByTestId('person').waitFor();
  await page.goto(site.url);
  await page.locator('#file').waitFor({ state: 'attached' });
  const cookies = await context.cookies(site.url);
  const cookie = cookies.map(one => `${one.name}=${one.value}`).join('; ');
  expect(await statusesOf({ cookie, token })).toEqual([200, 200]);
  return { id, token, context, page, cookie };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
/** The statuses of the person's session and token at the site. */
const statusesOf = ({ cookie, token }: Pick<Person, 'cookie' | 'token'>): Promise<number[]> =>
  Promise.all(
    [{ cookie }, bearer(token)].map(
      async headers => (await fetch(`${site.url}/api/videos`, { headers: headers as never })).status,
    ),
  );
const outcomeOf = async (response: Response): Promise<string> =>
  response.ok ? '200' : `${response.status} ${((await response.json()) as { code: string }).code}`;

const edit = (id: string, headers: Record<string, string>, name: string): Promise<Response> =>
  fetch(`${site.url}/api/videos/${id}`, {
    method: 'PATCH',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  });

/** The entries of the site about these videos, as central has chained them. */
async function listEntries(videos: readonly string[]): Promise<readonly AuditEntry[]> {
  const { entries } = await operate<{ entries: AuditEntry[] }>('GET', '/api/audit?limit=500&order=newest');
  return entries
    .filter(({ object, member }) => member !== undefined && videos.some(id => object === `video:${id}`))
    .sort((a, b) => a.seq - b.seq);
}

const verifyLog = () =>
  runProgram(process.execPath, [COMMAND, 'audit', 'verify', '--config', cluster.central.config]);

describe.skipIf(!chromiumPath)('while a site is cut off from central', () => {
  let li: Person;
  let chen: Person;
  let videos: string[];
  let cutMs: number;
  let restoredMs: number;

  it('people who are signed in upload, edit and list in the studio, and so does an API token', async () => {
    [li, chen] = [await addEditor('Li Na'), await addEditor('Chen Wei')];
    cutMs = Date.now();
    await network.cut();
    await li.page.setInputFiles('#file', {
      name: 'Offline lecture.mp4',
      mimeType: 'video/mp4',
      buffer: readVideo(shortVideo()),
    });
    const row = li.page.locator('[data-testid=video][data-state=ready]');
    await row.waitFor({ timeout: 30_000 });
    await row.getByTestId('edit').click();
    await li.page.fill('[data-testid=edit-form] [name=name]', 'Named offline');
    await li.page.click('[data-testid=edit-form] button[type=submit]');
    await li.page.getByText('Named offline').first().waitFor();
    // The page is the same after it was loaded again.
    await li.page.reload();
    await li.page.getByText('Named offline').first().waitFor();
    expect(await li.page.getByTestId('person').textContent()).toContain('Li Na');

    const { id } = await upload(site.url, chen.token, readVideo(shortVideo()), { name: 'By a script' });
    expect((await edit(id, bearer(chen.token), 'By a script, edited')).status).toBe(200);
    const found = await (await fetch(`${site.url}/api/videos`, { headers: bearer(chen.token) })).json();
    const listed = (found as { videos: SiteVideo[] }).videos;
    expect(listed.map(({ name }) => name)).toEqual(['By a script, edited', 'Named offline']);
    expect(listed.map(({ owner }) => owner?.name)).toEqual(['Chen Wei', 'Li Na']);
    videos = listed.map(video => video.id);
  }, 90_000);

  it('nobody new signs in, and a page says why and what to do, in both languages', async () => {
    for (const [locale, ...texts] of [
      [
        'en-GB',
        'You cannot sign in',
        'cannot be reached',
        'already signed in here can continue',
        'Try again',
      ],
      ['zh-CN', '暂时无法登录', '无法连接', '已在此站点登录的人可以继续使用', '重试'],
    ] as const) {
      const context = await browser.newContext({ locale });
      const page = await context.newPage();
      await page.goto(site.url);
      await page.waitForURL(`${site.url}/sign-in/failed?*`);
      const text = (await page.locator('main').textContent()) ?? '';
      for (const part of texts) expect(text).toContain(part);
      await context.close();
    }
  }, 60_000);

  it('the operator token works, and wrong credentials are refused', async () => {
    const [id = ''] = videos;
    expect((await edit(id, bearer(TOKEN), 'In an emergency')).status).toBe(200);
    const cookie = `${sessionCookieName(site.url)}=${'A'.repeat(43)}`;
    const wrong: Record<string, string>[] = [
      bearer(`${TOKEN}x`),
      bearer('trib_short'),
      { cookie },
      { cookie: `${sessionCookieName(site.url)}=x` },
    ];
    for (const headers of wrong) {
      expect(await outcomeOf(await fetch(`${site.url}/api/videos`, { headers }))).toBe(
        '401 credential-invalid',
      );
      expect(await outcomeOf(await edit(id, headers, 'Forged'))).toBe('401 credential-invalid');
    }
    // Nobody can know whether this one is wrong.
    const unknown = await fetch(`${site.url}/api/videos`, { headers: bearer(`trib_${'A'.repeat(43)}`) });
    expect(await outcomeOf(unknown)).toBe('503 central-unreachable');
    expect((await fetch(`${site.url}/api/videos`)).status).toBe(401);
  });

  it('a person who is disabled at central works on, until the connection is back', async () => {
    await operate('PATCH', `/api/people/${li.id}`, { disabled: true });
    expect(await statusesOf(li)).toEqual([200, 200]);
    restoredMs = Date.now();
    await network.restore();
    await eventually(
      'the disabled person has lost access',
      async () => {
        const statuses = await statusesOf(li);
        return statuses.every(status => status === 401);
      },
      GUARANTEE_MS,
    );
    expect(await statusesOf(chen)).toEqual([200, 200]);
    await li.page.reload();
    await li.page.getByText('Sign in', { exact: true }).first().waitFor();
  }, 90_000);

  it('the audit log has every change afterwards, in order, with its time, and verifies', async () => {
    for (const id of videos) await untilRegistered(site, id, 60_000);
    const expected = [
      ['video.upload', 'person', 'Li Na'],
      ['video.edit', 'person', 'Li Na'],
      ['video.upload', 'token', 'Chen Wei'],
      ['video.edit', 'token', 'Chen Wei'],
      ['video.edit', 'operator-token', undefined],
    ];
    const entries = await eventually(
      'the entries have arrived',
      async () => {
        const found = await listEntries(videos);
        return found.length >= expected.length ? found : undefined;
      },
      30_000,
    );
    expect(entries.map(({ action, who }) => [action, who.kind, who.name])).toEqual(expected);
    const times = entries.map(({ at }) => Date.parse(at));
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(Math.min(...times)).toBeGreaterThanOrEqual(cutMs);
    expect(Math.max(...times)).toBeLessThanOrEqual(restoredMs);
    for (const { receivedAt } of entries)
      expect(Date.parse(receivedAt ?? '')).toBeGreaterThanOrEqual(restoredMs);
    const numbers = entries.map(({ memberSeq = 0 }) => memberSeq);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    const { entries: emergencies } = await operate<{ entries: AuditEntry[] }>(
      'GET',
      '/api/audit?action=break-glass.use&limit=500',
    );
    expect(emergencies.some(({ member, at }) => member && Date.parse(at) >= cutMs)).toBe(true);
    const { status, stdout } = verifyLog();
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^OK, \d+ entries/)]);
  }, 120_000);

  it('sessions and tokens end after siteSessionLifetime, also if central hangs, and work again afterwards', async () => {
    const { config } = cluster.central;
    const settings = await readFile(config, 'utf8');
    await cluster.central.kill();
    await writeFile(config, settings.replace('"12 h"', `"${SHORT_MS} ms"`));
    await cluster.central.start();
    // A statement with the new name is one of this central.
    const rename = bearer(chen.token);
    await operate('PATCH', `/api/people/${chen.id}`, { name: 'Chen Wei 2' });
    await eventually(
      'the site has new statements',
      async () => {
        const all = [{ cookie: chen.cookie }, rename].map(async headers => {
          const me = await (await fetch(`${site.url}/api/me`, { headers: headers as never })).json();
          return (me as { person: { name: string } }).person.name;
        });
        return (await Promise.all(all)).every(name => name === 'Chen Wei 2');
      },
      GUARANTEE_MS,
    );
    process.kill(cluster.central.pid, 'SIGSTOP');
    try {
      const startedMs = Date.now();
      await eventually(
        'the session and the token have ended',
        async () => (await statusesOf(chen)).every(status => status === 503),
        SHORT_MS + 15_000,
      );
      expect(Date.now() - startedMs).toBeLessThan(SHORT_MS + 15_000);
      const headers = { cookie: chen.cookie };
      const refused = await fetch(`${site.url}/api/videos`, { headers });
      expect([await outcomeOf(refused), refused.headers.getSetCookie()]).toEqual([
        '503 central-unreachable',
        [],
      ]);
      const beganMs = Date.now();
      const page = await (await browser.newContext({ locale: 'en-GB' })).newPage();
      await page.goto(`${site.url}/sign-in`);
      await page.waitForURL(`${site.url}/sign-in/failed?*`);
      expect(Date.now() - beganMs).toBeLessThan(10_000);
      await page.context().close();
      expect((await videosAt(site)).length).toBe(2);
    } finally {
      process.kill(cluster.central.pid, 'SIGCONT');
    }
    await eventually(
      'both work again',
      async () => (await statusesOf(chen)).every(status => status === 200),
      GUARANTEE_MS,
    );
  }, 120_000);
});
