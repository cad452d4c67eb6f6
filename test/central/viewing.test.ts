/** Grants that central issues by itself: to those who may watch a video, once for each viewing, and no longer than their right lasts. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { notePeopleChange } from '../../src/central/database/people/changes.ts';
import { insertLink } from '../../src/central/database/people/links.ts';
import { type CentralDatabase, type CentralSchema, migrations } from '../../src/central/database/schema.ts';
import { issueViewingGrant } from '../../src/central/rights/viewing.ts';
import { ANONYMOUS, type Authority } from '../../src/kernel/access/authority.ts';
import { call } from '../../src/kernel/http/client.ts';
import { sha256Hex } from '../../src/kernel/identity/keys.ts';
import { openDatabase } from '../../src/kernel/sql/sql.ts';
import { newId, newVideoId, type VideoId } from '../../src/protocol/base/ids.ts';
import type { Assignment, HeldPermission, RoleName, Scope } from '../../src/protocol/people/permissions.ts';
import type { VideoRecord } from '../../src/protocol/publication/record.ts';
import { rightsPageSchema } from '../../src/protocol/rights.ts';
import { type CentralHarness, startCentralHarness } from '../support/central-harness.ts';
import { eventually } from '../support/eventually.ts';
import { insertPerson, insertSession, insertToken } from '../support/people.ts';
import { videoRecord } from '../support/records.ts';
import type { TestSite } from '../support/test-site.ts';

let harness: CentralHarness;
let db: CentralDatabase;
let site: TestSite;
async function start(settings: Record<string, unknown> = {}): Promise<void> {
  harness = await startCentralHarness(settings);
  db = await openDatabase<CentralSchema>(harness.database.place, migrations);
  site = await harness.addSite('a');
}
beforeEach(() => start());
afterEach(async () => {
  await db.destroy();
  await harness.stop();
});

interface TestPerson {
  readonly id: string;
  readonly token: string;
  readonly tokenId: string;
}
async function addPerson(role?: RoleName, scope: Scope = 'everything'): Promise<TestPerson> {
  const [id, tokenId] = [newId(), newId()];
  const token = `trib_${newId().replaceAll('-', '').padEnd(43, 'A')}`;
  const roles: readonly Assignment[] = role ? [{ role, scope }] : [];
  const common = { name: 'Li Na', created_at: 0 };
  await db
    .insertInto('people')
    .values({
      ...common,
      id,
      email: null,
      disabled: 0,
      password: null,
      roles: JSON.stringify(roles),
      search_text: 'li na',
      signed_in_at: null,
    })
    .execute();
  await db
    .insertInto('api_tokens')
    .values({
      ...common,
      id: tokenId,
      person_id: id,
      secret_hash: sha256Hex(token),
      permissions: null,
      expires_at: Date.now() + 3_600_000,
      last_used_at: null,
      revoked_at: null,
    })
    .execute();
  return { id, token, tokenId };
}
async function addGroup(...members: readonly TestPerson[]): Promise<string> {
  const id = newId();
  await db
    .insertInto('groups')
    .values({ id, name: id, source: 'local', roles: '[]', created_at: 0, claim: null, issuer: '' } as never)
    .execute();
  for (const { id: person } of members)
    await db.insertInto('group_members').values({ group_id: id, person_id: person, issuer: '' }).execute();
  return id;
}
const note = (person: string): Promise<void> =>
  db.transaction().execute(tx => notePeopleChange(tx, { person }, Date.now()));

/** The secret of a link with which another person signs in. */
async function linkOfAnother(): Promise<string> {
  const secret = newId();
  await insertLink(db, {
    secret_hash: sha256Hex(secret),
    kind: 'sign-in',
    person_id: await insertPerson(db),
    created_by: null,
    created_at: Date.now(),
    expires_at: Date.now() + 60_000,
  });
  return secret;
}

const INTERNAL = { visibility: 'private', audience: 'internal' } as const;
async function publish(changes: Partial<VideoRecord>): Promise<VideoRecord> {
  const record = site.put(videoRecord(changes));
  await site.collect();
  return record as VideoRecord;
}
const view = (video: VideoId, token: string | null) =>
  harness.request('POST', `/api/videos/${video}/viewing`, { token });
const find = (video: VideoId, token: string | null, query = '') =>
  harness.request('GET', `/api/videos/${video}${query}`, { token });
const listed = async (token: string | null): Promise<string[]> =>
  (await harness.request('GET', '/api/videos?q=lecture', { token })).body.videos.map(
    ({ id }: { id: string }) => id,
  );

