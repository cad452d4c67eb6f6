/**
 * Videos for some people only, in real parts, behind a real nginx: who may watch one finds and plays it without noticing, and for
 * everyone else no part gives a sign that it exists.
 */
import type { ChildProcess } from 'node:child_process';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newVideoId } from '../../../src/protocol/base/ids.ts';
import type { Video } from '../../../src/protocol/central.ts';
import type { LibraryPage } from '../../../src/protocol/site.ts';
import type { PlayResponse } from '../../../src/protocol/tracker.ts';
import { chromiumPath, launchBrowser } from '../../support/browser.ts';
import {
  addRule,
  type Cluster,
  COPY_MS,
  type Part,
  requestAsOperator,
  siteIdOf,
  startCluster,
  TOKEN,
} from '../../support/cluster.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/free-port.ts';
import { type HttpProxy, startHttpProxy } from '../../support/http-proxy.ts';
import { getJson } from '../../support/json-requests.ts';
import { generateNginxConfig, startNginx } from '../../support/nginx.ts';
import { PageBrowser } from '../../support/page-browser.ts';
import { type RawRequest, type RawResponse, readRaw } from '../../support/raw-response.ts';
import { countFrames, readVideo, shortVideo } from '../../support/sample-videos.ts';
import { upload } from '../../support/uploads.ts';
import { listVideoAddresses, type Places, type Subject } from './video-addresses.ts';

const HOUSE = '10.9.0.0/16';
const INSIDE = '10.9.0.7';
/** Within this time, every part applies a change of people. */
const GUARANTEE_MS = 60_000;
const FRAMES = 300;
/** Requests of a comparison that are made together. */
const AT_ONCE = 4;

let cluster: Cluster;
/** Behind nginx. */
let home: Part;
let second: Part;
let nginxUrl: string;
let nginx: ChildProcess | undefined;
/** Central, for browsers in the house network. */
let house: HttpProxy;
let browser: Browser;
let group: string;
let internal: Subject;
let closed: Subject;
let places: Places;

const operate = <T>(method: string, path: string, body?: unknown): Promise<T> =>
  requestAsOperator<T>(method, `${cluster.central.url}${path}`, body);

async function startParts(): Promise<void> {
  const proxied = 'trustedProxies = ["127.0.0.1/32"]';
  cluster = await startCluster({ central: [proxied, `houseNetworks = ["${HOUSE}"]`], tracker: [proxied] });
  house = await startHttpProxy({
    port: await freePort(),
    target: () => cluster.central.url,
    headers: { 'x-forwarded-for': INSIDE },
  });
  // Nothing is encoded: this is about who may watch.
  const lines = ['workers = 0', proxied, `trustedNetworks = ["${HOUSE}"]`];
  nginxUrl = `http://127.0.0.1:${await freePort()}`;
  home = await cluster.addSite('Home', { lines, baseUrl: nginxUrl });
  second = await cluster.addSite('Second', { lines });
  const generated = generateNginxConfig({ config: home.config });
  await Promise.all([home.start(), second.start()]);
  nginx = await startNginx(generated, { directory: cluster.directory, dataDirectory: home.directory });
  await eventually('nginx is up', async () => (await fetch(`${nginxUrl}/readyz`)).ok || undefined);
}

/** Publishes a video with pictures and captions, of which the second site has a copy. */
async function publish(name: string, metadata: Record<string, string>): Promise<Subject> {
  const { id } = await upload(home.url, TOKEN, readVideo(shortVideo()), { name, ...metadata });
  await eventually('it can have captions', async () => {
    const { ok } = await fetch(`${home.url}/api/videos/${id}/captions?language=en`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'text/vtt' },
      body: 'WEBVTT\n\n00:00.000 --> 00:05.000\nHello\n',
    });
    return ok || undefined;
  });
  return { id, name };
}

const untilComplete = ({ id }: Subject): Promise<Video> =>
  eventually(
    'it has its pictures, its captions and a copy',
    async () => {
      const video = await getJson<Video>(`${cluster.central.url}/api/videos/${id}`, TOKEN);
      const isComplete =
        video.state === 'registered' &&
        video.pictures?.storyboard &&
        video.copies.filter(({ state }) => state === 'complete').length === 1;
      if (isComplete) return video;
      throw new Error(JSON.stringify([video.state, video.pictures, video.copies]));
    },
    COPY_MS,
  );

