/** A central, a site and a tracker in this process, people with every role at the right and at a wrong place, and what they own. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CentralDatabase, type CentralSchema, migrations } from '../../src/central/database/schema.ts';
import { sessionCookieName } from '../../src/kernel/access/credentials.ts';
import { openDatabase } from '../../src/kernel/sql/sql.ts';
import { newVideoId, type SiteId, type VideoId } from '../../src/protocol/base/ids.ts';
import { newSiteResponseSchema, newTrackerResponseSchema } from '../../src/protocol/central.ts';
import type { Audience } from '../../src/protocol/people/audience.ts';
import { ROLE_NAMES, type RoleName, type Scope } from '../../src/protocol/people/permissions.ts';
import { siteConfigSchema } from '../../src/site/config.ts';
import { insertJob } from '../../src/site/database/jobs.ts';
import { changeVideo } from '../../src/site/database/publication/records.ts';
import { type SiteSchema, siteMigrations } from '../../src/site/database/tables/schema.ts';
import { insertUpload } from '../../src/site/database/tables/uploads.ts';
import { insertVideo, type SiteDatabase } from '../../src/site/database/tables/videos.ts';
import { startSite } from '../../src/site/start.ts';
import { trackerConfigSchema } from '../../src/tracker/config.ts';
import { startTracker } from '../../src/tracker/tracker.ts';
import { type CentralHarness, startCentralHarness } from '../support/central-harness.ts';
import { TOKEN } from '../support/central-requests.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { HttpBrowser } from '../support/http-browser.ts';
import { insertPerson, insertSession, insertToken } from '../support/people.ts';
import { videoRecord } from '../support/records.ts';
import { makeTemporaryDirectory, removeDirectory } from '../support/temporary-directory.ts';
import { noteRoutes, type Part } from './routes.ts';
import { send } from './send.ts';

export const SERIES = 'physics';
/** A start takes long on a busy machine, where other tests run at the same time. */
const PATIENCE_MS = 60_000;
export const START_MS = 2 * PATIENCE_MS;
export type Headers = Readonly<Record<string, string>>;

/** Where a person has a role: the objects of the tests are at the site and in the series. */
export const PLACES = ['everything', 'site', 'series', 'other site', 'other series'] as const;
export type Place = (typeof PLACES)[number];

/** Objects that requests name. Each person has one of each kind that can be owned. */
export interface Owned {
  readonly person: string;
  /** A video that was published, for signed-in viewers. */
  readonly video: VideoId;
  /** A published video that is private. */
  readonly hidden: VideoId;
  /** A video that was withdrawn, so that a permitted request changes nothing. */
  readonly withdrawn: VideoId;
  /** A conversion that has ended, of the withdrawn video. */
  readonly job: string;
  /** An upload that is not complete. */
  readonly upload: VideoId;
}

export interface Actor extends Owned {
  /** Undefined: signed in, without a role. */
  readonly role: RoleName | undefined;
  readonly place: Place;
  readonly token: Headers;
  /** The headers of a session. At a tracker, that of central. */
  readonly sessions: Readonly<Record<Part, Headers>>;
}

export interface Scene {
  readonly harness: CentralHarness;
  readonly db: CentralDatabase;
  readonly site: SiteId;
  readonly otherSite: SiteId;
  readonly urls: Readonly<Record<Part, string>>;
  readonly routes: Readonly<Record<Part, ReadonlySet<string>>>;
  readonly actors: readonly Actor[];
  /** What belongs to somebody else. */
  readonly others: Owned;
  readonly siteDb: SiteDatabase;
  /** Headers of a new session of this person. */
  signIn(part: 'central' | 'site', person: string): Promise<Headers>;
  stop(): Promise<void>;
}

const PAGES = [
  'index',
  'watch',
  'embed',
  'admin',
  'explain',
  'people',
  'audit',
  'account',
  'sign-in',
  'invitation',
];
const SITE_PAGES = ['studio', 'library', 'sign-in-failed'];

/** Stands for the built pages. */
async function makePages(directory: string): Promise<string> {
  await mkdir(join(directory, 'assets'), { recursive: true });
  for (const page of [...PAGES, ...SITE_PAGES, 'lost'])
    await writeFile(join(directory, `${page}.html`), '<!doctype html>');
  await writeFile(join(directory, 'assets', 'page.js'), '');
  return directory;
}

