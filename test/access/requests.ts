/**
 * A request for each call in the access tables, which changes nothing that a later request needs: it names an object that does not
 * exist, or has an invalid body where access is checked before the body. `passes` is the response that proves that access was
 * permitted.
 */
import { newId, newVideoId } from '../../src/protocol/base/ids.ts';
import type { Part } from './routes.ts';
import { type Owned, type Scene, SERIES } from './scene.ts';

export interface TestRequest {
  /** Default: the path of the call. `{video}` and others stand for objects (scene.ts). */
  readonly path?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** The status, and the problem code if it is no success. Default: 200. */
  readonly passes?: string;
  /** The response of a call that hides what exists. */
  readonly hides?: string;
  /** The request ends the session that makes it. */
  readonly endsSession?: true;
}

const SECRET = 'a'.repeat(43);
const GRANT = '0'.repeat(16);
const NONCE = 'n'.repeat(22);
const EPOCH = { number: 1, start: NONCE };
const NO_JSON = { headers: { 'content-type': 'application/json' }, body: '{' };
const MALFORMED = { ...NO_JSON, passes: '400 json-malformed' } as const;
const HIDDEN = { hides: '404 video-unknown' } as const;
const TUS = { 'tus-resumable': '1.0.0' };
const encode = (text: string): string => Buffer.from(text).toString('base64');
const UNKNOWN_PART = `final;/api/uploads/${newVideoId()}`;
const WITHDRAWN = '410 video-withdrawn';

