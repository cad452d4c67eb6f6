/** Signing in with a provider of OpenID Connect: the way there, and the way back. */
import { randomBytes } from 'node:crypto';
import * as cookies from 'cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import * as z from 'zod';
import { formatSessionCookie, sessionCookieName } from '../../../kernel/access/credentials.ts';
import { requestAddress } from '../../../kernel/access/request-address.ts';
import { parseLocalPath } from '../../../kernel/http/local-path.ts';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { sha256Hex } from '../../../kernel/identity/keys.ts';
import { Problem, problem } from '../../../kernel/problem.ts';
import { signInAccount } from '../../database/people/providers/accounts.ts';
import { insertPendingSignIn, takePendingSignIn } from '../../database/people/providers/pending.ts';
import { beginAuthorization, completeAuthorization } from '../../people/oidc/authorization.ts';
import { type Account, omitsGroups } from '../../people/oidc/claims.ts';
import type { Provider } from '../../people/oidc/providers.ts';
import { createStartLimit } from '../../people/oidc/start-limit.ts';
import { startSession } from '../../people/sessions.ts';
import type { CentralContext } from '../context/context.ts';

const PENDING_S = 600;
const RETURN_PATH = '/sign-in/return';
/** Binds a sign-in to the browser that started it, so that nobody can sign another person in to their own account. */
const BROWSER_COOKIE = sessionCookieName('central: sign-in with a provider');
const SECRET = /^[A-Za-z0-9_-]{43}$/;
const MAX_RETURN_CHARACTERS = 8_000;

/** Only the browser that started a sign-in finds it again. */
const hashOf = (state: string, browser: string): string => sha256Hex(`${state} ${browser}`);
const pendingSecretsSchema = z.strictObject({
  verifier: z.string(),
  nonce: z.string(),
});

export function addProviderSignIn(app: HttpServer, context: CentralContext): void {
  const mayStart = createStartLimit(Date.now);
  app.get(
    '/sign-in/provider/:provider',
    {
      schema: {
        description: 'Redirects to a provider of OpenID Connect, from which the browser returns signed in.',
        params: z.strictObject({ provider: z.string() }),
        querystring: z.object({ continue: z.string().optional() }),
      },
    },
    async (request, reply) => {
      const { params, query } = request;
      const continueTo = parseLocalPath(query.continue) ?? '/';
      const attempt = { request, reply, context, continueTo, provider: params.provider };
      return redirecting(attempt, async () => {
        const provider = context.providers.get(params.provider);
        if (!provider)
          throw problem(
            'sign-in-unavailable',
            'Central has no such provider. Choose another way to sign in.',
          );
        if (!mayStart(requestAddress(request.raw, context.config.trustedProxies)))
          throw problem('sign-in-limited');
        return leave(request, reply, { context, provider, continueTo });
      });
    },
  );

  app.get(
    RETURN_PATH,
    { schema: { description: 'The redirect URI of the providers of OpenID Connect.' } },
    async (request, reply) => {
      const address = new URL(`${RETURN_PATH}${queryOf(request)}`, context.ownUrl());
      const pending = await takePending(request, address, context);
      const continueTo = pending?.continueTo ?? '/';
      const attempt = { request, reply, context, continueTo, provider: pending?.provider };
      return redirecting(attempt, async () => {
        if (!pending) throw problem('sign-in-expired');
        await enter(request, reply, { context, address, pending });
        return continueTo;
      });
    },
  );
}

interface Leaving {
  readonly context: CentralContext;
  readonly provider: Provider;
  readonly continueTo: string;
}

/** @returns the address of the provider */
async function leave(
  request: FastifyRequest,
  reply: FastifyReply,
  { context, provider, continueTo }: Leaving,
): Promise<string> {
  const redirectUri = new URL(RETURN_PATH, context.ownUrl()).href;
  const { state, secrets, url } = await beginAuthorization(provider, redirectUri);
  // Several tabs of a browser may sign in at the same time.
  const browser = browserOf(request) ?? randomBytes(32).toString('base64url');
  const nowMs = Date.now();
  await insertPendingSignIn(
    context.db,
    {
      state_hash: hashOf(state, browser),
      provider: provider.config.name,
      secrets: context.secrets.encrypt(JSON.stringify(secrets)),
      return_to: continueTo,
      expires_at: nowMs + PENDING_S * 1_000,
    },
    nowMs,
  );
  reply.header('set-cookie', formatSessionCookie(BROWSER_COOKIE, browser, PENDING_S));
  return url.href;
}