/** @param roles of the people. Default: each role at each place, and nobody's */
export async function startScene(roles = listRoles()): Promise<Scene> {
  const directory = await makeTemporaryDirectory('access');
  const uiDirectory = await makePages(join(directory, 'ui'));
  const central = await noteRoutes(() => startCentralHarness({}, { uiDirectory }));
  const harness = central.started;
  const db = await openDatabase<CentralSchema>(harness.database.place, migrations);
  const site = await noteRoutes(() => startSiteOf(harness, uiDirectory));
  const tracker = await noteRoutes(() => startTrackerOf(harness));
  const urls = { central: harness.url, site: site.started.url, tracker: tracker.started.url };
  const siteDb = await openDatabase<SiteSchema>(
    join(harness.directory, 'site', 'site.sqlite'),
    siteMigrations,
  );
  const scene = {
    harness,
    db,
    urls,
    site: site.started.id,
    otherSite: await addOtherSite(harness),
    routes: { central: central.routes, site: site.routes, tracker: tracker.routes },
    signIn: (part: 'central' | 'site', person: string) => signIn(db, urls, part, person),
  };
  const others = await addOwned(siteDb, await insertPerson(db, { roles: [authorAt(scene.site)] }));
  const actors = await Promise.all(roles.map(([role, place]) => addActor(scene, siteDb, { role, place })));
  for (const { token } of actors) await introduce(scene.urls, token);
  await harness.request('POST', `/api/sites/${scene.site}/collect`);
  return {
    ...scene,
    siteDb,
    others,
    actors,
    async stop() {
      await siteDb.destroy();
      await tracker.started.stop();
      await site.started.stop();
      await db.destroy();
      await harness.stop();
      await removeDirectory(directory);
    },
  };
}

const authorAt = (site: SiteId) => ({ role: 'author', scope: { site } }) as const;

type RoleAtPlace = readonly [RoleName | undefined, Place];
const listRoles = (): readonly RoleAtPlace[] => [
  [undefined, 'everything'],
  ...ROLE_NAMES.flatMap(role => PLACES.map(place => [role, place] as const)),
];

async function startSiteOf(harness: CentralHarness, uiDirectory: string) {
  const url = `http://127.0.0.1:${await freePort()}`;
  const invited = await harness.request('POST', '/api/sites', { body: { name: 'site', baseUrl: url } });
  const { site, joinToken } = newSiteResponseSchema.parse(invited.body);
  const settings = siteConfigSchema.parse({
    name: 'site',
    listen: new URL(url).host,
    originListen: '127.0.0.1:0',
    baseUrl: url,
    dataDirectory: join(harness.directory, 'site'),
    operatorToken: TOKEN,
    central: harness.url,
    joinToken,
    workers: 0,
    keepFree: '0 MB',
    logLevel: 'silent',
  });
  const running = await startSite(settings, {
    uiDirectory,
    prepareWorker: new URL('file:///nonexistent'),
  });
  await eventually('the site has joined', async () => {
    const info = (await (await fetch(`${url}/api/site`)).json()) as { readonly id?: string };
    return info.id;
  });
  return { id: site.id, url, stop: running.stop };
}

async function startTrackerOf(harness: CentralHarness) {
  const listen = `127.0.0.1:${await freePort()}`;
  const body = { name: 'tracker', baseUrl: `http://${listen}` };
  const invited = await harness.request('POST', '/api/trackers', { body });
  const tracker = await startTracker(
    trackerConfigSchema.parse({
      listen,
      baseUrl: `http://${listen}`,
      central: harness.url,
      joinToken: newTrackerResponseSchema.parse(invited.body).joinToken,
      dataDirectory: join(harness.directory, 'tracker'),
      operatorToken: TOKEN,
      logLevel: 'silent',
    }),
  );
  await eventually('the tracker is ready', async () => (await fetch(`${tracker.url}/readyz`)).ok);
  return tracker;
}

async function addOtherSite(harness: CentralHarness): Promise<SiteId> {
  const body = { name: 'other', baseUrl: 'http://127.0.0.1:9' };
  const invited = await harness.request('POST', '/api/sites', { body });
  return newSiteResponseSchema.parse(invited.body).site.id;
}

function scopeOf(place: Place, { site, otherSite }: Pick<Scene, 'site' | 'otherSite'>): Scope {
  if (place === 'everything') return place;
  if (place === 'site') return { site };
  if (place === 'other site') return { site: otherSite };
  return { series: place === 'series' ? SERIES : 'chemistry' };
}