/** By call. A remark in parentheses distinguishes several requests of one call. */
export const REQUESTS: Readonly<Record<Part, Readonly<Record<string, TestRequest>>>> = {
  central: {
    'GET /': {},
    'GET /search': {},
    'GET /series/:id': { path: '/series/{unknown}' },
    'GET /person': {},
    'GET /sites/:id': { path: '/sites/{site}' },
    'GET /watch/:video': { path: '/watch/{video}' },
    'GET /embed/:video': { path: '/embed/{video}' },
    'GET /admin': {},
    'GET /admin/explain': {},
    'GET /admin/people': {},
    'GET /admin/audit': {},
    'GET /account': {},
    'GET /sign-in': {},
    'GET /invitation': {},
    'GET /*': { path: '/nowhere', passes: '404 not-found' },
    'GET /assets/*': { path: '/assets/page.js' },
    'GET /api/info': {},

    'GET /oembed': {
      path: '/oembed?url=https%3A%2F%2Fvideo.example.edu%2Fwatch%2F{video}',
      passes: '404 video-unknown',
    },
    'GET /feeds/series/:file': { path: '/feeds/series/none.xml', passes: '404 series-unknown' },
    'GET /feeds/search.xml': {},
    'GET /sitemap.xml': {},
    'GET /sitemaps/:file': { path: '/sitemaps/pages.xml' },
    'GET /robots.txt': {},

    'GET /api/sign-in': {},
    'POST /api/sign-in': {
      body: { email: 'nobody@example.edu', password: 'x' },
      passes: '429 sign-in-limited',
    },
    'POST /api/sign-in/demo': { body: { person: '{unknown}' }, passes: '404 person-unknown' },
    'POST /api/sign-in/link': { body: { link: SECRET, password: SECRET }, passes: '410 link-invalid' },
    'POST /api/sign-in/link/inspect': { body: { link: SECRET }, passes: '410 link-invalid' },
    'GET /sign-in/provider/:provider': { path: '/sign-in/provider/none', passes: '303' },
    'GET /sign-in/return': { passes: '303' },
    'GET /sign-in/site': { path: `/sign-in/site?site={site}&challenge=${SECRET}`, passes: '303' },
    'POST /api/sign-out': { passes: '204', endsSession: true },
    'GET /api/me': {},

    'GET /api/videos': {},
    'GET /api/videos/:id': { path: '/api/videos/{video}', ...HIDDEN },
    'GET /api/videos/:id (private)': { path: '/api/videos/{hidden}', ...HIDDEN },
    'GET /api/videos/:id/poster.jpg': {
      path: '/api/videos/{video}/poster.jpg',
      passes: '302',
      hides: '404 video-unknown',
    },
    'GET /api/facets': {},
    'GET /api/suggestions': { path: '/api/suggestions?q=lecture' },
    'GET /api/series': {},
    'GET /api/series/:id': { path: '/api/series/{unknown}', passes: '404 series-unknown' },
    'POST /api/series': MALFORMED,
    'PATCH /api/series/:id': { path: '/api/series/{unknown}', body: {}, passes: '404 series-unknown' },
    'DELETE /api/series/:id': { path: '/api/series/{unknown}', passes: '404 series-unknown' },
    'GET /api/series/:id/roles': { path: '/api/series/{unknown}/roles' },
    'GET /api/series/:id/image': { path: '/api/series/{unknown}/image', passes: '404 not-found' },
    'PUT /api/series/:id/image': {
      path: '/api/series/{unknown}/image',
      headers: { 'content-type': 'image/png' },
      body: 'x',
      passes: '415 image-invalid',
    },
    'DELETE /api/series/:id/image': {
      path: '/api/series/{unknown}/image',
      passes: '404 series-unknown',
    },
    'GET /api/fields': {},
    'GET /api/videos/:id/storyboard.vtt': {
      path: '/api/videos/{video}/storyboard.vtt',
      passes: '302',
      hides: '404 video-unknown',
    },
    'GET /api/videos/:id/embedding': { path: '/api/videos/{video}/embedding' },
    'GET /api/videos/:id/embedding (private)': { path: '/api/videos/{hidden}/embedding' },
    'POST /api/videos/:id/viewing': { path: '/api/videos/{video}/viewing', ...HIDDEN },
    'POST /api/videos/:id/viewing (private)': { path: '/api/videos/{hidden}/viewing', ...HIDDEN },

    'GET /api/people': {},
    'POST /api/people': { body: { name: 'Owner', email: '{email}' }, passes: '409 person-exists' },
    'GET /api/people/:id': { path: '/api/people/{person}' },
    'PATCH /api/people/:id': { path: '/api/people/{person}', body: { disabled: false } },
    'POST /api/people/:id/links': {
      path: '/api/people/{person}/links',
      body: { kind: 'password' },
      passes: '201',
    },
    'POST /api/people/:id/links (sign-in)': {
      path: '/api/people/{person}/links',
      body: { kind: 'sign-in' },
      passes: '201',
    },
    'POST /api/people/:id/password': {
      path: '/api/people/{person}/password',
      body: { current: 'x', password: SECRET },
      passes: '429 sign-in-limited',
    },
    'GET /api/people/:id/tokens': { path: '/api/people/{person}/tokens' },
    'POST /api/people/:id/tokens': {
      path: '/api/people/{person}/tokens',
      body: { name: 'x', expiresInS: 60 },
      passes: '201',
    },
    'DELETE /api/people/:id/tokens/:token': {
      path: '/api/people/{person}/tokens/{unknown}',
      passes: '404 credential-unknown',
    },
    'GET /api/people/:id/sessions': { path: '/api/people/{person}/sessions' },
    'DELETE /api/people/:id/sessions/:session': {
      path: '/api/people/{person}/sessions/{unknown}',
      passes: '404 credential-unknown',
    },
    'GET /api/groups': {},
    'GET /api/group-names': {},
    'POST /api/groups': MALFORMED,
    'PATCH /api/groups/:id': {
      path: '/api/groups/{unknown}',
      body: { roles: [] },
      passes: '404 group-unknown',
    },
    'PATCH /api/groups/:id (name)': {
      path: '/api/groups/{unknown}',
      body: { name: 'x' },
      passes: '404 group-unknown',
    },
    'DELETE /api/groups/:id': { path: '/api/groups/{unknown}', passes: '404 group-unknown' },
    'PUT /api/groups/:id/members/:person': {
      path: '/api/groups/{unknown}/members/{unknown}',
      passes: '404 group-unknown',
    },
    'DELETE /api/groups/:id/members/:person': {
      path: '/api/groups/{unknown}/members/{unknown}',
      passes: '404 group-unknown',
    },
    'GET /api/sites/:id/roles': { path: '/api/sites/{site}/roles' },

    'GET /api/audit': {},

    'POST /api/videos/:id/grants': {
      path: '/api/videos/{video}/grants',
      body: { lifetimeS: 60, note: '' },
      passes: '201',
      ...HIDDEN,
    },
    'GET /api/videos/:id/grants': { path: '/api/videos/{video}/grants', ...HIDDEN },
    'DELETE /api/videos/:id/grants/:grant': {
      path: `/api/videos/{video}/grants/${GRANT}`,
      passes: '404 grant-unknown',
      ...HIDDEN,
    },
    'DELETE /api/videos/:id/grants': { path: '/api/videos/{video}/grants', ...HIDDEN },
    'DELETE /api/videos/:id/grants (private)': { path: '/api/videos/{hidden}/grants', ...HIDDEN },
    'POST /api/rights/rotate': MALFORMED,

    'GET /api/sites': {},
    'GET /api/sites/:id': { path: '/api/sites/{site}' },
    'POST /api/sites': MALFORMED,
    'PATCH /api/sites/:id': { path: '/api/sites/{site}', ...MALFORMED },
    'DELETE /api/sites/:id': { path: '/api/sites/{unknown}', passes: '404 site-unknown' },
    'POST /api/sites/:id/join-token': { path: '/api/sites/{site}/join-token', passes: '201' },
    'POST /api/sites/:id/collect': { path: '/api/sites/{site}/collect' },
    'POST /api/sites/:id/lost': { path: '/api/sites/{unknown}/lost', passes: '404 site-unknown' },
    'GET /api/trackers': {},
    'POST /api/trackers': MALFORMED,
    'DELETE /api/trackers/:id': { path: '/api/trackers/{unknown}', passes: '404 tracker-unknown' },
    'POST /api/trackers/:id/join-token': {
      path: '/api/trackers/{unknown}/join-token',
      passes: '404 tracker-unknown',
    },
    'GET /api/copies': {},
    'GET /api/placement-rules': {},
    'POST /api/placement-rules': MALFORMED,
    'DELETE /api/placement-rules/:id': { path: '/api/placement-rules/{unknown}', passes: '404 rule-unknown' },
    'POST /api/placement-rules/:id/restore': {
      path: '/api/placement-rules/{unknown}/restore',
      passes: '404 rule-unknown',
    },
    'POST /api/placement-rules/preview': MALFORMED,
    'GET /api/signals': {},
    'GET /api/withdrawals': {},
    'GET /api/explain/:id': { path: '/api/explain/{unknown}', passes: '404 video-unknown' },
    'POST /api/dry-run': MALFORMED,

    'POST /api/join': { body: { joinToken: SECRET, publicKey: SECRET } },
    'GET /api/member': {},
    'POST /api/signals': {},
    'POST /api/refusals': { body: { code: 'clock-off', detail: 'x' } },
    'POST /api/link/requests': { body: { preferred: false, wait: false } },
    'POST /api/link/responses/:id': { path: '/api/link/responses/{unknown}?status=200' },
    'POST /api/peer-measurements': { body: { after: '', summaries: [] } },
    'POST /api/storage-reports': { body: { freeBytes: 0, servesViewers: true, damage: [] } },
    'GET /api/assignments': { path: '/api/assignments?after=0' },
    'GET /api/withdrawals/feed': { path: '/api/withdrawals/feed?after=0' },
    'GET /api/rights': { path: '/api/rights?after=0&people=true' },
    'GET /api/lists': {},
    'POST /api/handshakes': { body: { start: NONCE, epoch: 0, digest: '0'.repeat(64) } },
    'POST /api/handshakes/held': { body: { epoch: EPOCH } },
    'POST /api/handshakes/records': { body: { epoch: EPOCH, videos: ['{video}'] } },
    'GET /api/changes': { path: '/api/changes?after=0' },
    'POST /api/registrations/query': { body: { videos: ['{video}'] } },
    'POST /api/site-states': { body: { sites: [] } },
    'POST /api/plays': { body: { plays: [] } },
    'POST /api/statements/code': { body: { code: SECRET, verifier: SECRET } },
    'POST /api/statements/token': { body: { hash: '0'.repeat(64) } },
    'POST /api/statements/refresh': { body: { credential: '{unknown}' } },
    'POST /api/statements/end': { body: { credential: '{unknown}', everywhere: true } },
    'POST /api/people/lookup': { body: { person: '{unknown}' } },
    'GET /api/groups/names': {},
    'POST /api/audit-events': {
      body: {
        events: [
          {
            seq: 1,
            event: { at: '2026-01-01T00:00:00Z', who: { kind: 'nobody' }, action: 'video.withdraw' },
          },
        ],
      },
    },

    // The last one, because it ends the sessions.
    'DELETE /api/people/:id/sessions': { path: '/api/people/{person}/sessions', passes: '204' },
  },
  site: {
    'GET /': {},
    'GET /library': {},
    'GET /library/search': {},
    'GET /library/series/:id': { path: '/library/series/{unknown}' },
    'GET /library/person': {},
    'GET /library/watch/:video': { path: '/library/watch/{video}' },
    'GET /*': { path: '/nowhere', passes: '404 not-found' },
    'GET /assets/*': { path: '/assets/page.js' },
    'GET /sign-in': { passes: '303' },
    'GET /sign-in/return': { passes: '400 request-invalid' },
    'GET /sign-in/failed': {},
    'POST /api/sign-out': { passes: '204', endsSession: true },
    'GET /api/me': {},

    'GET /api/site': {},
    'GET /api/library': {},
    'GET /api/facets': {},
    'GET /api/suggestions': { path: '/api/suggestions?q=lecture' },
    'GET /api/series': {},
    'GET /api/series/:id': { path: '/api/series/{unknown}', passes: '404 series-unknown' },
    'GET /api/fields': {},
    'GET /sample': {},
    'GET /probe': {},

    'POST /api/uploads': {
      headers: {
        ...TUS,
        'upload-concat': UNKNOWN_PART,
        'upload-metadata': `name ${encode('x')},series ${encode(JSON.stringify({ id: SERIES }))}`,
      },
      passes: '400 upload-parts-invalid',
    },
    'POST /api/uploads (PATCH)': {
      path: '/api/uploads/{upload}',
      headers: {
        ...TUS,
        'x-http-method-override': 'PATCH',
        'upload-offset': '9',
        'content-type': 'application/offset+octet-stream',
      },
      // No bytes of it were ever stored.
      passes: '507 disk-full',
      hides: '404 upload-unknown',
    },
    'POST /api/uploads (DELETE)': {
      path: '/api/uploads/{withdrawn}',
      headers: { ...TUS, 'x-http-method-override': 'DELETE' },
      passes: '403 upload-finished',
      hides: '404 upload-unknown',
    },
    'GET /api/videos': {},
    'GET /api/video-ids': {},
    'GET /api/changes': {},
    'POST /api/video-edits': { body: { edits: [{ id: '{unknown}', edit: { name: 'Other' } }] } },
    'GET /api/videos/:id': { path: '/api/videos/{video}', ...HIDDEN },
    'PATCH /api/videos/:id': {
      path: '/api/videos/{withdrawn}',
      body: { audience: 'private' },
      passes: WITHDRAWN,
      ...HIDDEN,
    },
    'PATCH /api/videos/:id (wider)': {
      path: '/api/videos/{video}',
      body: { audience: 'public', owner: { id: '{unknown}' } },
      passes: '404 person-unknown',
      ...HIDDEN,
    },
    'DELETE /api/videos/:id': { path: '/api/videos/{withdrawn}', passes: '204', ...HIDDEN },
    'POST /api/videos/:id/publish': { path: '/api/videos/{withdrawn}/publish', passes: WITHDRAWN, ...HIDDEN },
    'POST /api/videos/:id/send-back': {
      path: '/api/videos/{withdrawn}/send-back',
      body: { comment: 'x' },
      passes: '409 approval-unneeded',
      ...HIDDEN,
    },
    'POST /api/videos/:id/submit': {
      path: '/api/videos/{withdrawn}/submit',
      passes: '409 approval-unneeded',
      ...HIDDEN,
    },
    'POST /api/videos/:id/trim': {
      path: '/api/videos/{withdrawn}/trim',
      body: { startMs: 0, endMs: 1_000 },
      passes: WITHDRAWN,
      ...HIDDEN,
    },
    'POST /api/videos/:id/captions': {
      path: '/api/videos/{withdrawn}/captions?language=en',
      headers: { 'content-type': 'text/vtt' },
      body: 'WEBVTT',
      passes: WITHDRAWN,
      ...HIDDEN,
    },
    'GET /api/videos/:id/captions': { path: '/api/videos/{video}/captions', ...HIDDEN },
    'GET /api/videos/:id/captions/:captions': {
      path: '/api/videos/{video}/captions/c1',
      passes: '404 captions-unknown',
      ...HIDDEN,
    },
    'PUT /api/videos/:id/captions/:captions': {
      path: '/api/videos/{withdrawn}/captions/c1',
      headers: { 'content-type': 'text/vtt' },
      body: 'WEBVTT',
      passes: WITHDRAWN,
      ...HIDDEN,
    },
    'PATCH /api/videos/:id/captions/:captions': {
      path: '/api/videos/{withdrawn}/captions/c1',
      body: { language: 'en' },
      passes: WITHDRAWN,
      ...HIDDEN,
    },
    'POST /api/videos/:id/captions/create': {
      path: '/api/videos/{withdrawn}/captions/create',
      body: {},
      passes: WITHDRAWN,
      ...HIDDEN,
    },
    'POST /api/videos/:id/captions/:captions/publish': {
      path: '/api/videos/{withdrawn}/captions/c1/publish',
      passes: WITHDRAWN,
      ...HIDDEN,
    },
    'DELETE /api/videos/:id/captions/:captions': {
      path: '/api/videos/{withdrawn}/captions/c1',
      passes: WITHDRAWN,
      ...HIDDEN,
    },
    'GET /api/group-names': {},
    'POST /api/people/lookup': { body: { person: '{unknown}' }, passes: '404 person-unknown' },
    'GET /api/jobs': {},
    'PATCH /api/jobs/:id': { path: '/api/jobs/{job}', body: { priority: 1 }, passes: '409 job-ended' },
    'POST /api/jobs/:id/cancel': {
      path: '/api/jobs/{job}/cancel',
      passes: '409 job-ended',
      hides: '404 job-unknown',
    },
    'POST /api/jobs/:id/retry': {
      path: '/api/jobs/{job}/retry',
      passes: '409 job-ended',
      hides: '404 job-unknown',
    },

    'GET /gateway/records': {},
    'POST /gateway/published': {
      body: { epoch: EPOCH, published: [{ video: '{video}', version: 1, hash: '0'.repeat(64) }] },
    },
    'GET /gateway/digest': {},
    'GET /gateway/captions': {
      path: '/gateway/captions?video={video}&revision={unknown}&language=en',
      passes: '404 captions-unknown',
    },
    'GET /parts/rights': {},
    'POST /parts/watches': { body: { video: '{video}', subject: GRANT }, passes: '204' },
    'GET /parts/upstreams/:video': { path: '/parts/upstreams/{video}', passes: '503 no-source' },
  },
  tracker: {
    'GET /play/:file': { path: '/play/{video}.m3u8', passes: '404 video-unknown' },
    'GET /steer/:id': { path: '/steer/{video}' },
    'GET /go/:id': { path: '/go/{video}', passes: '404 video-unknown' },
    'GET /download/:id': { path: '/download/{video}', passes: '404 video-unknown' },
    'GET /go/:id/poster.jpg': { path: '/go/{video}/poster.jpg', passes: '404 video-unknown' },
    'GET /go/:id/storyboard.vtt': { path: '/go/{video}/storyboard.vtt', passes: '404 video-unknown' },
    'GET /relay/:file': { path: '/relay/{video}.m3u8', passes: '404 video-unknown' },
    'GET /relay/:id/:revision/:rendition/:file': {
      path: '/relay/{video}/a/b/c.m3u8',
      passes: '404 file-unknown',
    },
    'GET /nearest': {},
    'POST /cmcd/:session': {
      path: '/cmcd/x',
      body: '',
      headers: { 'content-type': 'text/plain' },
      passes: '204',
    },
    'POST /beacon/:session': { path: '/beacon/x', passes: '400 request-invalid' },
    'GET /status': {},
    'GET /explain/:id': { path: '/explain/{unknown}', passes: '404 video-unknown' },
    'POST /dry-run': MALFORMED,
    'POST /reports': { body: { viewers: [], videos: [] } },
  },
};

const PLACEHOLDER = /\{(\w+)\}/g;
const OWNED = /\{(person|video|hidden|withdrawn|job|upload)\}/;

/** True if the request names something that a person owns, so that it matters whose it is. */
export const namesOwned = ({ path = '', body }: TestRequest): boolean =>
  OWNED.test(path + JSON.stringify(body ?? ''));

/** Replaces the names of objects. */
export function fill(text: string, { site }: Pick<Scene, 'site'>, owned: Owned): string {
  const values: Readonly<Record<string, string>> = {
    ...owned,
    site,
    email: `${owned.person}@example.edu`,
    unknown: newId(),
  };
  return text.replace(PLACEHOLDER, (whole, name: string) => values[name] ?? whole);
}