describe('a viewer who may watch a video', () => {
  it('gets a grant for it, and the same one again', async () => {
    const { video } = await publish(INTERNAL);
    const person = await addPerson('viewer');
    const first = await view(video, person.token);
    expect([first.status, first.headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(Date.parse(first.body.expiresAt) - Date.now()).toBeLessThanOrEqual(12 * 3_600_000);
    expect((await view(video, person.token)).body).toEqual(first.body);
    expect((await find(video, null, `?grant=${first.body.grant}`)).body).toMatchObject({
      audience: 'internal',
      visibility: 'private',
    });
    // The list of links does not contain it, and revoking all links leaves it valid.
    expect((await harness.request('GET', `/api/videos/${video}/grants`)).body.grants).toEqual([]);
    expect((await harness.request('DELETE', `/api/videos/${video}/grants`)).body).toEqual({ revoked: 0 });
    expect((await view(video, (await addPerson('viewer')).token)).body.grant).not.toBe(first.body.grant);
    expect((await harness.request('POST', `/api/videos/${video}/viewing`)).status).toBe(200);
  });

  it('is one of the audience: everyone else gets what an unknown id gets', async () => {
    const [member, owner, unrelated] = [await addPerson(), await addPerson('author'), await addPerson()];
    const [viewer, elsewhere] = [await addPerson('viewer'), await addPerson('editor', { series: 'x' })];
    const editor = await addPerson('editor', { site: site.id });
    const group = await addGroup(member);
    const own = { owner: { id: owner.id, name: 'Li Na' } };
    const videos = {
      internal: (await publish({ ...INTERNAL, ...own })).video,
      groups: (await publish({ visibility: 'private', audience: 'groups', groups: [group], ...own })).video,
      private: (await publish({ visibility: 'private', ...own })).video,
    };
    const all = Object.keys(videos);
    const expected: [string, string | null, readonly string[]][] = [
      ['nobody', null, []],
      ['unrelated', unrelated.token, []],
      ['elsewhere', elsewhere.token, []],
      ['viewer', viewer.token, ['internal']],
      ['member', member.token, ['groups']],
      ['owner', owner.token, all],
      ['editor', editor.token, all],
    ];
    const headersOf = ({ headers }: { headers: Headers }) => [...headers].filter(([name]) => name !== 'date');
    for (const [name, token, seen] of expected) {
      const [noVideo, noViewing] = [await find(newVideoId(), token), await view(newVideoId(), token)];
      expect(new Set(await listed(token)), name).toEqual(
        new Set(seen.map(audience => videos[audience as keyof typeof videos])),
      );
      for (const [audience, video] of Object.entries(videos)) {
        const [found, viewing] = [await find(video, token), await view(video, token)];
        if (seen.includes(audience)) {
          expect([found.status, viewing.status], `${name} ${audience}`).toEqual([200, 200]);
          continue;
        }
        for (const [response, unknown] of [
          [found, noVideo],
          [viewing, noViewing],
        ] as const) {
          expect([response.status, response.body], `${name} ${audience}`).toEqual([404, unknown.body]);
          expect(headersOf(response)).toEqual(headersOf(unknown));
        }
      }
    }
    const open = await publish({});
    expect((await view(open.video, viewer.token)).body.code).toBe('video-public');
    // Nobody learns from the numbers of a site how many videos are hidden.
    const { body } = await harness.request('GET', '/api/sites', { token: viewer.token });
    expect(body.sites[0]).toMatchObject({ videos: 1, copies: 0 });
    expect(body.sites[0].publication.completeRecords).toBeUndefined();
    expect((await harness.request('GET', '/api/sites', { token: editor.token })).body.sites[0].videos).toBe(
      1,
    );
    expect((await harness.request('GET', '/api/sites')).body.sites[0].videos).toBe(4);
  });

  it('with a limited token watches as a member of groups only if the token has watch-internal', async () => {
    const person = await addPerson('author');
    const group = await addGroup(person);
    const { video } = await publish({ visibility: 'private', audience: 'groups', groups: [group] });
    const statusWith = async (...permissions: readonly HeldPermission[]): Promise<number> => {
      const { token } = await insertToken(db, person.id, { permissions });
      expect(await listed(token)).toHaveLength((await find(video, token)).status === 200 ? 1 : 0);
      return (await view(video, token)).status;
    };
    expect((await view(video, person.token)).status).toBe(200);
    expect(await statusWith({ permission: 'watch-internal', scope: 'everything' })).toBe(200);
    expect(await statusWith({ permission: 'everything', scope: 'everything' })).toBe(200);
    expect(await statusWith({ permission: 'upload', scope: 'everything' })).toBe(404);
    expect(await statusWith({ permission: 'watch-internal', scope: { series: 'x' } })).toBe(404);
    expect(await statusWith()).toBe(404);
  });

  it.each(['poster.jpg', 'storyboard.vtt'])(
    'sees its %s at a tracker, with a grant if it needs one, and no page of another origin does',
    async file => {
      const [shown, open] = [await publish(INTERNAL), await publish({})];
      const [viewer, unrelated] = [await addPerson('viewer'), await addPerson()];
      const imageOf = async (video: VideoId, token: string) => {
        const response = await fetch(`${harness.url}/api/videos/${video}/${file}`, {
          redirect: 'manual',
          headers: { authorization: `Bearer ${token}` },
        });
        const { headers } = response;
        expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
        return [response.status, headers.get('location'), headers.get('cache-control')];
      };
      expect(await imageOf(shown.video, viewer.token)).toEqual([503, null, 'no-store']);
      await harness.addTracker('t');
      const { grant } = (await view(shown.video, viewer.token)).body;
      const at = (video: VideoId) =>
        expect.stringMatching(new RegExp(`^http://127.0.0.1:\\d+/go/${video}/${file}`));
      const cached = 'private, max-age=60';
      const [status, location, cache] = await imageOf(shown.video, viewer.token);
      expect([status, location, cache]).toEqual([302, at(shown.video), cached]);
      expect(new URL(String(location)).searchParams.get('grant')).toBe(grant);
      expect(await imageOf(open.video, unrelated.token)).toEqual([302, at(open.video), cached]);
      expect((await imageOf(open.video, unrelated.token))[1]).not.toContain('grant');
      expect(await imageOf(shown.video, unrelated.token)).toEqual([404, null, 'no-store']);
      expect(await imageOf(newVideoId(), viewer.token)).toEqual([404, null, 'no-store']);
    },
  );

  it('may not make links without the permission, and finds out nothing about hidden videos', async () => {
    const shown = (await publish(INTERNAL)).video;
    const hidden = (await publish({ visibility: 'private' })).video;
    const [viewer, editor] = [await addPerson('viewer'), await addPerson('editor', { site: site.id })];
    const requests = (video: VideoId) =>
      [
        ['POST', `/api/videos/${video}/grants`, { lifetimeS: 600 }],
        ['GET', `/api/videos/${video}/grants`, undefined],
        ['DELETE', `/api/videos/${video}/grants`, undefined],
        ['DELETE', `/api/videos/${video}/grants/0123456789abcdef`, undefined],
      ] as const;
    const codesFor = async (video: VideoId, token: string | null): Promise<string[]> => {
      const codes: string[] = [];
      for (const [method, path, body] of requests(video))
        codes.push((await harness.request(method, path, { token, body })).body.code ?? 'done');
      return codes;
    };
    expect(new Set(await codesFor(shown, viewer.token))).toEqual(new Set(['not-permitted']));
    expect(new Set(await codesFor(hidden, viewer.token))).toEqual(new Set(['video-unknown']));
    expect(new Set(await codesFor(newVideoId(), viewer.token))).toEqual(new Set(['video-unknown']));
    for (const video of [shown, hidden, newVideoId()])
      expect(new Set(await codesFor(video, null))).toEqual(new Set(['sign-in-needed']));
    expect(await codesFor(hidden, editor.token)).toEqual(['done', 'done', 'done', 'grant-unknown']);
  });
});

describe('a grant of a viewer is revoked', () => {
  /** Resolves when members learn that this many grants were revoked. */
  const untilRevoked = (count: number): Promise<unknown> =>
    eventually(`${count} grants are revoked`, async () => {
      const { revoked } = await call(`${harness.central.url}/api/rights?after=0`, {
        signer: site.signer,
        timeoutMs: 30_000,
        maxBytes: 2 ** 20,
        response: rightsPageSchema,
      });
      return revoked.length === count;
    });

  it.each([
    [
      'the person is disabled',
      async ({ id }: TestPerson) => {
        await db.updateTable('people').set({ disabled: 1 }).where('id', '=', id).execute();
        await note(id);
      },
    ],
    [
      'the person loses the role',
      async ({ id }: TestPerson) => {
        await db.updateTable('people').set({ roles: '[]' }).where('id', '=', id).execute();
        await note(id);
      },
    ],
    [
      'the token is revoked',
      async ({ tokenId }: TestPerson) => {
        await db.updateTable('api_tokens').set({ revoked_at: 1 }).where('id', '=', tokenId).execute();
        await db.transaction().execute(tx => notePeopleChange(tx, { credential: tokenId }, Date.now()));
      },
    ],
  ] as const)('when %s', async (_, change) => {
    const { video } = await publish(INTERNAL);
    const [person, other] = [await addPerson('viewer'), await addPerson('viewer')];
    const { grant } = (await view(video, person.token)).body;
    await view(video, other.token);
    await change(person);
    // Central itself would notify of its change.
    await publish({});
    await untilRevoked(1);
    expect((await find(video, null, `?grant=${grant}`)).body.code).toBe('grant-revoked');
    expect((await view(video, other.token)).status).toBe(200);
  });

  it.each(['signs out', 'ends all sessions', 'signs in as somebody else'])(
    'when the person %s',
    async how => {
      const { video } = await publish(INTERNAL);
      const { id } = await addPerson('viewer');
      const session = await insertSession(db, id);
      const asPerson = { ...session.headers, origin: harness.url };
      const viewing = await fetch(`${harness.url}/api/videos/${video}/viewing`, {
        method: 'POST',
        headers: asPerson,
      });
      const { grant } = (await viewing.json()) as { grant: string };
      const [method, path, body] = {
        'signs out': ['POST', '/api/sign-out'],
        'ends all sessions': ['DELETE', `/api/people/${id}/sessions`],
        'signs in as somebody else': ['POST', '/api/sign-in/link', { link: await linkOfAnother() }],
      }[how] ?? ['', ''];
      const response = await fetch(`${harness.url}${path}`, {
        method: String(method),
        headers: { ...asPerson, ...(body ? { 'content-type': 'application/json' } : {}) },
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
      expect(response.status).toBe(204);
      await untilRevoked(1);
      expect((await find(video, null, `?grant=${grant}`)).body.code).toBe('grant-revoked');
    },
  );

  it('at once, and members are woken, if the right ended while the grant was issued', async () => {
    const { video } = await publish(INTERNAL);
    const person = await addPerson();
    const viewer: Authority = {
      ...ANONYMOUS,
      person: { id: person.id, name: 'Li Na' },
      via: 'token',
      credential: { id: person.tokenId, expiresMs: Date.now() + 60_000 },
    };
    const config = { breakGlass: true, houseNetworks: [] };
    let woken = 0;
    const changes = { notify: () => void woken++ };
    const issued = await issueViewingGrant(
      { db, config, changes },
      viewer,
      { id: video, durationMs: 60_000 },
      Date.now(),
    );
    expect([issued, woken]).toEqual([undefined, 1]);
    await untilRevoked(1);
  });

  it('when the video has another audience', async () => {
    const record = await publish(INTERNAL);
    const person = await addPerson('viewer');
    const { grant } = (await view(record.video, person.token)).body;
    site.put({ ...record, audience: undefined, version: 2 } as VideoRecord);
    await site.collect();
    await untilRevoked(1);
    expect((await find(record.video, null, `?grant=${grant}`)).body.code).toBe('grant-revoked');
    expect((await view(record.video, person.token)).status).toBe(404);
  });
});

describe('a viewer in a house network', () => {
  it('watches internal videos, and only through names of central and its own pages', async () => {
    await db.destroy();
    await harness.stop();
    await start({ houseNetworks: ['127.0.0.0/8'], hosts: ['video.internal:8080'] });
    const internal = (await publish(INTERNAL)).video;
    const hidden = (await publish({ visibility: 'private' })).video;
    expect(await listed(null)).toEqual([internal]);
    expect([(await find(internal, null)).status, (await find(hidden, null)).status]).toEqual([200, 404]);
    const first = await view(internal, null);
    expect(first.status).toBe(200);
    expect((await view(internal, null)).body).toEqual(first.body);
    expect((await view(hidden, null)).status).toBe(404);
    const from = (headers: Record<string, string>) =>
      harness.request('GET', `/api/videos/${internal}`, { token: null, headers });
    // A page of another origin may read the responses of central, so the network does not count for its requests.
    expect((await from({ origin: 'https://evil.example' })).status).toBe(404);
    expect((await from({ 'sec-fetch-site': 'cross-site' })).status).toBe(404);
    const anonymous = await addPerson();
    expect((await find(internal, anonymous.token)).status).toBe(404);
  });
});