beforeAll(async () => {
  await startParts();
  browser = await launchBrowser();
  ({ id: group } = await operate<{ id: string }>('POST', '/api/groups', { name: 'Choir' }));
  const siteIds = await Promise.all([home, second].map(site => siteIdOf(cluster, site)));
  await addRule(cluster, { kind: 'at-least', copies: 2, of: { sites: siteIds } });
  internal = await publish('Town hall 全体会议', { audience: 'internal' });
  closed = await publish('Rehearsal 排练', { audience: 'groups', groups: JSON.stringify([group]) });
  const [video] = [await untilComplete(internal), await untilComplete(closed)];
  places = {
    central: cluster.central.url,
    tracker: cluster.tracker.url,
    sites: [home.url, nginxUrl, second.url],
    siteIds,
    revision: video.revision ?? '',
  };
}, 180_000);
afterAll(async () => {
  await browser?.close();
  await house?.stop();
  if (nginx?.exitCode === null) {
    const gone = new Promise(done => nginx?.once('exit', done));
    nginx.kill('SIGTERM');
    await gone;
  }
  await cluster?.stop();
});

interface Person {
  readonly id: string;
  readonly name: string;
  /** Signed in at central and at every site. */
  readonly cookie: string;
  readonly token: string;
}

async function makePerson(
  name: string,
  roles: readonly string[],
  groups: readonly string[],
): Promise<string> {
  const { person } = await operate<{ person: { id: string } }>('POST', '/api/people', {
    name,
    email: `${name.toLowerCase().replaceAll(' ', '.')}@example.edu`,
    roles: roles.map(role => ({ role, scope: 'everything' })),
  });
  for (const one of groups) await operate('PUT', `/api/groups/${one}/members/${person.id}`);
  return person.id;
}
const makeLink = async (id: string): Promise<string> =>
  (await operate<{ link: string }>('POST', `/api/people/${id}/links`, { kind: 'sign-in' })).link;

/** A person who is signed in everywhere and whose token every part knows. */
async function addPerson(
  name: string,
  roles: readonly string[] = [],
  groups: readonly string[] = [],
): Promise<Person> {
  const id = await makePerson(name, roles, groups);
  const client = new PageBrowser(cluster.central.url);
  const link = new URL(await makeLink(id)).hash.slice(1);
  expect((await client.send('POST', '/api/sign-in/link', { link })).status).toBe(204);
  for (const url of [nginxUrl, second.url]) await client.visit(`${url}/sign-in?return=/healthz`);
  const { token } = await operate<{ token: string }>('POST', `/api/people/${id}/tokens`, {
    name: 'Script',
    expiresInS: 3_600,
  });
  const person = { id, name, cookie: client.cookie, token };
  await untilAll(person, 200);
  return person;
}

/** Waits until the session and the token of a person get this status from every part. */
const untilAll = ({ name, cookie, token }: Person, expected: number): Promise<boolean> =>
  eventually(
    `${name} gets ${expected} everywhere`,
    async () => {
      const found = await Promise.all(
        [{ cookie }, { authorization: `Bearer ${token}` }].flatMap(headers =>
          [cluster.central.url, nginxUrl, second.url].map(async url => {
            const { status } = await fetch(`${url}/api/me`, { headers: headers as Record<string, string> });
            return status;
          }),
        ),
      );
      return found.every(status => status === expected);
    },
    GUARANTEE_MS,
  );

/** Signs in a browser with a one-time link, as a person does. */
async function openBrowserOf(id: string): Promise<Page> {
  const page = await (await browser.newContext({ locale: 'en-GB' })).newPage();
  await page.goto(await makeLink(id));
  await page.click('[data-testid=link-form] button[type=submit]');
  await page.getByTestId('person').waitFor();
  return page;
}