async function addActor(
  scene: Pick<Scene, 'db' | 'urls' | 'site' | 'otherSite' | 'signIn'>,
  siteDb: SiteDatabase,
  { role, place }: Pick<Actor, 'role' | 'place'>,
): Promise<Actor> {
  const roles = role ? [{ role, scope: scopeOf(place, scene) }] : [];
  const person = await insertPerson(scene.db, { name: `${role} of ${place}`, roles });
  const { headers: token } = await insertToken(scene.db, person);
  await introduce(scene.urls, token);
  const central = await scene.signIn('central', person);
  const site = await scene.signIn('site', person);
  return {
    ...(await addOwned(siteDb, person)),
    role,
    place,
    token,
    sessions: { central, site, tracker: { ...central, origin: scene.urls.tracker } },
  };
}

/** Members ask central about a few new tokens in a second only. */
const introduce = (urls: Scene['urls'], token: Headers): Promise<unknown> =>
  eventually(
    'members know the token',
    async () => {
      const known = await send('GET', `${urls.site}/api/me`, { headers: token });
      const there = await send('GET', `${urls.tracker}/explain/x`, { headers: token });
      if (known.status === 200 && there.status !== 503) return true;
      throw new Error(`${known.outcome}, ${there.outcome}`);
    },
    PATIENCE_MS,
  );

async function signIn(
  db: CentralDatabase,
  urls: Scene['urls'],
  part: 'central' | 'site',
  person: string,
): Promise<Headers> {
  const { headers } = await insertSession(db, person);
  if (part === 'central') return { ...headers, origin: urls.central };
  const begun = await eventually(
    'the site reaches central',
    async () => {
      const response = await fetch(`${urls.site}/sign-in`, { redirect: 'manual' });
      return response.status === 303 && response;
    },
    PATIENCE_MS,
  );
  const confirmed = await fetch(begun.headers.get('location') ?? '', { redirect: 'manual', headers });
  const browser = new HttpBrowser();
  const cookie = begun.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  await browser.fetch(confirmed.headers.get('location') ?? '', { headers: { cookie } });
  const name = sessionCookieName(urls.site);
  const session = browser
    .cookiesOf(new URL(urls.site))
    .split('; ')
    .find(one => one.startsWith(`${name}=`));
  if (session === undefined) throw new Error('no session at the site');
  return { cookie: session, origin: urls.site };
}

async function addOwned(db: SiteDatabase, person: string): Promise<Owned> {
  const owner = { id: person, name: 'Owner' };
  const series = { id: SERIES };
  const add = async (name: string, audience: Audience = 'internal'): Promise<VideoId> => {
    const id = newVideoId();
    const texts = { name, description: '', language: undefined, fileName: undefined, sizeBytes: 10 };
    await insertVideo(db, { id, ...texts, owner, series, audience: { audience, groups: [] } });
    return id;
  };
  const publish = async (name: string, audience: Audience): Promise<VideoId> => {
    const video = await add(name, audience);
    const draft = { video, owner, series, createdAt: new Date().toISOString() };
    const { version: _, ...record } = videoRecord({
      ...draft,
      ...{ visibility: 'private', ...(audience === 'internal' ? { audience } : {}) },
    });
    const { revision, sha256 } = record;
    await changeVideo(db, video, {
      onlyFrom: ['uploading'],
      changes: { state: 'ready', revision, sha256 },
      record: () => record,
    });
    return video;
  };
  const withdrawn = await add('Withdrawn');
  await changeVideo(db, withdrawn, { onlyFrom: ['uploading'], changes: { state: 'withdrawn' } });
  const upload = await add('Unfinished');
  await insertUpload(db, {
    id: upload,
    metadata: undefined,
    concat: undefined,
    sizeBytes: 10,
    owner: person,
  });
  return {
    person,
    video: await publish('A lecture', 'internal'),
    hidden: await publish('A draft', 'private'),
    withdrawn,
    job: await addEndedJob(db, withdrawn),
    upload,
  };
}

async function addEndedJob(db: SiteDatabase, video: VideoId): Promise<string> {
  const job = await db.transaction().execute(transaction =>
    insertJob(transaction, {
      ...{ video, kind: 'ladder', urgency: 0, needs: [], plan: {} },
      steps: [{ kind: 'x', after: 0, mediaMs: 1 }],
    }),
  );
  await db.updateTable('jobs').set({ state: 'done' }).where('id', '=', job).execute();
  return job;
}
