/** Who may see, change, publish and withdraw which videos of a site: the calls of the studio and the uploads, over HTTP. */
import { randomUUID } from 'node:crypto';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeDatabase, type TestDatabase } from '../../../../test/support/postgres/databases.ts';
import { makeTemporaryDirectory, removeDirectory } from '../../../../test/support/temporary-directory.ts';
import { createAccessGuard, enforceAccess, type Refusal } from '../../../kernel/access/access.ts';
import { ANONYMOUS, type Authority, BREAK_GLASS } from '../../../kernel/access/authority.ts';
import { createHttp, type HttpServer } from '../../../kernel/http/server.ts';
import { silentLog } from '../../../kernel/log.ts';
import { problem } from '../../../kernel/problem.ts';
import { openDatabase } from '../../../kernel/sql/sql.ts';
import { newRevisionId, newSiteId, newVideoId, type VideoId } from '../../../protocol/base/ids.ts';
import { isAllowed } from '../../../protocol/people/decide.ts';
import { type Assignment, permissionsOf } from '../../../protocol/people/permissions.ts';
import type { SiteVideo } from '../../../protocol/site.ts';
import type { SiteChanges, SiteVideoPage, VideoEditResult } from '../../../protocol/studio.ts';
import { insertJob } from '../../database/jobs.ts';
import { readSignal } from '../../database/publication/signal.ts';
import { insertRevision } from '../../database/revisions.ts';
import { listStudioJobs } from '../../database/studio/list-jobs.ts';
import { listStudioVideos } from '../../database/studio/list-videos.ts';
import { refreshStudio } from '../../database/studio/refresh.ts';
import { targetOf } from '../../database/tables/people-columns.ts';
import { type SiteSchema, siteMigrations, type VideoRow } from '../../database/tables/schema.ts';
import { insertVideo, type NewVideo, type SiteDatabase } from '../../database/tables/videos.ts';
import { createDiskReserve } from '../../maintenance/disk-reserve.ts';
import type { PreparedSource } from '../../media/index/source-index.ts';
import type { Intake } from '../../media/intake/intake.ts';
import { createStorage } from '../../media/storage/storage.ts';
import { SITE_ACCESS } from '../access-table.ts';
import { createUploads } from '../uploads/uploads.ts';
import { serveCaptions } from './captions/captions.ts';
import { serveJobs } from './jobs.ts';
import { type StudioWatch, watchStudio } from './lists/watch-changes.ts';
import { serveStudio } from './studio.ts';
import { videosOfVisibleJobs, visibleVideos } from './visible-videos.ts';

const site = newSiteId();
const here = { site };
const person = (name: string, ...roles: readonly Assignment[]): Authority => ({
  person: { id: randomUUID(), name },
  via: 'session',
  permissions: permissionsOf(roles),
  groups: [],
});
const PEOPLE = {
  author: person('Ann Author', { role: 'author', scope: here }),
  other: person('Otto Other', { role: 'author', scope: here }),
  editor: person('Edda Editor', { role: 'editor', scope: here }),
  viewer: person('Vera Viewer', { role: 'viewer', scope: 'everything' }),
  elsewhere: person('Elsa Elsewhere', { role: 'editor', scope: { site: newSiteId() } }),
  seriesAuthor: person('Sam Series', { role: 'author', scope: { series: 'physics' } }),
  seriesEditor: person('Sue Series', { role: 'editor', scope: { series: 'physics' } }),
  operator: BREAK_GLASS,
  nobody: ANONYMOUS,
} as const;
type Name = keyof typeof PEOPLE;
const idOf = (name: Name): string => PEOPLE[name].person?.id ?? '';
const ownerOf = (name: Name) => ({ id: idOf(name), name: PEOPLE[name].person?.name ?? '' });

let directory: string;
let database: TestDatabase;
let db: SiteDatabase;
let app: HttpServer;
let url: string;
let refusals: Refusal[];
let notes: { who: string | undefined; action: string; object: string | undefined }[];
let servedPrivately: Set<VideoId>;
let isConnected: boolean;
let watch: StudioWatch;

const authenticate = async ({ headers }: IncomingMessage): Promise<Authority> =>
  PEOPLE[headers['x-as'] as Name] ?? ANONYMOUS;

