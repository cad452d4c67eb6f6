/** The list of videos contains exactly those that the viewer may watch, whatever the pages, and reads no others. */
import type { Kysely } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ENGINE, makeDatabase, type TestDatabase } from '../../../test/support/postgres/databases.ts';
import { videoRecord } from '../../../test/support/records.ts';
import { sha256Hex } from '../../kernel/identity/keys.ts';
import { openDatabase, sql } from '../../kernel/sql/sql.ts';
import { canonicalJson } from '../../protocol/base/canonical.ts';
import { newSiteId, newVideoId, type SiteId, type VideoId } from '../../protocol/base/ids.ts';
import { audienceOf } from '../../protocol/people/audience.ts';
import type { HeldPermission, Scope } from '../../protocol/people/permissions.ts';
import { mayWatch, type Viewer } from '../../protocol/people/viewing.ts';
import { type PublicationRecord, recordSchema, type VideoRecord } from '../../protocol/publication/record.ts';
import { checkRecord } from '../publication/offered-record.ts';
import { listVideos } from './catalogue.ts';
import { writeRecords } from './publication/write-records.ts';
import { type CentralSchema, migrations } from './schema.ts';

let test: TestDatabase;
let db: Kysely<CentralSchema>;
beforeEach(async () => {
  test = await makeDatabase();
  db = await openDatabase<CentralSchema>(test.place, migrations);
});
afterEach(async () => {
  await db.destroy();
  await test.drop();
});

const uuids = (count: number): string[] => Array.from({ length: count }, () => newVideoId());
const [sites, people, groups] = [
  [newSiteId(), newSiteId()] as const,
  uuids(2) as [string, string],
  uuids(3) as [string, string, string],
];
const SERIES = ['algebra', 'chemistry'] as const;

async function addSites(): Promise<void> {
  for (const id of sites) {
    await sql`insert into members (id, role, name, base_url, zone, policy, created_at, position, tracker_position)
      values (${id}, 'site', ${id}, 'http://127.0.0.1', '[]', '{}', 0, 0, 0)`.execute(db);
  }
}
let atMs = 0;
const write = (records: readonly { readonly site: SiteId; readonly record: PublicationRecord }[]) =>
  db.transaction().execute(tx =>
    writeRecords(
      tx,
      records.map(({ site, record }) => ({
        site,
        record: checkRecord({ record, hash: sha256Hex(canonicalJson(recordSchema.parse(record))) }),
        // Several videos have the same time.
        atMs: Math.floor(atMs++ / 3),
      })),
    ),
  );

/** Every audience, at each site, with and without series and owner. */
function makeVideos(): { readonly site: SiteId; readonly record: VideoRecord }[] {
  const audiences: readonly Partial<VideoRecord>[] = [
    {},
    { visibility: 'private' },
    { visibility: 'private', audience: 'internal' },
    { visibility: 'private', audience: 'groups', groups: [groups[0]] },
    { visibility: 'private', audience: 'groups', groups: [groups[1], groups[2]] },
  ];
  return sites.flatMap(site =>
    audiences.flatMap(audience =>
      [undefined, ...SERIES].flatMap(series =>
        [undefined, ...people].map(owner => ({
          site,
          record: videoRecord({
            ...audience,
            ...(series ? { series: { id: series } } : {}),
            ...(owner ? { owner: { id: owner, name: 'Li Na' } } : {}),
          }),
        })),
      ),
    ),
  );
}

const everywhere = (...permissions: HeldPermission['permission'][]): HeldPermission[] =>
  permissions.map(permission => ({ permission, scope: 'everything' }));
const within = (scope: Scope, ...permissions: HeldPermission['permission'][]): HeldPermission[] =>
  permissions.map(permission => ({ permission, scope }));
