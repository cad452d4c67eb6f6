/** The search finds, ranks, counts and hides the same on both engines: the same expectations run on each of them. */
import type { Kysely } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type * as z from 'zod';
import { makeDatabase, type TestDatabase } from '../../../../test/support/postgres/databases.ts';
import { tombstone, videoRecord } from '../../../../test/support/records.ts';
import { sha256Hex } from '../../../kernel/identity/keys.ts';
import { openReaders } from '../../../kernel/sql/readers.ts';
import { openDatabase, sql } from '../../../kernel/sql/sql.ts';
import { canonicalJson } from '../../../protocol/base/canonical.ts';
import { newSiteId, newVideoId, type SiteId, type VideoId } from '../../../protocol/base/ids.ts';
import { videoQuerySchema } from '../../../protocol/catalogue/search.ts';
import type { Viewer } from '../../../protocol/people/viewing.ts';
import {
  type PublicationRecord,
  recordSchema,
  type VideoRecord,
} from '../../../protocol/publication/record.ts';
import { checkRecord } from '../../publication/offered-record.ts';
import { writeRecords } from '../publication/write-records.ts';
import { type CentralSchema, migrations } from '../schema.ts';
import { revoke } from '../sites.ts';
import { storeCaptions } from './captions.ts';
import { countVideosByFacet, findVideos, suggestVideos } from './find-videos.ts';
import { indexQueued, indexVideos } from './index-videos.ts';

let test: TestDatabase;
let db: Kysely<CentralSchema>;
let reads: Kysely<CentralSchema>;
let stop: () => Promise<void>;
const [site, otherSite] = [newSiteId(), newSiteId()];
const owner = { id: newVideoId() as string, name: 'Owner' };
const group = newVideoId() as string;

const NOBODY: Viewer = { permissions: [], groups: [] };
const EVERYONE: Viewer = { permissions: [{ permission: 'everything', scope: 'everything' }], groups: [] };

async function write(...records: PublicationRecord[]): Promise<void> {
  await db.transaction().execute(async tx => {
    await writeRecords(
      tx,
      records.map((record, at) => ({
        site: siteOf(record),
        record: checkRecord({ record, hash: sha256Hex(canonicalJson(recordSchema.parse(record))) }),
        atMs: clock + at,
      })),
    );
    clock += records.length;
    await indexVideos(
      tx,
      records.map(({ video }) => video),
    );
  });
}
let clock = 1_000;
const elsewhere = new Set<VideoId>();
function siteOf(record: PublicationRecord): SiteId {
  if (record.kind === 'video' && record.path.startsWith('other/')) elsewhere.add(record.video);
  return elsewhere.has(record.video) ? otherSite : site;
}

const names = new Map<VideoId, string>();
function make(name: string, changes: Partial<VideoRecord> = {}): VideoRecord {
  const record = videoRecord({ name, ...changes });
  names.set(record.video, name);
  return record;
}
async function find(query: z.input<typeof videoQuerySchema> | string, viewer = NOBODY): Promise<string[]> {
  const parsed = videoQuerySchema.parse(typeof query === 'string' ? { q: query } : query);
  const { items } = await findVideos(reads, parsed, viewer);
  return items.map(({ row }) => names.get(row.video_id) ?? '?');
}
const hitsOf = async (q: string) => {
  const { items } = await findVideos(reads, videoQuerySchema.parse({ q }), NOBODY);
  return items.map(({ hits = [] }) =>
    hits.map(({ in: member, text, marks, ...rest }) => [
      member,
      ...marks.map(([from, to]) => text.slice(from, to)),
      ...Object.values(rest),
    ]),
  );
};

const inSeries = make('Introduction', { series: { id: 'algebra' }, recordedAt: '2019-03-01T00:00:00.000Z' });
const lecture = make('Numbers', {
  language: 'en',
  recordedAt: '2020-03-01T00:00:00.000Z',
  durationMs: 3_600_000,
});
const talk = make('讲座一', { language: 'zh-Hant', durationMs: 600_000 });