beforeEach(async () => {
  directory = await makeTemporaryDirectory('studio');
  database = await makeDatabase();
  db = await openDatabase<SiteSchema>(database.place, siteMigrations);
  [refusals, notes, servedPrivately, isConnected] = [[], [], new Set(), true];
  const guard = createAccessGuard({ authenticate, onRefused: refusal => void refusals.push(refusal) });
  watch = watchStudio(db, silentLog);
  const shared = {
    db,
    guard,
    watch,
    siteId: () => site,
    storage: createStorage(directory),
    sourceAddress: '192.0.2.1:80',
    async note(
      request: IncomingMessage,
      { action, object }: { action: string; object?: string | undefined },
    ) {
      notes.push({ who: (await guard.authorityOf(request)).person?.name, action, object });
    },
    onRecord: () => {},
    fields: () => undefined,
    rights: {
      markOwn: (video: VideoId, isPrivate: boolean) =>
        void (isPrivate ? servedPrivately.add(video) : servedPrivately.delete(video)),
    },
    tokens: { forStudio: () => 'x'.repeat(40) },
    async findPerson(id: string) {
      if (!isConnected) throw problem('not-ready');
      if (id !== idOf('other')) throw problem('person-unknown');
      return ownerOf('other');
    },
  };
  const uploads = createUploads({
    ...shared,
    intake: { accept: async () => {} } as unknown as Intake,
    newVideoId,
    maxUploadBytes: 1_000,
    keepFreeBytes: 0,
    uploadOrigins: [],
    log: silentLog,
  });
  const http = await createHttp({
    part: 'site',
    log: silentLog,
    ready: () => undefined,
    before: uploads.handle,
  });
  app = http.app;
  enforceAccess(app, SITE_ACCESS, guard, () => site);
  const reserve = createDiskReserve(join(directory, 'reserve'));
  serveStudio(app, { ...shared, uploads, reserve, onWithdrawn: async () => {} });
  serveCaptions(app, { ...shared, hasProgram: false, onJob: () => {} });
  serveJobs(app, { ...shared, onJob: () => {} });
  url = await app.listen({ host: '127.0.0.1', port: 0 });
});
afterEach(async () => {
  await watch.stop();
  await app.close();
  await db.destroy();
  await database.drop();
  await removeDirectory(directory);
});

const prepared = {
  container: 'mp4',
  durationMs: 1_000,
  sizeBytes: 10,
  bitrateBps: 80,
  notes: [],
  renditions: [
    {
      ...{ kind: 'audio', id: 'source-audio', codec: 'opus', bandwidthBps: 80, averageBandwidthBps: 80 },
      ...{ channels: 2, sampleRateHz: 48_000 },
    },
  ],
} as unknown as PreparedSource;

/** A video that can be played. It was never published, unless it needs no approval. */
async function addReady(more: Partial<NewVideo> = {}): Promise<VideoId> {
  const id = newVideoId();
  const revision = newRevisionId();
  const texts = { name: 'A video', description: '', language: undefined, fileName: undefined };
  await insertVideo(db, { id, ...texts, sizeBytes: 10, ...more });
  await insertRevision(db, revision, id, ['source.index']);
  await db
    .updateTable('videos')
    .set({ state: 'ready', revision, prepared: JSON.stringify(prepared), sha256: '0'.repeat(64) })
    .where('id', '=', id)
    .execute();
  return id;
}
const awaiting = (name: Name = 'author', more: Partial<NewVideo> = {}): Promise<VideoId> =>
  addReady({ owner: ownerOf(name), needsApproval: true, ...more });

interface Sent {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}
async function send(as: Name, call: string, { body, headers = {} }: Sent = {}) {
  const [method = '', path = ''] = call.split(' ');
  const isJson = body !== undefined && typeof body !== 'string';
  const response = await fetch(url + path, {
    method,
    headers: {
      'x-as': as,
      origin: url,
      ...(isJson ? { 'content-type': 'application/json' } : {}),
      ...headers,
    },
    ...(body === undefined ? {} : { body: isJson ? JSON.stringify(body) : (body as string) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    body: (text ? JSON.parse(text) : {}) as SiteVideo & {
      code?: string;
      videos?: SiteVideo[];
      detail?: string;
    },
    location: response.headers.get('location') ?? '',
  };
}
const patch = (as: Name, id: VideoId, body: unknown) => send(as, `PATCH /api/videos/${id}`, { body });
const rowOf = (id: VideoId): Promise<VideoRow> =>
  db.selectFrom('videos').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
const recordOf = async (id: VideoId) => {
  const row = await db.selectFrom('records').selectAll().where('video_id', '=', id).executeTakeFirst();
  return row && { ...JSON.parse(row.body), isPublished: row.published === 1 };
};

const TUS = { 'tus-resumable': '1.0.0' };
const BYTES = { 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' };
const encode = (values: Readonly<Record<string, unknown>>): string =>
  Object.entries(values)
    .map(([name, value]) => {
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      return `${name} ${Buffer.from(text).toString('base64')}`;
    })
    .join(',');
const startUpload = (as: Name, metadata: Readonly<Record<string, unknown>> = {}, more = {}) =>
  send(as, 'POST /api/uploads', {
    headers: {
      ...TUS,
      'upload-length': '4',
      'upload-metadata': encode({ name: 'New', ...metadata }),
      ...more,
    },
  });
/** Sends the path as it is, which `fetch` would normalise. @returns the status */
function sendRaw(
  as: Name,
  call: string,
  headers: Readonly<Record<string, string>>,
  body: string | undefined,
): Promise<number> {
  const [method = '', path = ''] = call.split(' ');
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, path, headers: { 'x-as': as, origin: url, ...headers } }, response =>
      response.resume().on('end', () => resolve(response.statusCode ?? 0)),
    );
    sent.on('error', reject).end(body);
  });
}
const videoOf = (location: string): VideoId => location.split('/').at(-1) as VideoId;

