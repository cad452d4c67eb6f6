/** Series at central: their calls, who may change them, and the counts of their videos, which reveal no hidden video. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type CentralDatabase, type CentralSchema, migrations } from '../../src/central/database/schema.ts';
import { readOrMakeKey } from '../../src/kernel/identity/keys.ts';
import { openDatabase } from '../../src/kernel/sql/sql.ts';
import { newId } from '../../src/protocol/base/ids.ts';
import type { Assignment, SeriesId } from '../../src/protocol/people/permissions.ts';
import type { VideoRecord } from '../../src/protocol/publication/record.ts';
import { type CentralHarness, startCentralHarness } from '../support/central-harness.ts';
import { insertPerson, insertToken } from '../support/people.ts';
import { tombstone, videoRecord } from '../support/records.ts';
import type { TestSite } from '../support/test-site.ts';

const FIELDS = [{ name: 'faculty', label: { en: 'Faculty' }, type: 'choice', values: ['Physics'] }];
let harness: CentralHarness;
let db: CentralDatabase;
let site: TestSite;
beforeAll(async () => {
  harness = await startCentralHarness({ fields: FIELDS });
  db = await openDatabase<CentralSchema>(harness.database.place, migrations);
  site = await harness.addSite('a');
});
afterAll(async () => {
  await db.destroy();
  await harness.stop();
});

async function addPerson(...roles: readonly Assignment[]): Promise<string> {
  return (await insertToken(db, await insertPerson(db, { roles }))).token;
}
const create = (body: unknown, token?: string) =>
  harness.request('POST', '/api/series', { body, ...(token === undefined ? {} : { token }) });
const countFor = async (id: string, token: string | null): Promise<number> =>
  (await harness.request('GET', `/api/series/${id}`, { token })).body.videos;

async function putImage(id: string, body: Buffer, token?: string): Promise<Response> {
  return fetch(`${harness.url}/api/series/${id}/image`, {
    method: 'PUT',
    headers: { 'content-type': 'image/png', authorization: `Bearer ${token}` },
    body: new Uint8Array(body),
  });
}
/** A PNG with this size in its header. */
function png(width: number, height: number): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.write('89504e470d0a1a0a0000000d49484452', 'hex');
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return bytes;
}

it('are created, listed by title, found, changed and deleted, with entries in the audit log', async () => {
  const created = await create({ title: ' Optics  ', description: 'Light\r\nand lenses', order: 'date' });
  expect([created.status, created.body]).toEqual([
    201,
    {
      id: expect.any(String),
      title: 'Optics',
      description: 'Light\nand lenses',
      order: 'date',
      videos: 0,
      createdAt: expect.any(String),
    },
  ]);
  const { id } = created.body;
  expect((await create({ id, title: 'Again' })).body.code).toBe('series-exists');
  expect((await create({ title: '' })).body.code).toBe('request-invalid');
  for (const title of ['光学', 'Algebra', 'Zoology']) expect((await create({ title })).status).toBe(201);

  const first = await harness.request('GET', '/api/series?limit=3', { token: null });
  const next = await harness.request('GET', `/api/series?limit=3&cursor=${first.body.next}`, { token: null });
  const titles = [...first.body.series, ...next.body.series].map(({ title }: { title: string }) => title);
  expect([titles, next.body.next]).toEqual([['Algebra', 'Optics', 'Zoology', '光学'], undefined]);
  for (const [q, found] of [
    ['光', ['光学']],
    ['LENSES', ['Optics']],
    ['%25', []],
  ] as const) {
    const { body } = await harness.request('GET', `/api/series?q=${q}`, { token: null });
    expect(body.series.map(({ title }: { title: string }) => title)).toEqual(found);
  }

  const edited = await harness.request('PATCH', `/api/series/${id}`, { body: { order: 'position' } });
  expect(edited.body).toEqual({ ...created.body, order: 'position' });
  expect((await harness.request('GET', `/api/series/${id}`, { token: null })).body).toEqual(edited.body);
  expect((await harness.request('DELETE', `/api/series/${id}`)).status).toBe(204);
  expect((await harness.request('GET', `/api/series/${id}`)).body.code).toBe('series-unknown');
  const { body } = await harness.request('GET', `/api/audit?object=series:${id}`);
  expect(body.entries.map(({ action }: { action: string }) => action)).toEqual([
    'series.create',
    'series.edit',
    'series.delete',
  ]);
  expect((await harness.request('GET', '/api/fields', { token: null })).body).toEqual({ fields: FIELDS });
});

