/**
 * Enforces a part's table of access rules: every call has a rule, and a call without one stops the start. The table is the list of
 * who may call what; handlers only check what depends on the object.
 */
import type { IncomingMessage } from 'node:http';
import type { SiteId } from '../../protocol/base/ids.ts';
import { type Action, type Decision, decide, type Target } from '../../protocol/people/permissions.ts';
import type { HttpServer } from '../http/server.ts';
import { type Problem, problem } from '../problem.ts';
import type { Authority } from './authority.ts';
import { hasPersonalCredential } from './credentials.ts';

/**
 * - `open`: credentials are ignored (pages, signing in).
 * - `anyone`: a credential is optional, and refused if it is wrong.
 * - `signed-in`: a credential of any kind. The handler checks whose it is.
 * - `member`: signed by a member or by central. The handler verifies the signature.
 * - `part`: another process of the same site, with the operator token. The handler checks it. People are refused `member` and
 *   `part`.
 * - Otherwise the permission, and what it must apply to: `everything`; the `site` (that of the part, or `:id` in the address); an
 *   `object`, which the handler finds and checks with `guard.require`.
 */
export type AccessRule =
  | 'open'
  | 'anyone'
  | 'signed-in'
  | 'member'
  | 'part'
  | {
      readonly permission: Action;
      readonly on: 'everything' | 'site' | 'object';
      /** Central may make the same call, signed, which the handler checks. */
      readonly orSigned?: true;
    };

/** Rules by method and path of a route: `'PATCH /api/videos/:id'`. */
export type AccessTable = Readonly<Record<string, AccessRule>>;

/** The usual limit of a JSON body. */
const MAX_UNCHECKED_BODY_BYTES = 64 * 1024;

export interface AccessOptions {
  /** @throws Problem 401 `credential-invalid` if the request has a wrong credential */
  authenticate(request: IncomingMessage): Promise<Authority>;
  /** Other origins whose pages may request this change, but never with a session. Default: none. */
  readonly origins?: (request: IncomingMessage) => readonly string[];
  /** Called for every refusal with 403, for the audit log. */
  readonly onRefused?: (refusal: Refusal) => void;
  /** Called for every request with the operator token. */
  readonly onBreakGlass?: (request: IncomingMessage) => void;
}

export interface Refusal {
  readonly request: IncomingMessage;
  readonly authority: Authority;
  readonly action: Action;
  readonly target: Target;
  /** What the request is about, for example `video:0190…`. */
  readonly object: string | undefined;
}

export interface AccessGuard {
  /** The authority of a request. Its credential is checked once. @throws Problem 401, 403 `cross-origin` */
  authorityOf(request: IncomingMessage): Promise<Authority>;
  /** Checks the credential of a long request again. @throws Problem 401 if it has ended since */
  renew(request: IncomingMessage): Promise<Authority>;
  /**
   * @param object what the request is about, for the audit log
   *
   * @throws Problem 401 `sign-in-needed`, `credential-invalid`; 403 `not-permitted`, `cross-origin`
   */
  require(request: IncomingMessage, action: Action, target: Target, object?: string): Promise<Authority>;
  /** Writes into the audit log that a person was refused with 404, as for an object that does not exist. */
  noteHidden(request: IncomingMessage, action: Action, target: Target, object: string): Promise<void>;
}

export function createAccessGuard(options: AccessOptions): AccessGuard {
  const known = new WeakMap<IncomingMessage, Promise<Authority>>();
  async function authenticate(request: IncomingMessage): Promise<Authority> {
    const authority = await options.authenticate(request);
    requireOwnOrigin(request, authority, options.origins?.(request) ?? []);
    if (authority.via === 'operator-token') options.onBreakGlass?.(request);
    return authority;
  }
  const guard: AccessGuard = {
    authorityOf(request) {
      const found = known.get(request) ?? authenticate(request);
      known.set(request, found);
      return found;
    },
    async renew(request) {
      const before = await guard.authorityOf(request);
      if (before.via === 'operator-token' || before.via === null) return before;
      known.delete(request);
      return guard.authorityOf(request);
    },
    async require(request, action, target, object) {
      const authority = await guard.authorityOf(request);
      const decision = decide(authority, action, target);
      if (decision.allowed) return authority;
      if (authority.via === null) throw signInNeeded();
      options.onRefused?.({ request, authority, action, target, object });
      throw notPermitted(decision);
    },
    async noteHidden(request, action, target, object) {
      const authority = await guard.authorityOf(request);
      if (authority.via !== null) options.onRefused?.({ request, authority, action, target, object });
    },
  };
  return guard;
}