describe("another person's video", () => {
  it.each([
    ['GET /api/videos/:id', 'edit-any', {}],
    ['PATCH /api/videos/:id', 'edit-any', { body: { name: 'Mine' } }],
    ['PATCH /api/videos/:id', 'edit-any', { body: { audience: 'private' } }],
    ['DELETE /api/videos/:id', 'withdraw-any', {}],
    ['POST /api/videos/:id/publish', 'publish', {}],
    ['POST /api/videos/:id/send-back', 'publish', { body: { comment: 'No.' } }],
    ['POST /api/videos/:id/submit', 'edit-any', {}],
    [
      'POST /api/videos/:id/captions?language=en',
      'edit-any',
      { body: 'WEBVTT\n\n00:00.000 --> 00:01.000\nHi' },
    ],
    ['DELETE /api/videos/:id/captions/c1', 'edit-any', {}],
    ['POST /api/jobs/:job/cancel', 'edit-any', {}],
    ['POST /api/jobs/:job/retry', 'edit-any', {}],
    ['PATCH /api/jobs/:job', 'manage-site', { body: { priority: 1 } }],
    ['DELETE /api/uploads/:id', 'withdraw-any', { headers: TUS }],
    ['POST /api/uploads/:id', 'withdraw-any', { headers: { ...TUS, 'x-http-method-override': 'DELETE' } }],
    ['PATCH /api/uploads/:id', 'edit-any', { body: 'ab', headers: { ...TUS, ...BYTES } }],
  ] as const)('%s is refused with %s, and that is recorded', async (call, permission, sent) => {
    const id = await awaiting();
    const job = await db.transaction().execute(transaction =>
      insertJob(transaction, {
        ...{ video: id, kind: 'ladder', urgency: 0, needs: [], plan: {} },
        steps: [{ kind: 'x', after: 0, mediaMs: 1 }],
      }),
    );
    const before = await rowOf(id);
    const path = call.replace(':id', id).replace(':job', job);
    const { status, body } = await send('other', path, sent as Sent);
    expect([status, body]).toEqual([403, expect.objectContaining({ code: 'not-permitted', permission })]);
    expect(refusals).toMatchObject([{ authority: { person: { name: 'Otto Other' } } }]);
    expect(await rowOf(id)).toEqual(before);
    expect(notes).toEqual([]);
    // Somebody of another site, or without an account, is refused as well.
    expect((await send('elsewhere', path, sent as Sent)).status).toBe(403);
    expect((await send('viewer', path, sent as Sent)).status).toBe(403);
    expect((await send('nobody', path, sent as Sent)).status).toBe(401);
    expect(await rowOf(id)).toEqual(before);
  });

  it.each([
    ['GET /api/videos/:id', {}],
    ['PATCH /api/videos/:id', { body: { name: 'Mine' } }],
    ['DELETE /api/videos/:id', {}],
    ['POST /api/videos/:id/publish', {}],
    ['POST /api/videos/:id/captions?language=en', { body: 'WEBVTT' }],
    ['DELETE /api/videos/:id/captions/c1', {}],
    ['DELETE /api/uploads/:id', { headers: TUS }],
    ['PATCH /api/uploads/:id', { body: 'ab', headers: { ...TUS, ...BYTES } }],
    ['HEAD /api/uploads/:id', { headers: TUS }],
  ] as const)('does not exist for somebody who may not watch it: %s', async (call, sent) => {
    for (const audience of ['private', 'groups'] as const) {
      const groups = audience === 'groups' ? [randomUUID()] : [];
      const id = await addReady({ owner: ownerOf('author'), audience: { audience, groups } });
      const before = await rowOf(id);
      for (const who of ['other', 'viewer', 'elsewhere', 'nobody'] as const) {
        const hidden = await send(who, call.replace(':id', id), sent as Sent);
        const unknown = await send(who, call.replace(':id', newVideoId()), sent as Sent);
        expect([hidden.status, hidden.body], who).toEqual([unknown.status, unknown.body]);
      }
      expect(await rowOf(id)).toEqual(before);
    }
  });

  it('is not listed, and an unknown id reveals nothing to people without a role here', async () => {
    const own = await awaiting('author');
    const others = await awaiting('other');
    const without = await addReady();
    const ids = async (as: Name) =>
      (await send(as, 'GET /api/videos')).body.videos?.map(({ id }) => id).sort();
    expect(await ids('author')).toEqual([own]);
    expect(await ids('editor')).toEqual([own, others, without].sort());
    expect(await ids('operator')).toEqual([own, others, without].sort());
    expect((await send('viewer', 'GET /api/videos')).status).toBe(403);
    expect((await send('elsewhere', 'GET /api/videos')).status).toBe(403);
    expect((await send('author', `GET /api/videos/${newVideoId()}`)).status).toBe(404);
    expect((await send('viewer', `GET /api/videos/${newVideoId()}`)).status).toBe(403);
  });

  it('is listed exactly if the person may edit or publish it', async () => {
    for (const name of ['author', 'other', undefined] as const) {
      for (const series of ['physics', 'chemistry', undefined]) {
        await addReady({
          ...(name ? { owner: ownerOf(name) } : {}),
          ...(series ? { series: { id: series } } : {}),
        });
      }
    }
    await refreshStudio(db);
    const rows = await db.selectFrom('videos').selectAll().orderBy('id', 'desc').execute();
    for (const who of Object.values(PEOPLE)) {
      const { ids: listed } = await listStudioVideos(db, {
        ...{ limit: 100, order: 'newest', filter: {} },
        visible: visibleVideos(who, site),
      });
      const expected = rows.filter(row =>
        (['edit', 'publish'] as const).some(action => isAllowed(who, action, targetOf(site, row))),
      );
      expect(listed).toEqual(expected.map(({ id }) => id));
    }
  });
});