beforeAll(async () => {
  test = await makeDatabase();
  db = await openDatabase<CentralSchema>(test.place, migrations);
  ({ reads, stop } = openReaders(db, test.place, { threads: 2 }));
  for (const [id, name] of [
    [site, 'Hangzhou'],
    [otherSite, 'Beijing'],
  ] as const)
    await sql`insert into members (id, role, name, base_url, zone, policy, created_at, position, tracker_position)
      values (${id}, 'site', ${name}, 'http://127.0.0.1', '[]', '{}', 0, 0, 0)`.execute(db);
  await sql`insert into series (id, title, description, sort_order, search_text, sort_text, created_at)
    values ('algebra', 'Quaternion algebra', '', 'position', '', '', 0)`.execute(db);
  await write(
    make('In fields', { fields: { room: 'quaternion hall', seats: 40 } }),
    make('In description', { description: `${'Long ago. '.repeat(40)}A quaternion has four parts.` }),
    make('In tags', { tags: ['quaternion'] }),
    inSeries,
    make('In people', { people: [{ name: 'Quaternion Smith', role: 'speaker' }] }),
    make('A quaternion'),
    make('Café au lait'),
    make('Cafe culture'),
    make('機器學習導論'),
    make('机器学习入门', { tags: ['教学'] }),
    make('ＦＵＬＬ ｗｉｄｔｈ ｶﾞｲﾄﾞ'),
    make('Ёлка и Ελλάδα'),
    lecture,
    talk,
    make('Elsewhere quaternion', { path: 'other/a.mp4' }),
  );
  await db.transaction().execute(async tx => {
    await storeCaptions(tx, {
      video: lecture.video,
      revision: lecture.revision,
      language: 'en',
      cues: [
        { startMs: 1_000, endMs: 2_000, text: 'Welcome to this lecture.' },
        { startMs: 61_500, endMs: 63_000, text: 'A quaternion is a number,' },
        { startMs: 63_000, endMs: 65_000, text: 'and Hamilton found it on a bridge.' },
      ],
    });
    await storeCaptions(tx, {
      video: talk.video,
      revision: talk.revision,
      language: 'zh',
      cues: [{ startMs: 5_000, endMs: 6_000, text: '今天我們討論傅立葉變換。' }],
    });
  });
});
afterAll(async () => {
  await stop();
  await db.destroy();
  await test.drop();
});

it('ranks by the member that matches, then the newest first', async () => {
  expect(await find('quaternion')).toEqual([
    'Elsewhere quaternion',
    'A quaternion',
    'In people',
    'Introduction',
    'In tags',
    'In description',
    'In fields',
    'Numbers',
  ]);
  expect(await find({ q: 'quaternion', order: 'newest' })).toEqual([
    'Elsewhere quaternion',
    'Numbers',
    'A quaternion',
    'In people',
    'Introduction',
    'In tags',
    'In description',
    'In fields',
  ]);
});

it('folds case, width, diacritics and traditional characters, with exact spellings first', async () => {
  expect(await find('Cafe')).toEqual(['Cafe culture', 'Café au lait']);
  expect(await find('Café')).toEqual(['Café au lait', 'Cafe culture']);
  expect(await find('学习')).toEqual(['机器学习入门', '機器學習導論']);
  expect(await find('學習')).toEqual(['機器學習導論', '机器学习入门']);
  expect(await find('机')).toEqual(['机器学习入门', '機器學習導論']);
  expect(await find('full WIDTH')).toEqual(['ＦＵＬＬ ｗｉｄｔｈ ｶﾞｲﾄﾞ']);
  expect(await find('ガイド')).toEqual(['ＦＵＬＬ ｗｉｄｔｈ ｶﾞｲﾄﾞ']);
  expect(await find('елка ελλαδα')).toEqual(['Ёлка и Ελλάδα']);
  expect(await find('傅里叶')).toEqual([]);
  expect(await find('傅立叶变换')).toEqual(['讲座一']);
});

it('finds beginnings of the last word, phrases, and nothing for nothing', async () => {
  expect(await find('cultu')).toEqual(['Cafe culture']);
  expect(await find('cultu cafe')).toEqual([]);
  expect(await find('"quaternion is a number"')).toEqual(['Numbers']);
  expect(await find('"number and hamilton"')).toEqual(['Numbers']);
  expect(await find('"is quaternion a"')).toEqual([]);
  expect(await find('"four parts"')).toEqual(['In description']);
  for (const q of [
    'nothinglikethis',
    '“”',
    '!?',
    "' OR 1=1 --",
    '"unbalanced cafe',
    'NOT AND OR',
    '\u0000',
    '🙂',
  ])
    expect(await find(q)).toEqual(q.includes('cafe') ? [] : []);
  expect(await find(' ')).toHaveLength(15);
});

it('shows where it matches, in the original text, and when in captions', async () => {
  expect(await hitsOf('quaternion')).toEqual([
    [['name', 'quaternion']],
    [['name', 'quaternion']],
    [['people', 'Quaternion']],
    [['series', 'Quaternion']],
    [['tags', 'quaternion']],
    [['description', 'quaternion']],
    [['fields', 'quaternion']],
    [['captions', 'quaternion', 61_500, 'en']],
  ]);
  expect(await hitsOf('傅立叶变换')).toEqual([[['captions', '傅立葉變換', 5_000, 'zh']]]);
  expect(await hitsOf('ガイド')).toEqual([[['name', 'ｶﾞｲﾄﾞ']]]);
});