interface Pending {
  readonly provider: string;
  readonly state: string;
  readonly verifier: string;
  readonly nonce: string;
  readonly continueTo: string;
}

/** The sign-in that this browser started, if it did; it cannot come back a second time. */
async function takePending(
  request: FastifyRequest,
  { searchParams }: URL,
  { db, secrets }: CentralContext,
): Promise<Pending | undefined> {
  const [state, ...others] = searchParams.getAll('state');
  const browser = browserOf(request);
  if (state === undefined || others.length > 0 || !SECRET.test(state) || browser === undefined)
    return undefined;
  const row = await takePendingSignIn(db, hashOf(state, browser), Date.now());
  if (!row) return undefined;
  const { verifier, nonce } = pendingSecretsSchema.parse(JSON.parse(secrets.decrypt(row.secrets)));
  return { provider: row.provider, state, verifier, nonce, continueTo: parseLocalPath(row.return_to) ?? '/' };
}

interface Entering {
  readonly context: CentralContext;
  readonly address: URL;
  readonly pending: Pending;
}

async function enter(
  request: FastifyRequest,
  reply: FastifyReply,
  { context, address, pending: { provider: name, state, verifier, nonce } }: Entering,
): Promise<void> {
  const provider = context.providers.get(name);
  if (!provider) throw problem('sign-in-unavailable', 'Central has no such provider any more.');
  const { account, claims } = await completeAuthorization(provider, {
    address,
    state,
    secrets: { verifier, nonce },
  });
  if (omitsGroups(provider.config, claims))
    context.log.warn(
      { provider: name, person: account.name },
      'the provider does not list the groups of this person, because they are too many (docs/people.md)',
    );
  const id = await findPerson(request, context, provider, account);
  await startSession(context, request, reply, { person: id, how: name });
}

/** @returns the id of the person */
async function findPerson(
  request: FastifyRequest,
  context: CentralContext,
  { config }: Provider,
  account: Account,
): Promise<string> {
  const { db, changes, audit } = context;
  const from = requestAddress(request.raw, context.config.trustedProxies);
  const person = await db.transaction().execute(async tx => {
    const found = await signInAccount(tx, { account, provider: config.name }, Date.now());
    if (!found) return undefined;
    const { id, name, how, groups } = found;
    const entry = { who: { kind: 'person', id, name }, from, object: `person:${id}` } as const;
    if (how !== 'found' || groups)
      await audit.append(
        {
          ...entry,
          action: ACTIONS[how],
          ...(groups ? { before: { groups: [...groups.before] } } : {}),
          after: { provider: config.name, ...(groups ? { groups: [...groups.after] } : {}) },
        },
        tx,
      );
    return found;
  });
  changes.notify();
  if (!person) throw problem('sign-in-refused', 'This account was disabled. Ask an administrator.');
  return person.id;
}
const ACTIONS = { found: 'person.edit', created: 'person.create', linked: 'person.link' } as const;

interface Attempt {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly context: CentralContext;
  readonly continueTo: string;
  /** The name of the provider, if it is known. */
  readonly provider: string | undefined;
}

/** Redirects to the result of `work`, or to the sign-in page with the code of a problem. */
async function redirecting(
  { request, reply, context, continueTo, provider }: Attempt,
  work: () => Promise<string>,
): Promise<FastifyReply> {
  // The address contains a code and a state, which no other page may see.
  reply.header('cache-control', 'no-store').header('referrer-policy', 'no-referrer');
  try {
    return reply.redirect(await work(), 303);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const { code, message } = error;
    context.log.warn({ code, provider, reason: message }, 'a sign-in with a provider failed');
    context.audit.count({
      who: { kind: 'nobody' },
      from: requestAddress(request.raw, context.config.trustedProxies),
      action: 'sign-in.failure',
      after: { reason: code, ...(provider === undefined ? {} : { provider: provider.slice(0, 60) }) },
    });
    const query = new URLSearchParams({ error: error.code });
    if (continueTo !== '/') query.set('continue', continueTo);
    return reply.redirect(`/sign-in?${query}`, 303);
  }
}

/** The browser's own secret, if it has one. */
function browserOf({ headers }: FastifyRequest): string | undefined {
  const secret = cookies.parse(headers.cookie ?? '')[BROWSER_COOKIE];
  return secret !== undefined && SECRET.test(secret) ? secret : undefined;
}

function queryOf({ url }: FastifyRequest): string {
  const start = url.indexOf('?');
  return start < 0 ? '' : url.slice(start, start + MAX_RETURN_CHARACTERS);
}
