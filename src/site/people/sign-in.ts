/**
 * Signing in at a site: the browser goes to central and comes back with a one-time code. A cookie of this browser contains the
 * verifier without which the code is worthless, so nobody can sign in another person's browser (RFC 9700, section 4.7).
 */
import { createHash, randomBytes } from 'node:crypto';
import * as cookies from 'cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import * as z from 'zod';
import type { AccessGuard } from '../../kernel/access/access.ts';
import { ANONYMOUS, type Authority, describeMe } from '../../kernel/access/authority.ts';
import {
  type CredentialOptions,
  findCredential,
  formatSessionCookie,
  sessionCookieName,
} from '../../kernel/access/credentials.ts';
import { fetchStatement } from '../../kernel/access/vouching-central.ts';
import { parseLocalPath } from '../../kernel/http/local-path.ts';
import type { HttpServer } from '../../kernel/http/server.ts';
import { sha256Hex } from '../../kernel/identity/keys.ts';
import { type CentralClient, centralClientOf } from '../../kernel/membership/central-client.ts';
import type { MemberIdentity, Membership } from '../../kernel/membership/member.ts';
import { messageOf, Problem, problem } from '../../kernel/problem.ts';
import { meSchema } from '../../protocol/people/people.ts';
import { MAX_RETURN_CHARACTERS, siteReturnQuery } from '../../protocol/people/statements.ts';
import type { SitePeople } from './people.ts';

/** Enough time to sign in at central. */
const VERIFIER_LIFETIME_S = 30 * 60;
const VERIFIER = /^[A-Za-z0-9_-]{43}$/;
const REACH_TIMEOUT_MS = 3_000;
/** The page that says why signing in failed. */
const FAILURE_PATH = '/sign-in/failed';

export interface SignInDeps {
  readonly identity: () => MemberIdentity;
  readonly people: SitePeople;
  readonly guard: AccessGuard;
  readonly credentials: CredentialOptions & { readonly cookie: string };
}

export function serveSignIn(app: HttpServer, deps: SignInDeps): void {
  app.get(
    '/sign-in',
    {
      schema: {
        description: 'Signs in with central, and then continues at a path of this site.',
        querystring: z.object({ return: z.string().max(2_000).optional(), here: z.string().optional() }),
      },
    },
    async (request, reply) => {
      const path = parseReturn(request.query.return);
      await orFailure(reply, path, () => beginSignIn(deps, request, reply, path));
      return reply;
    },
  );
  app.get(
    '/sign-in/return',
    {
      schema: {
        description: 'Completes a sign-in: redeems the one-time code of central and starts the session.',
        querystring: siteReturnQuery,
      },
    },
    async (request, reply) => {
      const path = parseReturn(request.query.return);
      await orFailure(reply, path, () => completeSignIn(deps, request, reply, path));
      return reply;
    },
  );
  serveMe(app, deps);
}