const signInNeeded = (): Problem =>
  problem('sign-in-needed', undefined, { headers: { 'www-authenticate': 'Bearer' } });

function notPermitted(decision: Extract<Decision, { allowed: false }>): Problem {
  const { missing, because } = decision;
  const sentence = {
    none: `You lack the permission "${missing}".`,
    elsewhere: `You have the permission "${missing}", but not for this site or series.`,
    'not-own': `This video belongs to another person. You lack the permission "${missing}".`,
  }[because];
  return problem('not-permitted', `${sentence} Ask an administrator for it.`, { permission: missing });
}

/** Applies the rules to every route that is added from now on. @throws Error for a route without a rule, at once */
export function enforceAccess(
  app: HttpServer,
  table: AccessTable,
  guard: AccessGuard,
  site?: () => SiteId | undefined,
): void {
  const findRule = (method: string, path: string): AccessRule | undefined => {
    if (method === 'OPTIONS') return 'open';
    return table[`${method === 'HEAD' ? 'GET' : method} ${path}`];
  };
  app.decorate('checksAccess', true);
  app.addHook('onRoute', ({ method, url, bodyLimit, onRequest }) => {
    for (const one of [method].flat()) {
      const rule = findRule(one, url);
      if (rule === undefined)
        throw new Error(`${one} ${url} has no access rule. Add one to the table of this part.`);
      if (
        bodyLimit !== undefined &&
        bodyLimit > MAX_UNCHECKED_BODY_BYTES &&
        typeof rule === 'string' &&
        !onRequest
      )
        throw new Error(`${one} ${url} takes a large body from anyone. Check the caller in onRequest.`);
    }
  });
  app.addHook('onRequest', async (request, reply) => {
    const { method, url: path } = request.routeOptions;
    if (path === undefined) return;
    const rule = findRule([method].flat()[0] ?? request.method, path);
    if (rule === undefined || rule === 'open') return;
    // The response is for this caller, whom a cache cannot recognise: the network of a client is not even in the request.
    reply.header('cache-control', 'no-store');
    if (rule === 'member' || rule === 'part') return refusePeople(request.raw, guard);
    if (typeof rule === 'object' && rule.orSigned && request.headers.signature !== undefined) return;
    const authority = await guard.authorityOf(request.raw);
    if (rule === 'anyone') return;
    if (rule === 'signed-in') {
      if (authority.via === null) throw signInNeeded();
      return;
    }
    if (rule.on === 'object') {
      if (authority.via === null && !authority.isInHouseNetwork) throw signInNeeded();
      return;
    }
    const ownSite = site?.();
    const { id } = request.params as { id?: string };
    const target: Target = rule.on === 'everything' ? {} : { site: site ? ownSite : (id as SiteId) };
    await guard.require(
      request.raw,
      rule.permission,
      target,
      `${request.method} ${request.url.split('?')[0]}`,
    );
  });
}

/**
 * The calls of members and of parts are for no person. A person who tries one is refused, and that is recorded; what has no signature
 * is refused by the handler in any case.
 */
async function refusePeople(request: IncomingMessage, guard: AccessGuard): Promise<void> {
  if (request.headers.signature !== undefined || !hasPersonalCredential(request)) return;
  if ((await guard.authorityOf(request)).person) await guard.require(request, 'everything', {});
}

/**
 * A browser sends a session cookie and its network address by itself, so a change must come from a page of this part.
 *
 * @throws Problem 403 `cross-origin`
 */
function requireOwnOrigin(
  { method = 'GET', headers }: IncomingMessage,
  { via }: Authority,
  origins: readonly string[],
): void {
  if (['GET', 'HEAD', 'OPTIONS'].includes(method)) return;
  const { origin, host } = headers;
  if (origin === undefined) {
    if (via !== 'session' || headers['sec-fetch-site'] === 'same-origin') return;
    throw problem('cross-origin', 'A change with a session needs the Origin header, which browsers send.');
  }
  if (hostOfOrigin(origin) === host?.toLowerCase()) return;
  if (via !== 'session' && origins.includes(origin)) return;
  throw problem('cross-origin');
}

const hostOfOrigin = (origin: string): string | undefined =>
  URL.canParse(origin) ? new URL(origin).host : undefined;
