/**
 * An author tries to withdraw or hide another person's video by every route of every part, with a session and with an API token, also
 * while the site is disconnected. Each attempt is refused and leaves one entry in the audit log of central; the video stays.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newVideoId } from '../../src/protocol/base/ids.ts';
import type { AuditEntry } from '../../src/protocol/people/audit.ts';
import { eventually } from '../support/eventually.ts';
import { fill } from './requests.ts';
import type { Part } from './routes.ts';
import { type Actor, type Headers, type Scene, SERIES, START_MS, startScene } from './scene.ts';
import { send } from './send.ts';

interface Attempt {
  readonly part: Part;
  /** Method and path. */
  readonly request: string;
  readonly body?: unknown;
  readonly headers?: Headers;
  /** Default: 403. */
  readonly outcome?: string;
  /** The request in the audit log, if it is another. */
  readonly recorded?: string;
}
const TUS = { 'tus-resumable': '1.0.0' };
const HIDDEN = '404 video-unknown';
const EPOCH = { number: 1, start: 'n'.repeat(22) };
/** A video that its site does not have. */
const elsewhere = newVideoId();

const AT_SITE: readonly Omit<Attempt, 'part'>[] = [
  { request: 'DELETE /api/videos/{video}' },
  { request: 'PATCH /api/videos/{video}', body: { audience: 'private' } },
  { request: 'POST /api/videos/{video}/send-back', body: { comment: 'x' } },
  { request: 'DELETE /api/uploads/{video}', headers: TUS },
  { request: 'DELETE /api/uploads/{upload}', headers: TUS },
  {
    request: 'POST /api/uploads/{withdrawn}',
    headers: { ...TUS, 'x-http-method-override': 'DELETE' },
    recorded: 'DELETE /api/uploads/{withdrawn}',
  },

  { request: 'POST /api/jobs/{job}/cancel' },
];
/** A private video: the author may not know of it. */
const HIDDEN_AT_SITE: readonly Omit<Attempt, 'part'>[] = [
  { request: 'DELETE /api/videos/{hidden}', outcome: HIDDEN },
  { request: 'PATCH /api/videos/{hidden}', body: { name: 'x' }, outcome: HIDDEN },
  { request: 'DELETE /api/uploads/{hidden}', headers: TUS, outcome: '404 upload-unknown' },
];
/** These are other ways to hide a video from its viewers, or to own it first. */
const EDITS = [
  { owner: { id: '{self}' } },
  { series: null },
  { series: { id: SERIES } },
  { audience: 'groups', groups: ['{unknown}'] },
];
const MEMBER_CALLS: readonly Attempt[] = [
  { part: 'site', request: 'POST /gateway/published', body: { epoch: EPOCH, published: [] } },
  { part: 'site', request: 'GET /gateway/records' },
  { part: 'central', request: 'POST /api/signals' },
  { part: 'central', request: 'POST /api/handshakes' },
  { part: 'central', request: 'POST /api/audit-events' },
  { part: 'central', request: 'GET /api/withdrawals/feed?after=0' },
];
const AT_CENTRAL: readonly Omit<Attempt, 'part'>[] = [
  { request: 'DELETE /api/sites/{site}' },
  { request: 'POST /api/sites/{site}/lost' },
  { request: 'PATCH /api/sites/{site}', body: { policy: { weight: 0 } } },
  { request: 'POST /api/sites/{site}/join-token' },
  { request: 'POST /api/placement-rules', body: {} },
  { request: 'DELETE /api/placement-rules/x' },
  { request: 'POST /api/rights/rotate', body: { keepS: 0 } },
  { request: 'POST /api/videos/{video}/grants', body: { lifetimeS: 60, note: '' } },
  { request: 'DELETE /api/videos/{video}/grants' },
  // The author may not know of this video.
  { request: 'DELETE /api/videos/{hidden}/grants', outcome: HIDDEN },
];

let scene: Scene;
let author: Actor;
let outsider: Actor;
beforeAll(async () => {
  scene = await startScene([
    ['author', 'site'],
    ['author', 'other site'],
  ]);
  [author, outsider] = scene.actors as [Actor, Actor];
  // Publication runs in the background, and a later version would look like a change by the author.
  await eventually('everything is published', async () => {
    const { records, central } = await readVideos();
    return records.every(({ body }) => central.some(video => video.body === body));
  });
}, START_MS);
afterAll(() => scene?.stop());

