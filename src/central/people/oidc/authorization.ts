/** Authorization code flow with PKCE (RFC 7636), state and nonce, against one provider. Keeps no state itself. */
import {
  AuthorizationResponseError,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type Configuration,
  calculatePKCECodeChallenge,
  fetchUserInfo,
  type IDToken,
  ResponseBodyError,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client';
import { type Problem, problem } from '../../../kernel/problem.ts';
import { type Account, type Claims, needsUserInfo, readAccount } from './claims.ts';
import { type Provider, unavailable } from './providers.ts';

/** What must not leave central until the browser returns. */
export interface AuthorizationSecrets {
  readonly verifier: string;
  readonly nonce: string;
}

export interface Authorization {
  readonly state: string;
  readonly secrets: AuthorizationSecrets;
  /** The page of the provider to which the browser goes. */
  readonly url: URL;
}

/** @throws Problem 503 `sign-in-unavailable` */
export async function beginAuthorization(provider: Provider, redirectUri: string): Promise<Authorization> {
  const configuration = await provider.connect();
  const [state, nonce, verifier] = [randomState(), randomNonce(), randomPKCECodeVerifier()];
  const challenge = await calculatePKCECodeChallenge(verifier);
  try {
    const url = buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: provider.config.scopes,
      code_challenge: challenge,
      code_challenge_method: 'S256',
      state,
      nonce,
    });
    return { state, secrets: { verifier, nonce }, url };
  } catch (error) {
    throw unavailable(provider.config, error);
  }
}

export interface AuthorizationResponse {
  /** The redirect URI with the parameters that the browser brought. */
  readonly address: URL;
  readonly state: string;
  readonly secrets: AuthorizationSecrets;
}

export interface CompletedAuthorization {
  readonly account: Account;
  /** The claims of the ID token. */
  readonly claims: Claims;
}

/**
 * Redeems the code, and checks the issuer of the response (RFC 9207) and signature, issuer, audience, times and nonce of the ID token.
 *
 * @throws Problem 403 `sign-in-refused`, 400 `sign-in-expired`, 503 `sign-in-unavailable`
 */
export async function completeAuthorization(
  provider: Provider,
  { address, state, secrets }: AuthorizationResponse,
): Promise<CompletedAuthorization> {
  const configuration = await provider.connect();
  try {
    const tokens = await authorizationCodeGrant(configuration, address, {
      expectedState: state,
      expectedNonce: secrets.nonce,
      pkceCodeVerifier: secrets.verifier,
      idTokenExpected: true,
    });
    const claims = tokens.claims();
    if (!claims) throw new Error('The response has no ID token.');
    const userInfo = await readUserInfo(provider, configuration, claims, tokens.access_token);
    return { account: readAccount(provider.config, userInfo ? [claims, userInfo] : [claims]), claims };
  } catch (error) {
    throw toProblem(provider, error);
  }
}

async function readUserInfo(
  { config }: Provider,
  configuration: Configuration,
  claims: IDToken,
  accessToken: string,
): Promise<Claims | undefined> {
  const { userinfo_endpoint: endpoint } = configuration.serverMetadata();
  if (endpoint === undefined || !needsUserInfo(config, claims)) return undefined;
  return fetchUserInfo(configuration, accessToken, claims.sub);
}

/** RFC 6749, section 4.1.2.1, and OpenID Connect Core 1.0, section 3.1.2.6: errors that concern the provider, not the person. */
const ERRORS_OF_PROVIDER: readonly string[] = ['server_error', 'temporarily_unavailable'];

function toProblem({ config }: Provider, error: unknown): Problem {
  if (error instanceof AuthorizationResponseError && !ERRORS_OF_PROVIDER.includes(error.error)) {
    return problem('sign-in-refused', `"${config.name}" refused the sign-in. Ask its administrator.`, {
      cause: error,
    });
  }
  if (error instanceof ResponseBodyError && error.error === 'invalid_grant')
    return problem('sign-in-expired', undefined, { cause: error });
  return unavailable(config, error);
}
