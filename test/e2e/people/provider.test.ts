/** People of a real provider at central, at sites and at the tracker: from the first sign-in until they are disabled. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../../src/protocol/people/audit.ts';
import type { Me } from '../../../src/protocol/people/people.ts';
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
import { HttpBrowser } from '../../support/http-browser.ts';
import {
  CLIENT_ID,
  CLIENT_SECRET,
  startOidcProvider,
  type TestAccount,
  type TestProvider,
} from '../../support/oidc-provider.ts';
import { readVideo, shortVideo } from '../../support/sample-videos.ts';
import { upload } from '../../support/uploads.ts';

const UNIVERSITY = 'University';
/** Within this time, every part applies a change of people. */
const GUARANTEE_MS = 60_000;
const LI_NA: TestAccount = { sub: 'li-na', name: '李娜 Li Na', groups: ['video-staff'] };
const CHEN: TestAccount = { sub: 'chen', name: '陈 Chen', groups: ['video-staff'] };

let cluster: Cluster;
let provider: TestProvider;
let first: Part;
let second: Part;
let browser: Browser;
beforeAll(async () => {
  provider = await startOidcProvider([]);
  const oidc = [
    `name = "${UNIVERSITY}", issuer = "${provider.issuer}", clientId = "${CLIENT_ID}"`,
    `clientSecret = "${CLIENT_SECRET}", groupsClaim = "groups"`,
    'roles = [{ group = "video-staff", role = "editor" }]',
  ].join(', ');
  cluster = await startCluster({ central: [`oidc = [{ ${oidc} }]`] });
  await provider.expectAt(`${cluster.central.url}/sign-in/return`);
  [first, second] = [await cluster.addSite('Hangzhou'), await cluster.addSite('Beijing')];
  await Promise.all([first.start(), second.start()]);
  for (const site of [first, second])
    await eventually('the site has joined', async () => (await siteIdOf(cluster, site)) || undefined);
  browser = await launchBrowser();
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await cluster?.stop();
  await provider?.stop();
});

/** Signs in at central, and at the sites without another click. */
async function signInEverywhere(
  account: TestAccount,
): Promise<{ browser: HttpBrowser; cookie: string; id: string }> {
  provider.account = account;
  const person = new HttpBrowser();
  const { central } = cluster;
  await person.visit(
    `${central.url}/sign-in/provider/${UNIVERSITY}`,
    ({ origin, pathname }) => origin === central.url && pathname === '/',
  );
  for (const site of [first, second]) await person.visit(`${site.url}/sign-in?return=/healthz`);
  const me = (await (await person.fetch(`${central.url}/api/me`)).json()) as Me;
  return { browser: person, cookie: person.cookiesOf(new URL(central.url)), id: me.person?.id ?? '' };
}

const makeToken = async (id: string): Promise<string> =>
  (
    await requestAsOperator<{ token: string }>('POST', `${cluster.central.url}/api/people/${id}/tokens`, {
      name: 'Script',
      expiresInS: 3_600,
    })
  ).token;

/**
 * The statuses of requests with a session at central and both sites, and with a token at every part.
 *
 * @param cookie what the browser sent when it was signed in; it forgets a session that has ended
 */
async function listStatuses(cookie: string, token: string): Promise<number[]> {
  const { central, tracker } = cluster;
  const parts = [central, first, second];
  const authorization = `Bearer ${token}`;
  const statuses = await Promise.all([
    ...parts.map(({ url }) => fetch(`${url}/api/me`, { headers: { cookie } })),
    ...parts.map(({ url }) => fetch(`${url}/api/me`, { headers: { authorization } })),
    fetch(`${tracker.url}/explain/00000000-0000-7000-8000-000000000000`, { headers: { authorization } }),
  ]);
  return statuses.map(({ status }) => status);
}
const WORKS = [200, 200, 200, 200, 200, 200, 403];
const ENDED = [401, 401, 401, 401, 401, 401, 401];