const viewer = (permissions: HeldPermission[], ofGroups: string[] = [], person?: string): Viewer => ({
  permissions,
  groups: ofGroups,
  ...(person ? { person: { id: person } } : {}),
});
const [A, B] = sites;
const VIEWERS: Readonly<Record<string, Viewer>> = {
  nobody: viewer([]),
  'a viewer of everything': viewer(everywhere('watch-internal')),
  'a viewer of one site': viewer(within({ site: A }, 'watch-internal')),
  'a viewer of one series': viewer(within({ series: 'algebra' }, 'watch-internal')),
  'a member of a group': viewer([], [groups[0]]),
  'a member of two groups of the same videos': viewer([], [groups[1], groups[2]]),
  'an owner who may not edit': viewer([], [], people[0]),
  'an owner at one site': viewer(within({ site: B }, 'edit-own', 'watch-internal'), [], people[0]),
  'an owner everywhere': viewer(everywhere('edit-own'), [groups[0]], people[1]),
  'an editor of a site': viewer(within({ site: B }, 'edit-any')),
  'an editor of a series': viewer(within({ series: 'chemistry' }, 'edit-any')),
  'an operator of a site': viewer(within({ site: A }, 'everything')),
  'an operator': viewer(everywhere('everything'), [groups[0]], people[0]),
  'a member of many groups': viewer(everywhere('watch-internal'), [...uuids(110), groups[2]]),
};

async function listAll(of: Viewer, limit: number, site?: SiteId): Promise<VideoId[]> {
  const found: VideoId[] = [];
  let before: { readonly at: number; readonly id: string } | undefined;
  for (;;) {
    const rows = await listVideos(db, { limit, site, viewer: of, before });
    const page = rows.slice(0, limit);
    found.push(...page.map(row => row.video_id));
    const last = page.at(-1);
    if (rows.length <= limit || !last) return found;
    before = { at: last.published_at, id: last.video_id };
  }
}

describe(`the list of videos (${ENGINE})`, () => {
  it('contains exactly the videos that a viewer may watch, newest first, each once', async () => {
    await addSites();
    const videos = makeVideos();
    await write(videos);
    for (const [name, of] of Object.entries(VIEWERS)) {
      for (const only of [undefined, A]) {
        const expected = videos
          .map(({ site, record }, at) => ({ site, record, at: Math.floor(at / 3) }))
          .filter(
            ({ site, record }) =>
              (only === undefined || site === only) &&
              mayWatch(of, {
                audience: audienceOf(record),
                groups: record.groups ?? [],
                site,
                series: record.series?.id,
                owner: record.owner?.id,
              }),
          )
          .sort((a, b) => b.at - a.at || (a.record.video < b.record.video ? 1 : -1))
          .map(({ record }) => record.video);
        expect(await listAll(of, 13, only), name).toEqual(expected);
      }
    }
  });

  it('follows the record: another audience, other groups, a withdrawal', async () => {
    await addSites();
    const member = viewer([], [groups[0]]);
    const record = videoRecord({ visibility: 'private', audience: 'groups', groups: [groups[0]] });
    const seen = () => listAll(member, 10);
    const change = (changes: Partial<VideoRecord>, version: number) =>
      write([{ site: A, record: { ...record, ...changes, version } }]);
    await change({}, 1);
    expect(await seen()).toEqual([record.video]);
    await change({ groups: [groups[1]] }, 2);
    expect(await seen()).toEqual([]);
    await change({ groups: [groups[1], groups[0]] }, 3);
    expect(await seen()).toEqual([record.video]);
    await change({ audience: undefined, groups: undefined }, 4);
    expect(await seen()).toEqual([]);
    await change({ audience: undefined, groups: undefined, visibility: undefined }, 5);
    expect(await seen()).toEqual([record.video]);
    // A record that names an audience is never public.
    await change({ visibility: undefined, audience: 'internal', groups: undefined }, 6);
    expect(await seen()).toEqual([]);
    await change({}, 7);
    await write([
      {
        site: A,
        record: {
          kind: 'tombstone',
          video: record.video,
          version: 8,
          withdrawnAt: '2024-05-02T08:00:00.000Z',
        },
      },
    ]);
    expect(await seen()).toEqual([]);
    expect(await db.selectFrom('video_groups').selectAll().execute()).toEqual([]);
    expect(
      await db.selectFrom('videos').select(['audience', 'owner_id', 'series_id']).executeTakeFirst(),
    ).toEqual({ audience: null, owner_id: null, series_id: null });
  });
});