it('filters, orders and pages', async () => {
  expect(await find({ tag: 'Quaternion' })).toEqual(['In tags']);
  expect(await find({ person: 'quaternion SMITH' })).toEqual(['In people']);
  expect(await find({ series: 'algebra' })).toEqual(['Introduction']);
  expect(await find({ site: otherSite, q: 'quaternion' })).toEqual(['Elsewhere quaternion']);
  expect(await find({ language: 'zh' })).toEqual(['讲座一']);
  expect(await find({ language: 'zh-hant' })).toEqual(['讲座一']);
  expect(await find({ year: 2020 })).toEqual(['Numbers']);
  expect(await find({ minS: 600, maxS: 3_600 })).toEqual(['讲座一', 'Numbers']);
  expect(await find({ minS: 601, maxS: 3_599 })).toEqual([]);
  expect(await find({ minS: 601 })).toEqual(['Numbers']);
  expect(await find({ captions: 'true' })).toEqual([]);
  expect((await find({ order: 'recorded' })).slice(-2)).toEqual(['Numbers', 'Introduction']);
  expect((await find({ order: 'title' })).slice(0, 4)).toEqual([
    'A quaternion',
    'Café au lait',
    'Cafe culture',
    'Elsewhere quaternion',
  ]);
  expect(await find({ q: 'quaternion', order: 'title' })).toEqual([
    'A quaternion',
    'Elsewhere quaternion',
    'In description',
    'In fields',
    'In people',
    'In tags',
    'Introduction',
    'Numbers',
  ]);
  await sql`insert into play_counts (video_id, week_plays, due_day) values (${talk.video}, 3, 0), (${lecture.video}, 9, 0)`.execute(
    db,
  );
  expect((await find({ order: 'played' })).slice(0, 3)).toEqual([
    'Numbers',
    '讲座一',
    'Elsewhere quaternion',
  ]);
  for (const order of ['relevance', 'newest', 'recorded', 'played', 'title'] as const) {
    for (const q of ['quaternion', undefined]) {
      const whole = await find({ order, q });
      const pages: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await findVideos(reads, videoQuerySchema.parse({ order, q, limit: 3, cursor }), NOBODY);
        pages.push(...page.items.map(({ row }) => names.get(row.video_id) ?? '?'));
        expect(page.items.length).toBeGreaterThan(0);
        cursor = page.next;
      } while (cursor !== undefined);
      expect(pages, `${order} ${q}`).toEqual(whole);
    }
  }
  await expect(find({ order: 'title', cursor: 'bm9uZQ' })).rejects.toMatchObject({ code: 'cursor-invalid' });
});

it('hides what a viewer may not find, in lists, counts and suggestions, and forgets withdrawn videos', async () => {
  const hidden = [
    make('Secret zeppelin', {
      visibility: 'private',
      owner,
      tags: ['zeppelin'],
      people: [{ name: 'Zeppelin Jones' }],
    }),
    make('Internal zeppelin', { visibility: 'private', audience: 'internal' }),
    make('Group zeppelin', { visibility: 'private', audience: 'groups', groups: [group] }),
    make('Other zeppelin', { visibility: 'private', path: 'other/b.mp4' }),
  ];
  await write(...hidden);
  const viewers: Record<string, Viewer> = {
    nobody: NOBODY,
    everyone: EVERYONE,
    inside: { permissions: [{ permission: 'watch-internal', scope: 'everything' }], groups: [] },
    owner: {
      permissions: [{ permission: 'edit-own', scope: 'everything' }],
      groups: [],
      person: { id: owner.id },
    },
    member: { permissions: [], groups: [group] },
    editor: { permissions: [{ permission: 'edit-any', scope: { site: otherSite } }], groups: [] },
  };
  const seen: Record<string, string[]> = {
    nobody: [],
    everyone: ['Other zeppelin', 'Group zeppelin', 'Internal zeppelin', 'Secret zeppelin'],
    inside: ['Internal zeppelin'],
    owner: ['Secret zeppelin'],
    member: ['Group zeppelin'],
    editor: ['Other zeppelin'],
  };
  const totals: Record<string, number> = {};
  for (const [name, viewer] of Object.entries(viewers)) {
    const expected = seen[name] ?? [];
    expect(await find('zeppelin', viewer), name).toEqual(expected);
    for (const order of ['newest', 'title', 'recorded', 'played'] as const)
      expect(
        (await find({ order }, viewer)).filter(each => each.includes('zeppelin')).sort(),
        `${name} ${order}`,
      ).toEqual([...expected].sort());
    expect((await countVideosByFacet(reads, { q: 'zeppelin' }, viewer)).total, name).toBe(expected.length);
    const facets = await countVideosByFacet(reads, {}, viewer);
    totals[name] = facets.total;
    expect(
      facets.values.tag.some(({ value }) => value === 'zeppelin'),
      name,
    ).toBe(expected.includes('Secret zeppelin'));
    const suggested = await suggestVideos(reads, 'zepp', viewer);
    expect(
      suggested.filter(({ kind }) => kind === 'video').map(({ text }) => text),
      name,
    ).toEqual(expected);
    expect(
      suggested.some(({ kind }) => kind === 'person'),
      name,
    ).toBe(expected.includes('Secret zeppelin'));
  }
  expect(totals).toEqual({ nobody: 15, everyone: 19, inside: 16, owner: 16, member: 16, editor: 16 });

  await write(...hidden.map(({ video }) => tombstone(video, 2)));
  expect(await find('zeppelin', EVERYONE)).toEqual([]);
  expect((await countVideosByFacet(reads, {}, EVERYONE)).total).toBe(15);
  expect(
    await db.selectFrom('search_counts').select('value').where('value', '=', 'tzeppelin').execute(),
  ).toEqual([]);
});