function serveMe(app: HttpServer, { guard, people, credentials }: SignInDeps): void {
  app.get(
    '/api/me',
    {
      schema: {
        description: 'Returns who makes this request, and what they may do.',
        response: { 200: meSchema },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      return describeMe(await guard.authorityOf(request.raw));
    },
  );
  app.post(
    '/api/sign-out',
    {
      schema: {
        description:
          'Ends this session, and with it the session at central and those that were started from it at other sites.',
      },
    },
    async (request, reply) => {
      const isValid = await guard.authorityOf(request.raw).then(
        ({ via }) => via === 'session',
        error => mayEndUnchecked(error, request),
      );
      const credential = findCredential(request.raw, credentials);
      if (isValid && credential.kind === 'session') await people.end(credential.hash, true);
      reply.header('set-cookie', formatSessionCookie(credentials.cookie, undefined));
      return reply.header('cache-control', 'no-store').code(204).send();
    },
  );
}

/** A session may end although central cannot be asked about it now. Pages of other origins end none. */
function mayEndUnchecked(error: unknown, { headers }: FastifyRequest): boolean {
  if (!(error instanceof Problem) || error.code === 'cross-origin') throw error;
  const { origin = '', host } = headers;
  return error.code === 'central-unreachable' && URL.canParse(origin) && new URL(origin).host === host;
}

/** The verifier of another tab of this browser is used again, so that both can sign in. */
async function beginSignIn(
  deps: SignInDeps,
  request: FastifyRequest<{ Querystring: { here?: string | undefined } }>,
  reply: FastifyReply,
  path: string,
): Promise<void> {
  const { client, membership } = requireJoined(deps);
  const base = new URL(membership.baseUrl);
  // The cookie must belong to the host to which central sends the browser back.
  if (request.headers.host?.toLowerCase() !== base.host && request.query.here === undefined) {
    const query = new URLSearchParams({ return: path, here: '' });
    await reply.redirect(`${base.origin}/sign-in?${query}`, 303);
    return;
  }
  if (!keepsSecureCookies(base))
    throw problem(
      'sign-in-unavailable',
      `Browsers sign in only over HTTPS, and the base URL of this site is ${base.origin}.`,
    );
  await client.call('/api/member', { timeoutMs: REACH_TIMEOUT_MS, response: z.unknown() }).catch(error => {
    throw problem('central-unreachable', messageOf(error));
  });
  const name = verifierCookieOf(deps);
  const verifier = readVerifier(request, name) ?? randomBytes(32).toString('base64url');
  reply.header('set-cookie', formatSessionCookie(name, verifier, VERIFIER_LIFETIME_S));
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const query = new URLSearchParams({ site: membership.id, challenge, return: path });
  await reply.redirect(`${membership.centralUrl}/sign-in/site?${query}`, 303);
}

async function completeSignIn(
  deps: SignInDeps,
  request: FastifyRequest<{ Querystring: z.infer<typeof siteReturnQuery> }>,
  reply: FastifyReply,
  path: string,
): Promise<void> {
  const { people, credentials } = deps;
  const { client } = requireJoined(deps);
  const name = verifierCookieOf(deps);
  const verifier = readVerifier(request, name);
  if (verifier === undefined) {
    // Another tab has completed its sign-in, which removed the cookie.
    const { via } = await authorityIfValid(deps, request);
    if (via !== 'session') throw problem('sign-in-expired');
    await reply.redirect(path, 303);
    return;
  }
  const statement = await fetchStatement(client, 'code', { code: request.query.code, verifier });
  const secret = randomBytes(32).toString('base64url');
  const { until } = await people.accept(sha256Hex(secret), statement);
  const previous = findSession(request, credentials);
  if (previous !== undefined) await people.end(previous, false);
  reply.header('set-cookie', [
    formatSessionCookie(name, undefined),
    formatSessionCookie(credentials.cookie, secret, until - Date.now() / 1_000),
  ]);
  await reply.redirect(path, 303);
}

/** Browsers get a page that says why; programs get the problem. */
async function orFailure(reply: FastifyReply, path: string, work: () => Promise<void>): Promise<void> {
  reply.header('cache-control', 'no-store').header('referrer-policy', 'no-referrer');
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Problem) || !reply.request.headers.accept?.includes('text/html')) throw error;
    const query = new URLSearchParams({ code: error.code, return: path });
    await reply.redirect(`${FAILURE_PATH}?${query}`, 303);
  }
}

function requireJoined({ identity }: SignInDeps): {
  readonly client: CentralClient;
  readonly membership: Membership;
} {
  const member = identity();
  const client = centralClientOf(member);
  if (!client || !member.membership) throw problem('not-joined');
  return { client, membership: member.membership };
}

const parseReturn = (path: string | undefined): string => {
  const local = parseLocalPath(path) ?? '/';
  return local.length > MAX_RETURN_CHARACTERS || local.startsWith('/sign-in') ? '/' : local;
};

/** Browsers keep a cookie with `Secure` on HTTPS, and on addresses of the same machine. */
const keepsSecureCookies = ({ protocol, hostname }: URL): boolean =>
  protocol === 'https:' || /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);

const verifierCookieOf = ({ credentials }: SignInDeps): string =>
  sessionCookieName(`sign-in ${credentials.cookie}`);

function readVerifier({ headers }: FastifyRequest, name: string): string | undefined {
  const verifier = cookies.parse(headers.cookie ?? '')[name];
  return verifier !== undefined && VERIFIER.test(verifier) ? verifier : undefined;
}

/** The hash of the session whose cookie the request has. */
function findSession({ headers }: FastifyRequest, credentials: CredentialOptions): string | undefined {
  const secret = credentials.cookie && cookies.parse(headers.cookie ?? '')[credentials.cookie];
  return secret ? sha256Hex(secret) : undefined;
}

const authorityIfValid = ({ guard }: SignInDeps, request: FastifyRequest): Promise<Authority> =>
  guard.authorityOf(request.raw).catch(error => {
    if (error instanceof Problem) return ANONYMOUS;
    throw error;
  });