/** The watch page plays, has a poster and a storyboard, and asks for the grant by itself. */
async function watch(page: Page, central: string, { id }: Subject): Promise<void> {
  const loaded: string[] = [];
  page.on('response', response => {
    if (response.ok()) loaded.push(response.url());
  });
  await page.goto(`${central}/watch/${id}`);
  await eventually(
    'it plays',
    async () =>
      (await page.evaluate<number>('document.querySelector("video")?.currentTime ?? 0')) > 1 || undefined,
    30_000,
  );
  expect(await page.getByTestId('error').count()).toBe(0);
  expect(loaded.filter(url => url.endsWith('/viewing'))).toHaveLength(1);
  await page.getByTestId('seek-bar').hover();
  await page.locator('media-time-range[mediapreviewimage]').waitFor();
  await eventually('it has its pictures', () =>
    ['poster.jpg', 'storyboard.vtt', 'storyboard.jpg'].every(file =>
      loaded.some(url => /\/t\/[\w-]{40}\/v\//.test(url) && url.endsWith(`/${file}`)),
    ),
  );
}

const cardOf = (page: Page, { id }: Subject) => page.locator(`[data-video="${id}"]`).first();

describe.skipIf(!chromiumPath)('who may watch', () => {
  it('finds the video by search, in the catalogue and in the library, and plays it', async () => {
    const id = await makePerson('Li Na', ['viewer'], [group]);
    const page = await openBrowserOf(id);
    for (const subject of [internal, closed]) {
      const query = encodeURIComponent(subject.name.slice(-2));
      await page.goto(`${cluster.central.url}/?q=${query}`);
      await cardOf(page, subject).waitFor();
      await cardOf(page, subject).getByTestId('poster').waitFor();
      await watch(page, cluster.central.url, subject);
    }
    for (const url of [nginxUrl, second.url]) {
      await page.goto(`${url}/sign-in?return=/library`);
      await cardOf(page, internal).getByTestId('poster').waitFor();
      await cardOf(page, closed).getByTestId('card-link').click();
      await eventually(
        'it plays in the library',
        async () =>
          (await page.evaluate<number>('document.querySelector("video")?.currentTime ?? 0')) > 0.5 ||
          undefined,
        30_000,
      );
    }
    await page.context().close();
  }, 120_000);

  it('need not sign in inside the house network, for internal videos', async () => {
    const page = await (await browser.newContext({ locale: 'en-GB' })).newPage();
    await page.goto(`${house.url}/?q=${encodeURIComponent('会议')}`);
    await cardOf(page, internal).getByTestId('poster').waitFor();
    await watch(page, house.url, internal);
    await page.context().close();
    const inside = { headers: { 'x-forwarded-for': INSIDE } };
    const found = await fetch(`${cluster.central.url}/api/videos`, inside);
    expect(((await found.json()) as { videos: Video[] }).videos.map(({ id }) => id)).toEqual([internal.id]);
    const played = await fetch(`${cluster.tracker.url}/play/${internal.id}`, inside);
    const { sources } = (await played.json()) as PlayResponse;
    expect(countFrames(sources[0]?.hls ?? '')).toBe(FRAMES);
    for (const url of places.sites) {
      const library = (await (await fetch(`${url}/api/library`, inside)).json()) as LibraryPage;
      expect(
        library.videos.map(({ id }) => id),
        url,
      ).toEqual([internal.id]);
      const [{ token, revision } = { token: '', revision: '' }] = library.videos;
      const poster = await fetch(`${url}/t/${token}/v/${internal.id}/${revision}/poster.jpg`);
      expect([poster.status, poster.headers.get('content-type')]).toEqual([200, 'image/jpeg']);
    }
  }, 120_000);
});

/** Replaces the echoed id and name, random sessions, and orders that depend on a hash of the id. */
function normalize(response: RawResponse, { id, name }: Subject): RawResponse {
  // Bodies are compared byte by byte, as Latin-1.
  const rawName = Buffer.from(name).toString('latin1');
  const echo = (text: string): string =>
    text
      .replaceAll(id, 'ID')
      .replaceAll(encodeURIComponent(name), 'NAME')
      .replaceAll(encodeURIComponent(name).replaceAll('%20', '+'), 'NAME')
      .replaceAll(rawName, 'NAME')
      .replaceAll(/session=[\w.-]+/g, 'session=S')
      .replaceAll(/(?<=pathways=)[\w.-]+/g, pathways => pathways.split('.').sort().join('.'))
      .replaceAll(/(?<="PATHWAY-PRIORITY":)\[[^\]]*\]/g, list => JSON.stringify(JSON.parse(list).sort()));
  // The length of a body and its tag depend on the name that it repeats.
  const isRepeated = response.body.includes(rawName);
  return {
    status: response.status,
    headers: response.headers
      .filter(([key]) => !isRepeated || (key !== 'content-length' && key !== 'etag'))
      .map(([key, value]) => [key, echo(value)] as const),
    body: echo(response.body),
  };
}

type Headers = Readonly<Record<string, string>>;

interface Difference {
  readonly address: string;
  readonly hidden: RawResponse;
  readonly missing: RawResponse;
}

const UNKNOWN: Subject = { id: newVideoId(), name: 'Nonesuch 不存在' };
/** What a video that does not exist is like, by request. */
const missing = new Map<string, Promise<RawResponse>>();

/** The addresses that answer for this video otherwise than for one that does not exist. */
async function findDifferences(headers: Headers, subject: Subject): Promise<Difference[]> {
  const others = listVideoAddresses(places, UNKNOWN);
  const requests = listVideoAddresses(places, subject);
  expect(others).toHaveLength(requests.length);
  const found: Difference[] = [];
  const read = async (request: RawRequest, about: Subject): Promise<RawResponse> =>
    normalize(await readRaw({ ...request, headers: { ...request.headers, ...headers } }), about);
  const readMissing = (request: RawRequest): Promise<RawResponse> => {
    const key = JSON.stringify([request, headers]);
    const response = missing.get(key) ?? read(request, UNKNOWN);
    missing.set(key, response);
    return response;
  };
  const compare = async (request: RawRequest, at: number): Promise<void> => {
    const pair = { hidden: await read(request, subject), missing: await readMissing(others[at] ?? request) };
    if (JSON.stringify(pair.hidden) !== JSON.stringify(pair.missing))
      found.push({ address: `${request.method} ${request.url.replace(subject.id, 'ID')}`, ...pair });
  };
  for (let at = 0; at < requests.length; at += AT_ONCE)
    await Promise.all(requests.slice(at, at + AT_ONCE).map((request, index) => compare(request, at + index)));
  return found;
}