describe('conversions', () => {
  const addJob = (video: VideoId, kind = 'ladder'): Promise<string> =>
    db.transaction().execute(transaction =>
      insertJob(transaction, {
        ...{ video, kind, urgency: 0, needs: [], plan: {} },
        steps: [{ kind: 'x', after: 0, mediaMs: 1 }],
      }),
    );
  const jobsOf = async (as: Name): Promise<string[]> => {
    const { body } = await send(as, 'GET /api/jobs');
    return (body as unknown as { jobs: { id: string }[] }).jobs.map(({ id }) => id);
  };

  it('of an author are listed, also behind many newer or more urgent ones of others', async () => {
    const others = await addReady({ owner: ownerOf('other') });
    for (let count = 0; count < 210; count++) await addJob(others);
    const own = await addReady({ owner: ownerOf('author') });
    const job = await addJob(own);
    for (let count = 0; count < 3; count++) await addJob(own, 'inspect');
    expect(await jobsOf('author')).toEqual([job]);
    expect(await jobsOf('editor')).toHaveLength(200);
  });

  it('are listed exactly if the person may edit the video or see all conversions', async () => {
    const videos = new Map<string, VideoId>();
    for (const name of ['author', 'other', undefined] as const) {
      for (const series of ['physics', 'chemistry', undefined]) {
        const video = await addReady({
          ...(name ? { owner: ownerOf(name) } : {}),
          ...(series ? { series: { id: series } } : {}),
        });
        videos.set(await addJob(video), video);
      }
    }
    await refreshStudio(db);
    for (const who of Object.values(PEOPLE)) {
      const listed = await listStudioJobs(db, { limit: 100, visible: videosOfVisibleJobs(who, site) });
      const expected: string[] = [];
      for (const [job, video] of videos) {
        const target = targetOf(site, await rowOf(video));
        if ((['edit', 'see-jobs'] as const).some(action => isAllowed(who, action, target)))
          expected.push(job);
      }
      expect(listed.map(({ job_id }) => job_id).sort()).toEqual(expected.sort());
    }
  });
});

