/** Requests to a central under test, as an operator and as a member that joins. */
import { call } from '../../src/kernel/http/client.ts';
import type { KeyPair } from '../../src/kernel/identity/keys.ts';
import { joinResponseSchema } from '../../src/protocol/central.ts';

export const TOKEN = 'operator-token-of-the-tests';
/** Limits of the members' own requests: generous, so that it is central's limits that a test meets. */
export const REQUEST_LIMITS = { timeoutMs: 30_000, maxBytes: 2 ** 24 } as const;

export interface JsonResponse {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests read members of any response
  readonly body: any;
  readonly headers: Headers;
}

export interface RequestOptions {
  readonly body?: unknown;
  /** null sends none; without it, the operator's. */
  readonly token?: string | null;
  readonly headers?: Record<string, string>;
}

/** What the members of a central need of it. */
export interface CentralUnderTest {
  readonly url: string;
  request(method: string, path: string, options?: RequestOptions): Promise<JsonResponse>;
}

export async function requestCentral(
  centralUrl: string,
  method: string,
  path: string,
  { body, token = TOKEN, headers = {} }: RequestOptions = {},
): Promise<JsonResponse> {
  const send = () =>
    fetch(`${centralUrl}${path}`, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  // A kept-alive connection from before a restart may be reset under a GET.
  const response = await send().catch(error => {
    if (method !== 'GET') throw error;
    return send();
  });
  return { status: response.status, body: parse(await response.text()), headers: response.headers };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export const joinCentral = (centralUrl: string, key: KeyPair, joinToken: string) =>
  call(`${centralUrl}/api/join`, {
    ...REQUEST_LIMITS,
    method: 'POST',
    body: { joinToken, publicKey: key.publicKey },
    signer: { key, keyId: 'join' },
    response: joinResponseSchema,
  });
