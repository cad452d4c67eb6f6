/**
 * The configured providers of OpenID Connect. Central fetches their metadata when somebody signs in, so a provider that is down
 * never stops central.
 */
import {
  allowInsecureRequests,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  type Configuration,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  None,
} from 'openid-client';
import type { Clock } from '../../../kernel/lifecycle/clock.ts';
import type { Log } from '../../../kernel/log.ts';
import { messageOf, problem } from '../../../kernel/problem.ts';
import type { OidcProvider } from '../../config.ts';
import { createBoundedFetch } from './bounded-fetch.ts';

/** The metadata are fetched again after this time, because a provider may move its endpoints. */
const METADATA_MS = 3_600_000;
/** A provider that failed is not asked again within this time. */
const RETRY_MS = 2_000;

export interface Provider {
  readonly config: OidcProvider;
  /** @throws Problem 503 `sign-in-unavailable` */
  connect(): Promise<Configuration>;
}

export interface ProviderDeps {
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

export type Providers = ReadonlyMap<string, Provider>;

/** @returns the providers by name */
export const createProviders = (configs: readonly OidcProvider[], deps: ProviderDeps): Providers =>
  new Map(configs.map(config => [config.name, createProvider(config, deps)]));

function createProvider(config: OidcProvider, { timeoutMs, clock, log }: ProviderDeps): Provider {
  let known: Configuration | undefined;
  let pending: Promise<Configuration> | undefined;
  let refreshAtMs = 0;

  async function refresh(): Promise<Configuration> {
    try {
      known = await discover(config, timeoutMs);
      refreshAtMs = clock.now() + METADATA_MS;
      return known;
    } catch (error) {
      refreshAtMs = clock.now() + RETRY_MS;
      log.warn({ err: error, provider: config.name }, 'a provider for signing in does not respond');
      // The endpoints that worked before probably still do.
      if (known) return known;
      throw error;
    } finally {
      pending = undefined;
    }
  }

  return {
    config,
    async connect() {
      if (clock.now() < refreshAtMs) {
        if (known) return known;
        throw unavailable(config);
      }
      pending ??= refresh();
      try {
        return await pending;
      } catch (error) {
        throw unavailable(config, error);
      }
    },
  };
}

export const unavailable = ({ name }: Pick<OidcProvider, 'name'>, cause?: unknown) =>
  problem(
    'sign-in-unavailable',
    `"${name}" does not respond as expected${cause === undefined ? '' : `: ${messageOf(cause)}`}.`,
    { cause, headers: { 'retry-after': '5' } },
  );

const discover = ({ issuer, clientId, clientSecret }: OidcProvider, timeoutMs: number) =>
  discovery(new URL(issuer), clientId, {}, authenticateClient(clientSecret), {
    [customFetch]: createBoundedFetch(timeoutMs),
    timeout: timeoutMs / 1_000,
    execute: [
      // The signature of the ID token is checked although it arrives over TLS.
      enableNonRepudiationChecks,
      // The configuration accepts plain HTTP only for a provider on this machine.
      ...(new URL(issuer).protocol === 'http:' ? [allowInsecureRequests] : []),
    ],
  });

/** HTTP Basic is the default of the standard (OpenID Connect Discovery 1.0, section 3). */
function authenticateClient(clientSecret: string | undefined): ClientAuth {
  if (clientSecret === undefined) return None();
  const [basic, post] = [ClientSecretBasic(clientSecret), ClientSecretPost(clientSecret)];
  return (server, client, body, headers) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    const authenticate = methods.includes('client_secret_basic') ? basic : post;
    return authenticate(server, client, body, headers);
  };
}