describe('uploads', () => {
  it('belong to the person who starts them, and need approval unless that person may publish', async () => {
    const byAuthor = videoOf((await startUpload('author')).location);
    expect(await rowOf(byAuthor)).toMatchObject({
      owner_id: idOf('author'),
      owner_name: 'Ann Author',
      approval: 'awaiting',
    });
    expect(servedPrivately.has(byAuthor)).toBe(true);
    const byEditor = videoOf((await startUpload('editor')).location);
    expect(await rowOf(byEditor)).toMatchObject({ owner_id: idOf('editor'), approval: null });
    expect(servedPrivately.has(byEditor)).toBe(false);
    const byOperator = videoOf((await startUpload('operator')).location);
    expect(await rowOf(byOperator)).toMatchObject({ owner_id: null, approval: null });
    expect(notes.map(({ who, action }) => [who, action])).toEqual([
      ['Ann Author', 'video.upload'],
      ['Edda Editor', 'video.upload'],
      [undefined, 'video.upload'],
    ]);
  });

  it('take audience, groups, owner and series from the metadata', async () => {
    const group = randomUUID();
    const { location } = await startUpload('editor', {
      ...{
        audience: 'groups',
        groups: [group],
        series: { id: 'physics', position: 3 },
        owner: { id: idOf('other') },
      },
    });
    expect(await rowOf(videoOf(location))).toMatchObject({
      ...{
        private: 1,
        audience: 'groups',
        groups: JSON.stringify([group]),
        series_id: 'physics',
        series_position: 3,
      },
      ...{ owner_id: idOf('other'), owner_name: 'Otto Other' },
    });
    // An author uploads for nobody else.
    expect((await startUpload('author', { owner: { id: idOf('other') } })).status).toBe(403);
    expect((await startUpload('editor', { owner: { id: randomUUID() } })).body.code).toBe('person-unknown');
  });

  it.each([
    [{ audience: 'internal', visibility: 'public' }],
    [{ audience: 'public', visibility: 'private' }],
    [{ audience: 'groups' }],
    [{ groups: [randomUUID()] }],
    [{ audience: 'everyone' }],
    [{ owner: 'Ann' }],
    [{ series: { id: '../x' } }],
  ])('with %j are refused', async metadata => {
    expect(await startUpload('editor', metadata)).toMatchObject({
      status: 400,
      body: { code: 'metadata-invalid' },
    });
  });

  it('into a series need a role for that series', async () => {
    expect((await startUpload('seriesAuthor', { series: { id: 'physics' } })).status).toBe(201);
    expect((await startUpload('seriesAuthor', { series: { id: 'chemistry' } })).status).toBe(403);
    expect((await startUpload('seriesAuthor')).status).toBe(403);
    for (const as of ['viewer', 'elsewhere'] as const) expect((await startUpload(as)).status).toBe(403);
    expect((await startUpload('nobody')).status).toBe(401);
  });

  it('are continued and cancelled by the person who started them, partial ones included', async () => {
    for (const concat of [undefined, 'partial']) {
      const { location } = await startUpload('author', {}, concat ? { 'upload-concat': concat } : {});
      const call = async (as: Name, method: string) =>
        (
          await send(as, `${method} ${location}`, {
            headers: { ...TUS, ...BYTES },
            ...(method === 'PATCH' ? { body: 'ab' } : {}),
          })
        ).status;
      for (const as of ['other', 'seriesAuthor', 'elsewhere', 'viewer'] as const)
        for (const method of ['HEAD', 'PATCH', 'DELETE'])
          expect([as, method, await call(as, method)]).toEqual([as, method, 403]);
      expect(await call('author', 'HEAD')).toBe(200);
      expect(await call('author', 'PATCH')).toBe(204);
      expect(await call('author', 'DELETE')).toBe(204);
      expect(await call('author', 'HEAD')).toBe(404);
    }
  });

  it.each([['/'], ['/.'], ['/x/..'], ['#x'], ['%2F'], ['?x=/']])(
    'of another person are not reached at an address with %s',
    async suffix => {
      const { location } = await startUpload('author');
      const own = (await startUpload('other')).location;
      const path = suffix === '?x=/' ? `${own}?x=/${videoOf(location)}` : location + suffix;
      const statuses: number[] = [];
      for (const [method, body] of [['HEAD'], ['PATCH', 'ab'], ['DELETE']] as const)
        statuses.push(await sendRaw('other', `${method} ${path}`, { ...TUS, ...BYTES }, body));
      const stateOf = async (at: string, as: Name) => send(as, `HEAD ${at}`, { headers: TUS });
      expect([suffix, statuses, (await stateOf(location, 'author')).status]).toEqual([
        suffix,
        suffix === '?x=/' ? [200, 204, 204] : [404, 404, 404],
        200,
      ]);
      expect((await rowOf(videoOf(location))).state).toBe('uploading');
    },
  );

  it("cannot be made of another person's partial uploads", async () => {
    const { location } = await startUpload('author', {}, { 'upload-concat': 'partial' });
    const { status, body } = await send('other', 'POST /api/uploads', {
      headers: {
        ...TUS,
        'upload-metadata': encode({ name: 'Stolen' }),
        'upload-concat': `final;${location}`,
      },
    });
    expect([status, body.code]).toEqual([403, 'not-permitted']);
  });
});