it('have an image whose type its content decides, under an address that changes with it', async () => {
  const { id } = (await create({ title: 'With an image' })).body;
  const editor = await addPerson({ role: 'editor', scope: { series: id } });
  const [small, other] = [png(640, 360), png(320, 180)];
  expect((await putImage(id, small, editor)).status).toBe(204);
  const { image } = (await harness.request('GET', `/api/series/${id}`, { token: null })).body;
  const served = await fetch(harness.url + image);
  expect(Buffer.from(await served.arrayBuffer()).equals(small)).toBe(true);
  expect(
    ['content-type', 'cache-control', 'x-content-type-options'].map(name => served.headers.get(name)),
  ).toEqual(['image/png', 'public, max-age=31536000, immutable', 'nosniff']);
  expect((await putImage(id, other, editor)).status).toBe(204);
  expect((await harness.request('GET', `/api/series/${id}`, { token: null })).body.image).not.toBe(image);
  expect((await fetch(harness.url + image)).headers.get('cache-control')).toBe('no-cache');
  for (const wrong of [Buffer.from('<svg/>'), png(5_000, 10), png(0, 0), Buffer.alloc(0)])
    expect(await (await putImage(id, wrong, editor)).json()).toMatchObject({ code: 'image-invalid' });
  expect((await putImage(id, Buffer.alloc(2 ** 20 + 1), editor)).status).toBe(413);
  expect((await harness.request('DELETE', `/api/series/${id}/image`, { token: editor })).status).toBe(204);
  expect((await harness.request('GET', `/api/series/${id}/image`)).status).toBe(404);
});

it('are changed by those who may edit all of their videos', async () => {
  const { id } = (await create({ title: 'Own' })).body;
  const editor = await addPerson({ role: 'editor', scope: { series: id } });
  const others = [
    await addPerson({ role: 'author', scope: 'everything' }),
    await addPerson({ role: 'editor', scope: { series: 'other' } }),
    await addPerson({ role: 'site-manager', scope: { site: site.id } }),
  ];
  const edit = async (token: string | null, changes: unknown = { title: 'Mine' }): Promise<number> =>
    (await harness.request('PATCH', `/api/series/${id}`, { token, body: changes })).status;
  expect(await edit(editor)).toBe(200);
  for (const token of others) expect(await edit(token)).toBe(403);
  expect(await edit(null)).toBe(401);
  expect((await harness.request('DELETE', `/api/series/${id}`, { token: editor })).status).toBe(403);
  expect((await create({ title: 'New' }, editor)).status).toBe(403);
  expect((await putImage(id, png(1, 1), others[0])).status).toBe(403);
  const { body } = await harness.request('GET', `/api/series/${id}/roles`);
  expect(body.people).toMatchObject([{ roles: [{ role: 'editor', scope: { series: id } }] }]);
});

it('count the videos that the reader may watch, however these change', async () => {
  const { id, ...rest } = (await create({ title: 'Counted' })).body as { id: SeriesId };
  expect(rest).toMatchObject({ videos: 0 });
  const viewer = await addPerson({ role: 'viewer', scope: 'everything' });
  const editor = await addPerson({ role: 'editor', scope: { series: id } });
  const counts = () => Promise.all([null, viewer, editor].map(token => countFor(id, token)));
  const records = [
    videoRecord({ series: { id } }),
    videoRecord({ series: { id }, visibility: 'private' }),
    videoRecord({ series: { id }, visibility: 'private', audience: 'internal' }),
    videoRecord({ series: { id }, visibility: 'private', audience: 'groups', groups: [newId()] }),
  ] as const;
  let version = 1;
  const put = async (record: VideoRecord | ReturnType<typeof tombstone>): Promise<void> => {
    site.put({ ...record, version: ++version });
    await site.collect();
  };
  for (const record of records) site.put({ ...record, version: ++version });
  await site.collect();
  expect(await counts()).toEqual([1, 2, 4]);
  const [open, secret, internal] = records;
  await put({ ...open, name: 'Renamed' });
  await put({ ...secret, visibility: undefined });
  expect(await counts()).toEqual([2, 3, 4]);
  await put({ ...internal, series: { id: 'elsewhere' } });
  await put(tombstone(open.video, 1));
  expect(await counts()).toEqual([1, 1, 2]);
  // A site that is revoked, and joins again.
  await harness.request('DELETE', `/api/sites/${site.id}`);
  expect(await counts()).toEqual([0, 0, 0]);
  const { body } = await harness.request('POST', `/api/sites/${site.id}/join-token`);
  site.key = await readOrMakeKey(join(harness.directory, 'another.key'));
  await site.join(site.id, body.joinToken);
  expect(await counts()).toEqual([1, 1, 2]);
});
