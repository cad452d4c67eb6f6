import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeDatabase, type TestDatabase } from '../../../../../test/support/postgres/databases.ts';
import { makeTemporaryDirectory, removeDirectory } from '../../../../../test/support/temporary-directory.ts';
import { createAccessGuard, enforceAccess } from '../../../../kernel/access/access.ts';
import { BREAK_GLASS } from '../../../../kernel/access/authority.ts';
import { createHttp, type HttpServer } from '../../../../kernel/http/server.ts';
import { silentLog } from '../../../../kernel/log.ts';
import { openDatabase } from '../../../../kernel/sql/sql.ts';
import { newRevisionId, newSiteId, newVideoId, type VideoId } from '../../../../protocol/base/ids.ts';
import { insertRevision } from '../../../database/revisions.ts';
import { type SiteSchema, siteMigrations } from '../../../database/tables/schema.ts';
import { insertVideo, type SiteDatabase } from '../../../database/tables/videos.ts';
import { createStorage } from '../../../media/storage/storage.ts';
import { SITE_ACCESS } from '../../access-table.ts';
import { serveCaptions } from './captions.ts';

let directory: string;
let database: TestDatabase;
let db: SiteDatabase;
let app: HttpServer;
let url: string;
let notes: unknown[];

beforeEach(async () => {
  directory = await makeTemporaryDirectory('caption-tracks');
  database = await makeDatabase();
  db = await openDatabase<SiteSchema>(database.place, siteMigrations);
  notes = [];
  const guard = createAccessGuard({ authenticate: async () => BREAK_GLASS, onRefused: () => {} });
  ({ app } = await createHttp({ part: 'site', log: silentLog, ready: () => undefined }));
  const site = newSiteId();
  enforceAccess(app, SITE_ACCESS, guard, () => site);
  serveCaptions(app, {
    db,
    guard,
    siteId: () => site,
    storage: createStorage(directory),
    sourceAddress: '192.0.2.1:80',
    note: async (_request, { before, after }) => void notes.push({ before, after }),
    onRecord: () => {},
    hasProgram: true,
    onJob: () => {},
  });
  url = await app.listen({ host: '127.0.0.1', port: 0 });
});
afterEach(async () => {
  await app.close();
  await db.destroy();
  await database.drop();
  await removeDirectory(directory);
});

async function addReady(): Promise<VideoId> {
  const id = newVideoId();
  const revision = newRevisionId();
  await insertVideo(db, {
    id,
    name: 'A',
    description: '',
    language: undefined,
    fileName: undefined,
    sizeBytes: 10,
  });
  await insertRevision(db, revision, id, ['source.index']);
  const prepared = {
    ...{ container: 'mp4', durationMs: 1_000, sizeBytes: 10, bitrateBps: 80, notes: [] },
    renditions: [
      {
        ...{ kind: 'audio', id: 'source-audio', codec: 'opus', bandwidthBps: 80, averageBandwidthBps: 80 },
        ...{ channels: 2, sampleRateHz: 48_000 },
      },
    ],
  };
  await db
    .updateTable('videos')
    .set({ state: 'ready', revision, prepared: JSON.stringify(prepared), sha256: '0'.repeat(64) })
    .where('id', '=', id)
    .execute();
  return id;
}