describe('approval', () => {
  it('is given by someone who may publish; until then there is no record and no public address', async () => {
    const id = await awaiting();
    expect((await patch('author', id, { name: 'Better' })).body).toMatchObject({
      ...{ name: 'Better', approval: 'awaiting', audience: 'public', token: expect.any(String) },
    });
    expect(await recordOf(id)).toBeUndefined();
    expect((await readSignal(db)).flag).toBe('sent');
    expect(servedPrivately.has(id)).toBe(true);
    expect((await send('author', `POST /api/videos/${id}/publish`)).body.code).toBe('not-permitted');
    expect((await send('editor', 'GET /api/videos?approval=awaiting')).body.videos).toMatchObject([{ id }]);
    const { status, body } = await send('editor', `POST /api/videos/${id}/publish`);
    expect([status, body.approval, body.token]).toEqual([200, undefined, undefined]);
    // A process that is killed here publishes the record after its next start: it is written, and the signal is not sent.
    expect(await recordOf(id)).toMatchObject({
      name: 'Better',
      owner: ownerOf('author'),
      isPublished: false,
    });
    expect((await readSignal(db)).flag).toBe('not-sent');
    expect(servedPrivately.has(id)).toBe(false);
    expect((await send('editor', `POST /api/videos/${id}/publish`)).body.code).toBe('approval-unneeded');
    expect(notes.map(({ action }) => action)).toEqual(['video.edit', 'video.publish']);
  });

  it('can be refused with a comment, and requested again', async () => {
    const id = await awaiting();
    expect(
      (await send('editor', `POST /api/videos/${id}/send-back`, { body: { comment: ' ' } })).status,
    ).toBe(400);
    await send('editor', `POST /api/videos/${id}/send-back`, { body: { comment: 'Cut the end.' } });
    expect((await send('author', `GET /api/videos/${id}`)).body).toMatchObject({
      ...{ approval: 'sent-back', approvalComment: 'Cut the end.' },
    });
    expect((await send('other', `POST /api/videos/${id}/submit`)).status).toBe(403);
    const { body } = await send('author', `POST /api/videos/${id}/submit`);
    expect([body.approval, body.approvalComment]).toEqual(['awaiting', undefined]);
    expect(await recordOf(id)).toBeUndefined();
    expect(notes.map(({ action }) => action)).toEqual(['video.send-back', 'video.submit']);
  });

  it('is given for a series only by someone who may publish in that series', async () => {
    const id = await awaiting('author', { series: { id: 'chemistry' } });
    expect((await send('seriesEditor', `POST /api/videos/${id}/publish`)).status).toBe(403);
    const inSeries = await awaiting('author', { series: { id: 'physics' } });
    expect((await send('seriesEditor', `POST /api/videos/${inSeries}/publish`)).status).toBe(200);
  });

  it('is not needed to withdraw: the author deletes the video, and no tombstone is published', async () => {
    const id = await awaiting();
    expect((await send('author', `DELETE /api/videos/${id}`)).status).toBe(204);
    expect(await rowOf(id)).toMatchObject({ state: 'withdrawn' });
    expect(await recordOf(id)).toBeUndefined();
    expect((await send('editor', `POST /api/videos/${id}/publish`)).body.code).toBe('video-withdrawn');
  });

  it('and a withdrawal at the same time leave a tombstone, or nothing at all', async () => {
    const id = await awaiting();
    await Promise.all([
      send('editor', `POST /api/videos/${id}/publish`),
      send('author', `DELETE /api/videos/${id}`),
    ]);
    expect(await rowOf(id)).toMatchObject({ state: 'withdrawn' });
    expect([undefined, 'tombstone']).toContain((await recordOf(id))?.kind);
  });
});