async function attempt(headers: Headers, { part, request, body, ...more }: Attempt): Promise<string> {
  const [method = '', path = ''] = fill(request, scene, scene.others).split(' ');
  const text = body === undefined ? undefined : fill(JSON.stringify(body), scene, scene.others);
  const sent = await send(method, scene.urls[part] + path, {
    headers: { ...(text ? { 'content-type': 'application/json' } : {}), ...more.headers, ...headers },
    body: text?.replace('{self}', author.person),
  });
  return sent.outcome;
}

const COLUMNS = [
  ...(['id', 'name', 'state', 'approval', 'private', 'audience'] as const),
  ...(['groups', 'owner_id', 'series_id'] as const),
] as const;
/** What the site and central have of the videos. */
const readVideos = async () => ({
  rows: await scene.siteDb.selectFrom('videos').select(COLUMNS).orderBy('id').execute(),
  records: await scene.siteDb
    .selectFrom('records')
    .select(['video_id', 'body'])
    .orderBy('video_id')
    .execute(),
  uploads: await scene.siteDb.selectFrom('uploads').selectAll().orderBy('id').execute(),
  central: await scene.db.selectFrom('videos').selectAll().orderBy('video_id').execute(),
  members: await scene.db
    .selectFrom('members')
    .select(['id', 'revoked_at', 'policy'])
    .orderBy('id')
    .execute(),
});

/** The refused requests to central and the site. */
async function refusalsOf(actor: Actor): Promise<readonly AuditEntry[]> {
  const query = `person=${actor.person}&action=access.refused&limit=500`;
  const { entries } = (await scene.harness.request('GET', `/api/audit?${query}`)).body;
  return (entries as AuditEntry[]).filter(({ member }) => member === undefined || member === scene.site);
}
const requestOf = ({ after, object }: AuditEntry): unknown =>
  typeof after === 'object' && after !== null && 'request' in after ? after.request : object;

/** Makes all attempts, each of which must be refused and recorded once. */
async function expectRefused(actor: Actor, headers: (part: Part) => Headers, attempts: readonly Attempt[]) {
  const before = await readVideos();
  const known = (await refusalsOf(actor)).length;
  for (const one of attempts)
    expect(await attempt(headers(one.part), one), one.request).toBe(one.outcome ?? '403 not-permitted');
  const wanted = attempts
    .map(({ request, recorded = request }) => fill(recorded, scene, scene.others).split('?')[0])
    .sort();
  await eventually(
    'central has all entries',
    async () => (await refusalsOf(actor)).length >= known + wanted.length,
  );
  const entries = (await refusalsOf(actor)).slice(known);
  expect(entries.map(requestOf).sort()).toEqual(wanted);
  expect(await readVideos()).toEqual(before);
}

const at = (part: Part, attempts: readonly Omit<Attempt, 'part'>[]) =>
  attempts.map(one => ({ part, ...one }));

describe.each(['session', 'token'] as const)('with a %s, an author', credential => {
  const headersOf = (actor: Actor) => (part: Part) =>
    credential === 'token' ? actor.token : actor.sessions[part];

  it('withdraws no video of another person at the site', async () => {
    await expectRefused(author, headersOf(author), [
      ...at('site', AT_SITE),
      ...at('site', HIDDEN_AT_SITE),
      // This site does not have it, and says no more.
      { part: 'site', request: `DELETE /api/videos/${elsewhere}`, outcome: HIDDEN },
    ]);
  });

  it('withdraws no video of another site', async () => {
    await expectRefused(outsider, headersOf(outsider), at('site', AT_SITE));
  });

  it('hides none by an edit', async () => {
    for (const body of EDITS)
      expect(
        await attempt(headersOf(author)('site'), {
          part: 'site',
          request: 'PATCH /api/videos/{video}',
          body,
        }),
      ).toBe('403 not-permitted');
  });

  it('withdraws none through central, and with no call of members', async () => {
    await expectRefused(author, headersOf(author), at('central', AT_CENTRAL));
    await expectRefused(author, headersOf(author), MEMBER_CALLS);
  });
});

it('is refused while the site is disconnected, and central learns of it later', async () => {
  const before = await readVideos();
  await scene.harness.central.stop();
  const request = 'POST /api/videos/{video}/submit';
  for (const headers of [author.sessions.site, author.token])
    expect(await attempt(headers, { part: 'site', request })).toBe('403 not-permitted');
  await scene.harness.restart();
  const object = `video:${scene.others.video}`;
  const entry = await eventually('central has the entry', async () =>
    (await refusalsOf(author)).find(
      one => one.object === object && String(requestOf(one)).endsWith('/submit'),
    ),
  );
  expect(entry).toMatchObject({ who: { id: author.person }, member: scene.site });
  expect((await readVideos()).rows).toEqual(before.rows);
});
