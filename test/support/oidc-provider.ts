/**
 * A real provider of OpenID Connect (`oidc-provider`) on a loopback address. It signs in the person that a test has chosen, without
 * pages; a test may also change what it sends, as a faulty or compromised provider would.
 */
import { generateKeyPairSync } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { importJWK, type JWTPayload, SignJWT } from 'jose';
import type { Configuration, Provider } from 'oidc-provider';

export const CLIENT_ID = 'tributary';
export const CLIENT_SECRET = 'secret-of-the-client-in-tests';

/** An account at the provider. `sub` identifies it; the other claims are what it says about the person. */
export interface TestAccount {
  readonly sub: string;
  readonly name?: string;
  readonly email?: string;
  readonly email_verified?: boolean;
  readonly groups?: readonly string[] | string;
}

type JsonObject = Record<string, unknown>;

export interface TestProvider {
  readonly issuer: string;
  /** Who signs in from now on; undefined: the provider refuses. */
  account: TestAccount | undefined;
  /** Replaces the JSON that the provider sends at a path, for example `/token`. */
  alter: ((path: string, json: JsonObject) => JsonObject | Promise<JsonObject>) | undefined;
  /** Delays every response by so many milliseconds. */
  delayMs: number;
  /** The requests for tokens. */
  readonly tokenRequests: readonly URLSearchParams[];
  /** Signs an ID token with the key of the provider, or with another one. */
  sign(claims: JWTPayload, options?: { readonly otherKey?: true }): Promise<string>;
  /** Changes where central expects the browser. */
  expectAt(redirectUri: string): Promise<void>;
  stop(): Promise<void>;
  /** Listens again on the same port. */
  restart(): Promise<void>;
}

const makeKey = () => ({
  ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }),
  kid: 'key',
  use: 'sig',
  alg: 'RS256',
});

/** @param redirectUris where central expects the browser */
export async function startOidcProvider(redirectUris: readonly string[], port = 0): Promise<TestProvider> {
  const key = makeKey();
  const otherKey = makeKey();
  let handler: ReturnType<Provider['callback']> | undefined;
  const tokenRequests: URLSearchParams[] = [];
  const listen = (at: number): Promise<Server> =>
    new Promise(listening => {
      const server = createServer((request, response) => void handler?.(request, response));
      server.listen(at, '127.0.0.1', () => listening(server));
    });
  let server = await listen(port);
  const { port: ownPort } = server.address() as AddressInfo;
  const issuer = `http://127.0.0.1:${ownPort}`;
  const state = {
    issuer,
    account: undefined as TestAccount | undefined,
    alter: undefined as TestProvider['alter'],
    delayMs: 0,
    tokenRequests,
    async sign(claims: JWTPayload, options: { readonly otherKey?: true } = {}) {
      const signer = await importJWK(options.otherKey ? otherKey : key, 'RS256');
      return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'key' }).sign(signer);
    },
    async expectAt(redirectUri: string) {
      const input = { redirectUris: [redirectUri], key, tokenRequests };
      handler = (await createProvider(state, input)).callback();
    },
    stop: () =>
      new Promise<void>(stopped => {
        server.close(() => stopped());
        server.closeAllConnections();
      }),
    async restart() {
      server = await listen(ownPort);
    },
  };
  handler = (await createProvider(state, { redirectUris, key, tokenRequests })).callback();
  return state;
}

interface ProviderInput {
  readonly redirectUris: readonly string[];
  readonly key: object;
  readonly tokenRequests: URLSearchParams[];
}

async function createProvider(
  state: TestProvider,
  { redirectUris, key, tokenRequests }: ProviderInput,
): Promise<Provider> {
  const accounts = new Map<string, TestAccount>();
  const options: Configuration = {
    clients: [
      {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        redirect_uris: [...redirectUris],
        response_types: ['code'],
        grant_types: ['authorization_code'],
      },
    ],
    jwks: { keys: [key] },
    cookies: { keys: ['key-of-cookies-in-tests'] },
    claims: { openid: ['sub', 'groups'], email: ['email', 'email_verified'], profile: ['name'] },
    features: { devInteractions: { enabled: false } },
    pkce: { required: () => true },
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_context, sub) => ({
      accountId: sub,
      claims: async () => ({ ...accounts.get(sub), sub }),
    }),
    ttl: { Session: 60, Grant: 60, AccessToken: 60, IdToken: 60, AuthorizationCode: 60, Interaction: 60 },
  };
  const provider = await withoutWarnings(async () => {
    const { Provider: OidcProvider } = await import('oidc-provider');
    return new OidcProvider(state.issuer, options);
  });
  provider.use(async (context, next) => {
    if (state.delayMs > 0) await new Promise(done => setTimeout(done, state.delayMs));
    if (context.path.startsWith('/interaction/')) {
      const { account } = state;
      if (account) accounts.set(account.sub, account);
      context.respond = false;
      await answerInteraction(provider, context, account);
      return;
    }
    await next();
    if (context.path === '/token') tokenRequests.push(new URLSearchParams(bodyOf(context.oidc?.body)));
    const { body } = context;
    if (state.alter && typeof body === 'object' && body !== null)
      context.body = await state.alter(context.path, { ...(body as JsonObject) });
  });
  return provider;
}

/** The provider warns of Node 20 and of its store in memory. */
async function withoutWarnings<T>(work: () => Promise<T>): Promise<T> {
  const { warn } = console;
  console.warn = () => {};
  try {
    return await work();
  } finally {
    console.warn = warn;
  }
}

const bodyOf = (body: unknown): Record<string, string> =>
  Object.fromEntries(Object.entries(body ?? {}).map(([name, value]) => [name, String(value)]));

/** Signs in the chosen account and grants what the client asks for. */
async function answerInteraction(
  provider: Provider,
  {
    req,
    res,
  }: {
    readonly req: Parameters<Provider['interactionDetails']>[0];
    readonly res: Parameters<Provider['interactionDetails']>[1];
  },
  account: TestAccount | undefined,
): Promise<void> {
  const { prompt, params, session } = await provider.interactionDetails(req, res);
  if (!account) {
    await provider.interactionFinished(req, res, { error: 'access_denied' });
    return;
  }
  if (prompt.name === 'login') {
    await provider.interactionFinished(req, res, { login: { accountId: account.sub } });
    return;
  }
  const grant = new provider.Grant({
    accountId: session?.accountId ?? account.sub,
    clientId: String(params.client_id),
  });
  grant.addOIDCScope(String(params.scope));
  await provider.interactionFinished(
    req,
    res,
    { consent: { grantId: await grant.save() } },
    { mergeWithLastSubmission: true },
  );
}