describe('an edit', () => {
  it('of the audience goes into the record; the alias names two audiences', async () => {
    const id = await addReady({ owner: ownerOf('editor') });
    const group = randomUUID();
    const groups = { audience: 'groups', groups: [group] };
    expect((await patch('editor', id, groups)).body).toMatchObject({ ...groups, visibility: 'private' });
    expect(await recordOf(id)).toMatchObject({ ...groups, visibility: 'private' });
    expect(servedPrivately.has(id)).toBe(true);
    expect((await patch('editor', id, { visibility: 'private' })).body).toMatchObject({
      audience: 'private',
    });
    expect(await recordOf(id)).not.toHaveProperty('audience');
    const { body } = await patch('editor', id, { visibility: 'public' });
    expect([body.audience, body.visibility, body.groups]).toEqual(['public', undefined, undefined]);
    expect(await recordOf(id)).not.toHaveProperty('visibility');
    expect(servedPrivately.has(id)).toBe(false);
    const contradiction = await patch('editor', id, { audience: 'internal', visibility: 'public' });
    expect([contradiction.status, contradiction.body.detail]).toEqual([
      400,
      expect.stringContaining('contradict'),
    ]);
  });

  it('by an author makes a published video visible to fewer people, not to more', async () => {
    const id = await addReady({ owner: ownerOf('author') });
    for (const audience of ['internal', 'private'])
      expect((await patch('author', id, { audience })).status).toBe(200);
    for (const audience of ['internal', 'public']) {
      const { status, body } = await patch('author', id, { audience });
      expect([status, body]).toEqual([403, expect.objectContaining({ permission: 'publish' })]);
    }
    expect((await patch('author', id, { name: 'Still mine' })).status).toBe(200);
    // Before it is published, the author may choose any audience: the person who approves the video sees it.
    const draft = await awaiting('author', { audience: { audience: 'private', groups: [] } });
    expect((await patch('author', draft, { audience: 'public' })).status).toBe(200);
  });

  it('moves a video only into a series for which the person has a role', async () => {
    const id = await addReady({ owner: ownerOf('seriesAuthor'), series: { id: 'physics' } });
    expect((await patch('seriesAuthor', id, { series: { id: 'physics', position: 7 } })).body.series).toEqual(
      {
        ...{ id: 'physics', position: 7 },
      },
    );
    expect((await patch('seriesAuthor', id, { series: { id: 'chemistry' } })).status).toBe(403);
    expect((await patch('seriesAuthor', id, { series: null })).status).toBe(403);
    // A series editor cannot take a video out of the series of others, or into the own one.
    const foreign = await addReady({ owner: ownerOf('author'), series: { id: 'chemistry' } });
    expect((await patch('seriesEditor', foreign, { series: { id: 'physics' } })).status).toBe(403);
    expect((await patch('seriesEditor', id, { series: { id: 'chemistry' } })).status).toBe(403);
    expect((await patch('editor', id, { series: { id: 'chemistry' } })).status).toBe(200);
    expect((await patch('editor', id, { series: null })).body.series).toBeUndefined();
  });

  it('transfers a video, with the name that central knows', async () => {
    const id = await addReady({ owner: ownerOf('author') });
    const toOther = { owner: { id: idOf('other'), name: 'Somebody Else' } };
    expect((await patch('seriesAuthor', id, toOther)).status).toBe(403);
    isConnected = false;
    expect((await patch('author', id, toOther)).status).toBe(503);
    expect((await patch('author', id, { owner: ownerOf('author'), name: 'Same owner' })).status).toBe(200);
    isConnected = true;
    expect((await patch('author', id, { owner: { id: randomUUID() } })).body.code).toBe('person-unknown');
    expect((await patch('author', id, toOther)).body.owner).toEqual(ownerOf('other'));
    expect(await recordOf(id)).toMatchObject({ owner: ownerOf('other') });
    expect((await patch('author', id, { name: 'Mine again' })).status).toBe(403);
    expect((await patch('other', id, { name: 'Mine now' })).status).toBe(200);
    expect(notes.map(({ action }) => action)).toEqual(['video.edit', 'video.transfer', 'video.edit']);
  });

  it('by somebody who may not withdraw the video does not transfer it', async () => {
    const id = await addReady({ owner: ownerOf('author') });
    const { permissions } = PEOPLE.editor;
    const held = permissions.filter(({ permission }) => permission !== 'withdraw-any');
    Object.assign(PEOPLE, { limited: { ...PEOPLE.editor, permissions: held } });
    const { status, body } = await patch('limited' as Name, id, { owner: { id: idOf('other') } });
    expect([status, body]).toEqual([403, expect.objectContaining({ permission: 'withdraw-any' })]);
  });

  it('decides again if the video was published meanwhile', async () => {
    const id = await awaiting('author', { audience: { audience: 'private', groups: [] } });
    const edits = Array.from({ length: 4 }, () => patch('author', id, { audience: 'public' }));
    const published = send('editor', `POST /api/videos/${id}/publish`);
    const results = await Promise.all([...edits, published]);
    const { audience, approval } = (await send('editor', `GET /api/videos/${id}`)).body;
    if (results.slice(0, 4).every(({ status }) => status === 403)) expect(audience).toBe('private');
    // Either the approval saw the public audience, or it did not happen.
    if (approval === undefined && audience === 'public') expect(results[4]?.body.audience).toBe('public');
  });
});