async function expectHidden(who: string, headers: Headers, subjects: readonly Subject[]): Promise<void> {
  for (const subject of subjects) expect(await findDifferences(headers, subject), who).toEqual([]);
}

it('the comparison finds what differs for a person who may watch', async () => {
  const { token } = await addPerson('Member', ['viewer'], [group]);
  for (const subject of [internal, closed]) {
    const found = await findDifferences({ authorization: `Bearer ${token}` }, subject);
    const addresses = found.map(({ address }) => address).sort();
    const query = encodeURIComponent(subject.name);
    const { central, sites } = places;
    expect(addresses).toEqual(
      [
        ...['', `?grant=${'A'.repeat(40)}`, '/grants', '/poster.jpg', '/storyboard.vtt'].map(
          path => `GET ${central}/api/videos/ID${path}`,
        ),
        ...['', '/poster.jpg'].map(path => `HEAD ${central}/api/videos/ID${path}`),
        ...[`?q=${query}`, `?q=${query}&limit=1`].map(path => `GET ${central}/api/videos${path}`),
        ...['facets', 'suggestions'].map(name => `GET ${central}/api/${name}?q=${query}`),
        ...['viewing', 'grants'].map(path => `POST ${central}/api/videos/ID/${path}`),
        ...['grants', 'grants/0123456789abcdef'].map(path => `DELETE ${central}/api/videos/ID/${path}`),
        ...sites.map(url => `GET ${url}/api/library?q=${query}`),
      ].sort(),
    );
  }
}, 60_000);

describe('for everyone else, a video that they may not watch is one that does not exist', () => {
  const both = (): readonly Subject[] => [internal, closed];
  const asPerson = async (person: Person, subjects: readonly Subject[]): Promise<void> => {
    await expectHidden(`session of ${person.name}`, { cookie: person.cookie }, subjects);
    const bearer = { authorization: `Bearer ${person.token}` };
    await expectHidden(`token of ${person.name}`, bearer, subjects.slice(-1));
  };

  it('without a credential', async () => {
    await expectHidden('nobody', {}, both());
    await expectHidden('viewer in another network', { 'x-forwarded-for': '10.8.0.7' }, [internal]);
    await expectHidden('viewer in the house network', { 'x-forwarded-for': INSIDE }, [closed]);
  }, 120_000);

  it('as a person without permission, or who may watch others', async () => {
    await asPerson(await addPerson('Zhao'), both());
    await asPerson(await addPerson('Viewer', ['viewer']), [closed]);
    await asPerson(await addPerson('Author', ['author']), [closed]);
  }, 120_000);

  it('as a person whose group was removed', async () => {
    const person = await addPerson('Former', [], [group]);
    const headers = { cookie: person.cookie };
    const find = async (url: string) =>
      (await (await fetch(url, { headers })).json()) as { videos: { id: string }[] };
    const libraries = [nginxUrl, second.url].map(url => `${url}/api/library`);
    for (const url of [`${cluster.central.url}/api/videos`, ...libraries])
      expect(
        (await find(url)).videos.map(({ id }) => id),
        url,
      ).toEqual([closed.id]);
    await operate('DELETE', `/api/groups/${group}/members/${person.id}`);
    await eventually(
      'the group counts no more',
      async () => (await Promise.all(libraries.map(find))).every(({ videos }) => videos.length === 0),
      GUARANTEE_MS,
    );
    await asPerson(person, both());
  }, 120_000);

  it('as a person who was disabled a moment ago', async () => {
    const person = await addPerson('Gone', ['viewer'], [group]);
    const client = new PageBrowser(cluster.central.url);
    const headers = { authorization: `Bearer ${person.token}` };
    const { body } = await client.send('POST', `/api/videos/${closed.id}/viewing`, undefined, headers);
    const play = `${cluster.tracker.url}/play/${closed.id}?grant=${body.grant}`;
    const { sources } = await getJson<PlayResponse>(play);
    const urls: string[] = [play, ...sources.map(({ hls }) => hls)];
    for (const url of urls) expect((await fetch(url)).status).toBe(200);
    await operate('PATCH', `/api/people/${person.id}`, { disabled: true });
    await untilAll(person, 401);
    await asPerson(person, both());
    await eventually(
      'the grant is refused everywhere',
      async () => {
        const statuses = await Promise.all(urls.map(async url => (await fetch(url)).status));
        return statuses.every(status => status === 403);
      },
      GUARANTEE_MS,
    );
  }, 120_000);
});