const TEXT = 'WEBVTT\n\n00:01.000 --> 00:02.000 line:0\n<v Mary>Hello</v>\n';
async function send(call: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) {
  const [method = '', path = ''] = call.split(' ');
  const type = typeof body === 'string' ? 'text/vtt' : 'application/json';
  const response = await fetch(url + path, {
    method,
    headers: { origin: url, ...(body === undefined ? {} : { 'content-type': type }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json');
  return {
    status: response.status,
    etag: response.headers.get('etag') ?? '',
    text,
    body: isJson ? JSON.parse(text) : {},
  };
}
const renditionsOf = async (id: VideoId): Promise<readonly string[]> => {
  const row = await db.selectFrom('records').select('body').where('video_id', '=', id).executeTakeFirst();
  const { renditions } = JSON.parse(row?.body ?? '{"renditions":[]}');
  return renditions.map((rendition: { id: string }) => rendition.id);
};

it('reads and replaces published captions, with a new revision and a strong tag', async () => {
  const id = await addReady();
  const calls = `/api/videos/${id}/captions`;
  expect(await send(`POST ${calls}?language=en&name=Words`, TEXT)).toMatchObject({
    status: 201,
    body: { captions: ['captions-en'] },
  });
  const track = `${calls}/captions-en`;
  const first = await send(`GET ${track}`);
  expect(first.text).toContain('00:00:01.000 --> 00:00:02.000 line:0\n<v Mary>Hello</v>\n');
  const edited = first.text.replace('Hello', '<img src=x>Goodbye');
  for (const match of [undefined, '*', 'W/"x"', 'x'])
    expect(await send(`PUT ${track}`, edited, match ? { 'if-match': match } : {})).toMatchObject({
      status: 428,
      body: { code: 'captions-match-needed' },
    });
  const revisionOf = async () =>
    (await db.selectFrom('videos').select('revision').where('id', '=', id).executeTakeFirst())?.revision;
  const before = await revisionOf();
  const second = await send(`PUT ${track}`, edited, { 'if-match': first.etag });
  expect(second).toMatchObject({ status: 200, text: first.text.replace('Hello', 'Goodbye') });
  expect(second.etag).not.toBe(first.etag);
  expect(await revisionOf()).not.toBe(before);
  expect(await send(`GET ${track}`)).toMatchObject({ text: second.text, etag: second.etag });
  // A second person has opened the same content as the first.
  const files = readdirSync(join(directory, 'videos', id, 'captions'));
  expect(await send(`PUT ${track}`, edited, { 'if-match': first.etag })).toMatchObject({
    status: 412,
    body: { code: 'captions-changed' },
  });
  expect(readdirSync(join(directory, 'videos', id, 'captions'))).toEqual(files);
  expect(await send(`PUT ${track}`, 'WEBVTT\n', { 'if-match': second.etag })).toMatchObject({
    status: 422,
    body: { code: 'captions-invalid' },
  });
  expect(await send(`PATCH ${track}`, { language: 'zh-Hans', name: null })).toMatchObject({
    body: { id: 'captions-zh-hans' },
  });
  expect((await send(`GET ${calls}`)).body.tracks).toEqual([
    { id: 'captions-zh-hans', language: 'zh-Hans', from: 'upload', state: 'published' },
  ]);
  expect(await renditionsOf(id)).toEqual(['source-audio', 'captions-zh-hans']);
  expect(await send(`GET ${track}`)).toMatchObject({ status: 404, body: { code: 'captions-unknown' } });
  expect((await send(`DELETE ${calls}/captions-zh-hans`)).body).toEqual({ captions: [] });
  expect(notes).toHaveLength(4);
});

it('keeps drafts out of the record until somebody publishes them', async () => {
  const id = await addReady();
  const calls = `/api/videos/${id}/captions`;
  const added = await send(`POST ${calls}?language=en&draft=true`, 'WEBVTT\n');
  const [draft = ''] = added.body.captions;
  expect((await send(`GET ${calls}`)).body.tracks).toEqual([
    { id: draft, language: 'en', from: 'upload', state: 'draft' },
  ]);
  expect(await renditionsOf(id)).toEqual([]);
  expect(existsSync(join(directory, 'videos', id, 'captions'))).toBe(false);
  const track = `${calls}/${draft}`;
  expect(await send(`POST ${track}/publish`)).toMatchObject({ body: { code: 'captions-invalid' } });
  const empty = await send(`GET ${track}`);
  const filled = await send(`PUT ${track}`, TEXT, { 'if-match': empty.etag });
  expect(filled.text).toContain('<v Mary>Hello</v>');
  expect((await send(`PUT ${track}`, TEXT, { 'if-match': empty.etag })).status).toBe(412);
  expect(await send(`PATCH ${track}`, { language: 'fr' })).toMatchObject({ body: { id: draft } });
  expect(await send(`POST ${track}/publish`)).toMatchObject({ body: { id: 'captions-fr' } });
  expect(await send(`POST ${track}/publish`)).toMatchObject({ status: 404 });
  expect((await send(`GET ${calls}/captions-fr`)).text).toBe(filled.text);
  expect(await renditionsOf(id)).toEqual(['source-audio', 'captions-fr']);
  // A draft of another video is not found, and a draft can be deleted.
  const other = await addReady();
  const [second = ''] = (await send(`POST ${calls}?language=en&draft=true`, TEXT)).body.captions;
  expect((await send(`GET /api/videos/${other}/captions/${second}`)).status).toBe(404);
  expect((await send(`DELETE ${calls}/${second}`)).body).toEqual({ captions: ['captions-fr'] });
  expect((await send(`GET ${calls}/${second}`)).status).toBe(404);
});