describe('edits of many videos', () => {
  const edit = async (as: Name, edits: readonly unknown[], preview = false) => {
    const { status, body } = await send(as, 'POST /api/video-edits', { body: { edits, preview } });
    return { status, results: (body as unknown as { results: VideoEditResult[] }).results };
  };

  it('change each video for itself, with its permissions and entries, and can be undone', async () => {
    const own = await addReady({ owner: ownerOf('author'), details: { tags: ['physics'] } });
    const others = await addReady({ owner: ownerOf('other') });
    const edits = [own, others, newVideoId()].map(id => ({
      id,
      edit: { downloads: 'source' },
      addTags: ['term 1', 'physics'],
    }));
    const preview = await edit('author', edits, true);
    const expected = [
      {
        ...{ id: own, outcome: 'changed', before: { downloads: null, tags: ['physics'] } },
        after: { downloads: 'source', tags: ['physics', 'term 1'] },
      },
      { id: others, outcome: 'refused', error: { code: 'not-permitted' } },
      { outcome: 'refused', error: { code: 'video-unknown' } },
    ];
    expect(preview.results).toMatchObject(expected);
    expect(await rowOf(own)).toMatchObject({ details: '{"tags":["physics"]}' });
    expect(notes).toEqual([]);

    const done = await edit('author', edits);
    expect(done.results).toMatchObject(expected);
    expect(notes.map(({ who, action, object }) => [who, action, object])).toEqual([
      ['Ann Author', 'video.edit', `video:${own}`],
    ]);
    // Sent again, for example after the connection was lost, it changes nothing.
    expect((await edit('author', edits)).results[0]?.outcome).toBe('unchanged');
    const undone = await edit('author', [{ id: own, edit: done.results[0]?.before }]);
    expect(undone.results[0]?.outcome).toBe('changed');
    expect(await rowOf(own)).toMatchObject({ details: '{"tags":["physics"]}' });
    expect((await edit('viewer', edits)).status).toBe(403);
  });

  it('withdraw only what the person may withdraw', async () => {
    const own = await addReady({ owner: ownerOf('author') });
    const others = await addReady({ owner: ownerOf('other') });
    const edits = [own, others].map(id => ({ id, withdraw: true }));
    const outcomes = async (preview: boolean) =>
      (await edit('author', edits, preview)).results.map(({ outcome }) => outcome);
    expect(await outcomes(true)).toEqual(['withdrawn', 'refused']);
    expect((await rowOf(own)).state).toBe('ready');
    expect(await outcomes(false)).toEqual(['withdrawn', 'refused']);
    expect([(await rowOf(own)).state, (await rowOf(others)).state]).toEqual(['withdrawn', 'ready']);
    expect(await outcomes(false)).toEqual(['unchanged', 'refused']);
  });

  it('of two people do not overwrite each other', async () => {
    const id = await addReady({ owner: ownerOf('author') });
    const { body } = await send('author', `GET /api/videos/${id}`);
    const { edition } = body as unknown as SiteVideo;
    const headers = { 'if-match': `"${edition}"` };
    const first = await send('editor', `PATCH /api/videos/${id}`, { body: { name: 'First' }, headers });
    expect(first.status).toBe(200);
    const second = await send('author', `PATCH /api/videos/${id}`, { body: { name: 'Second' }, headers });
    expect([second.status, second.body.code]).toEqual([412, 'video-changed']);
    expect((await rowOf(id)).name).toBe('First');
    // Without If-Match, edits of different members are both kept, also at the same time.
    await Promise.all([
      patch('author', id, { tags: ['a'] }),
      patch('editor', id, { licence: 'CC BY 4.0' }),
      patch('author', id, { downloads: 'none' }),
    ]);
    expect(JSON.parse((await rowOf(id)).details ?? '{}')).toEqual({
      ...{ tags: ['a'], licence: 'CC BY 4.0', downloads: 'none' },
    });
  });
});

describe('the list and its changes', () => {
  it('are filtered, sorted and counted for the person, and an open page learns of a change', async () => {
    const ids: VideoId[] = [];
    for (const name of ['Zebra', 'apple', 'Mango'])
      ids.push(await addReady({ name, owner: ownerOf('author') }));
    await addReady({ name: 'Not hers', owner: ownerOf('other') });
    const list = async (query: string) => {
      const { status, body } = await send('author', `GET /api/videos?${query}`);
      return { status, ...(body as unknown as SiteVideoPage) };
    };
    const first = await list('order=name&limit=2');
    expect(first.videos.map(({ name }) => name)).toEqual(['apple', 'Mango']);
    expect(first.counts).toMatchObject({ all: 3, 'state:ready': 3 });
    const second = await list(`order=name&limit=2&cursor=${first.next}`);
    expect(second.videos.map(({ name }) => name)).toEqual(['Zebra']);
    expect(second.next).toBeUndefined();
    expect((await list('order=largest&cursor=nonsense')).status).toBe(400);
    expect((await list(`order=name&cursor=${ids[0]}`)).status).toBe(400);
    expect((await list('state=failed')).videos).toEqual([]);
    const { body: all } = await send('author', 'GET /api/video-ids?order=oldest');
    expect(all).toEqual({ ids });

    const changes = async (query: string) =>
      (await send('author', `GET /api/changes${query}`)).body as unknown as SiteChanges;
    const { cursor } = await changes('');
    const waiting = changes(`?since=${cursor}&waitS=20`);
    const [id = newVideoId()] = ids;
    await patch('editor', id, { name: 'Quagga' });
    const changed = await waiting;
    expect(changed.videos.map(({ name }) => name)).toEqual(['Quagga']);
    expect(await changes(`?since=${changed.cursor}`)).toEqual({
      ...{ cursor: changed.cursor, videos: [], jobs: [], removed: [] },
    });
    expect((await changes(`?since=${changed.cursor + 1_000_000}`)).reset).toBe(true);
  });
});