it('counts facets, and suggests names of videos, people and series', async () => {
  const facets = await countVideosByFacet(reads, { q: 'quaternion' }, NOBODY);
  expect(facets.values.site).toEqual([
    { value: site, count: 7 },
    { value: otherSite, count: 1 },
  ]);
  expect(facets.values.year).toEqual([
    { value: '2024', count: 6 },
    { value: '2019', count: 1 },
    { value: '2020', count: 1 },
  ]);
  expect(facets.values.length).toEqual([
    { value: '0-299', count: 7 },
    { value: '3600-7199', count: 1 },
  ]);
  expect([facets.total, facets.atLeast]).toEqual([8, false]);
  const whole = await countVideosByFacet(reads, {}, NOBODY);
  expect([whole.total, whole.values.language]).toEqual([
    15,
    [
      { value: 'en', count: 1 },
      { value: 'zh-hant', count: 1 },
    ],
  ]);
  expect((await suggestVideos(reads, 'quat', NOBODY)).map(({ kind, text }) => `${kind} ${text}`)).toEqual([
    'person Quaternion Smith',
    'series Quaternion algebra',
    'video Elsewhere quaternion',
    'video A quaternion',
  ]);
  expect((await suggestVideos(reads, '机', NOBODY)).map(({ text }) => text)).toEqual([
    '机器学习入门',
    '機器學習導論',
  ]);
});

it('an edit moves a video, and keeps its captions and its place', async () => {
  await write({ ...lecture, version: 2, name: 'Bridges', tags: ['hamilton'] });
  names.set(lecture.video, 'Bridges');
  expect(await find('hamilton')).toEqual(['Bridges']);
  expect(await find('numbers')).toEqual([]);
  expect((await find({ q: 'quaternion', order: 'newest' })).slice(0, 2)).toEqual([
    'Elsewhere quaternion',
    'Bridges',
  ]);
});

it('indexes queued videos as if they had always been there, and forgets those of revoked sites', async () => {
  const before = await find('quaternion');
  await db.transaction().execute(async tx => {
    const rows = await tx.selectFrom('search_documents').select(['video_id', 'seq']).execute();
    await tx
      .insertInto('search_queue')
      .values(rows.map(({ video_id, seq }) => ({ video_id, seq })))
      .execute();
    const all = rows.map(({ video_id }) => ({ video: video_id, document: undefined }));
    const { writeDocuments } = await import('../../../kernel/search/database/write.ts');
    const { searchTables } = await import('../../../kernel/search/database/tables.ts');
    await writeDocuments(searchTables(tx), all);
  });
  expect(await find('quaternion')).toEqual([]);
  while (await indexQueued(db, 4));
  expect(await find('quaternion')).toEqual(before);
  expect((await countVideosByFacet(reads, {}, NOBODY)).total).toBe(15);

  await revoke(db, { role: 'site', id: otherSite }, 5);
  expect(await find('elsewhere')).toEqual([]);
  while (await indexQueued(db, 4));
  expect((await countVideosByFacet(reads, {}, NOBODY)).total).toBe(14);
});