describe.skipIf(!chromiumPath)('a person of a provider', () => {
  it('signs in, uploads and publishes, also at a site never visited before', async () => {
    provider.account = LI_NA;
    const page: Page = await (await browser.newContext()).newPage();
    await page.goto(first.url);
    await page.getByTestId('provider').click();
    await page.waitForURL(`${first.url}/`);
    await page.setInputFiles('#file', {
      name: 'Lecture.mp4',
      mimeType: 'video/mp4',
      buffer: readVideo(shortVideo()),
    });
    await page.locator('[data-testid=video][data-registered=true]').waitFor({ timeout: 30_000 });
    const [video] = await videosAt(first);
    expect(video).toMatchObject({ name: 'Lecture', owner: { name: LI_NA.name } });
    // The other site has its own session, which needs no click.
    await page.goto(second.url);
    await page.locator('#file').waitFor({ state: 'attached' });
    expect(new URL(page.url()).origin).toBe(second.url);
    await page.context().close();
  }, 90_000);

  it('loses every session and token within a minute when disabled, and nobody else does', async () => {
    const pids = [cluster.central, cluster.tracker, first, second].map(({ pid }) => pid);
    const li = await signInEverywhere(LI_NA);
    const chen = await signInEverywhere(CHEN);
    const [liToken, chenToken] = [await makeToken(li.id), await makeToken(chen.id)];
    expect(await listStatuses(li.cookie, liToken)).toEqual(WORKS);
    expect(await listStatuses(chen.cookie, chenToken)).toEqual(WORKS);
    await requestAsOperator('PATCH', `${cluster.central.url}/api/people/${li.id}`, { disabled: true });
    await eventually(
      'every session and token has ended',
      async () => {
        const statuses = await listStatuses(li.cookie, liToken);
        return statuses.every(status => status === 401) || undefined;
      },
      GUARANTEE_MS,
    );
    expect(await listStatuses(li.cookie, liToken)).toEqual(ENDED);
    expect(await listStatuses(chen.cookie, chenToken)).toEqual(WORKS);
    expect([cluster.central, cluster.tracker, first, second].map(({ pid }) => pid)).toEqual(pids);
    provider.account = LI_NA;
    const { url } = await new HttpBrowser().visit(
      `${cluster.central.url}/sign-in/provider/${UNIVERSITY}`,
      next => next.pathname === '/sign-in',
    );
    expect(url.search).toContain('error=sign-in-refused');
  }, 120_000);

  it('works on at a site without central, whose entries arrive afterwards in order', async () => {
    const chen = await signInEverywhere(CHEN);
    const token = await makeToken(chen.id);
    const listVideos = (credential: string) =>
      fetch(`${first.url}/api/videos`, { headers: { authorization: `Bearer ${credential}` } });
    expect((await listVideos(token)).status).toBe(200);
    await cluster.central.kill();
    // A session, a token that the site knows, and the operator token work; an unknown token does not.
    expect((await chen.browser.fetch(`${first.url}/api/videos`)).status).toBe(200);
    expect((await listVideos(token)).status).toBe(200);
    expect((await listVideos(`trib_${'A'.repeat(43)}`)).status).not.toBe(200);
    const { id } = await upload(first.url, token, readVideo(shortVideo()), { name: 'Offline' });
    const asOperator = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
    const edited = await fetch(`${first.url}/api/videos/${id}`, {
      method: 'PATCH',
      headers: asOperator,
      body: JSON.stringify({ name: 'Edited offline' }),
    });
    expect(edited.status).toBe(200);
    await cluster.central.start();
    await untilRegistered(first, id, 30_000);
    const entries = await eventually(
      'the entries of the site have arrived',
      async () => {
        const { entries: found } = await requestAsOperator<{ entries: AuditEntry[] }>(
          'GET',
          `${cluster.central.url}/api/audit?object=video:${id}&limit=100`,
        );
        return found.length >= 2 ? found : undefined;
      },
      30_000,
    );
    const inOrder = [...entries].sort((a, b) => a.seq - b.seq);
    expect(inOrder.map(({ action, who }) => [action, who.kind, who.id]).slice(0, 2)).toEqual([
      ['video.upload', 'token', chen.id],
      ['video.edit', 'operator-token', undefined],
    ]);
    const numbers = inOrder.map(({ memberSeq = 0 }) => memberSeq);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(new Set(inOrder.map(({ member }) => member)).size).toBe(1);
  }, 120_000);
});
