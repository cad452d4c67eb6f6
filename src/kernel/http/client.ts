/** HTTP requests between parts: signed or plain, bounded in time and size, with parsed responses. */
import { isIP } from 'node:net';
import type { z } from 'zod';
import type { KeyPair } from '../identity/keys.ts';
import { signRequest, splitUrl } from '../identity/signatures.ts';
import { parseInput } from '../input.ts';
import { withinLimit } from '../lifecycle/time-limit.ts';
import { messageOf, Problem, problem, problemOfPeer } from '../problem.ts';

export interface Signer {
  readonly key: KeyPair;
  readonly keyId: string;
}

export interface OutgoingRequest {
  readonly url: URL;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly abort: AbortSignal;
  readonly maxBytes: number;
}
export interface IncomingResponse {
  readonly status: number;
  readonly text: string;
}
/** Sends a request to its server and returns the response. @throws any error of the transport */
export type Send = (request: OutgoingRequest) => Promise<IncomingResponse>;

export interface CallOptions<T> {
  readonly method?: 'GET' | 'POST';
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent unchanged, instead of `body`. */
  readonly content?: { readonly type: string; readonly text: string };
  readonly signer?: Signer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly abort?: AbortSignal | undefined;
  readonly response: z.ZodType<T>;
  /** Transport to use instead of HTTP. */
  readonly send?: Send;
}

/**
 * Calls another part and parses its JSON response.
 *
 * @throws Problem with the code that the peer reported, or 502 `peer-error`, `peer-unreachable`, `peer-too-large` or
 * `peer-malformed`.
 */
export async function call<T>(url: string, options: CallOptions<T>): Promise<T> {
  const target = new URL(url);
  const { content } = options;
  const body = content ? content.text : options.body === undefined ? '' : JSON.stringify(options.body);
  const method = options.method ?? 'GET';
  const headers: Record<string, string> = { accept: 'application/json', ...options.headers };
  if (body) headers['content-type'] = content?.type ?? 'application/json';
  if (options.signer) {
    const parts = { method, ...splitUrl(target), body };
    Object.assign(headers, signRequest(options.signer.key, options.signer.keyId, parts, Date.now()));
  }
  const { maxBytes } = options;
  const send = options.send ?? sendOverHttp;
  let status: number;
  let text: string;
  try {
    ({ status, text } = await withinLimit(options.timeoutMs, options.abort, abort =>
      send({ url: target, method, headers, body, abort, maxBytes }),
    ));
  } catch (error) {
    if (error instanceof Problem) throw error;
    const cause = error instanceof Error && error.cause ? messageOf(error.cause) : messageOf(error);
    throw problem('peer-unreachable', `${target.host} could not be reached: ${cause}.`, {
      cause: error,
    });
  }
  const json = parseJson(text, target.host);
  if (status < 200 || status > 299) throw toPeerProblem(json, status, target.host);
  const parsed = parseInput(options.response, json, {
    whole: `The response of ${target.host}`,
    field: 'field',
    object: 'an object',
  });
  if (parsed.ok) return parsed.data;
  const [error] = parsed.errors;
  throw problem('peer-malformed', `${target.host} sent an unexpected response. ${error?.detail ?? ''}`);
}

const sendOverHttp: Send = async ({ url, method, headers, body, abort: signal, maxBytes }) => {
  const response = await fetch(url, {
    method,
    headers,
    redirect: 'error',
    signal,
    ...(body ? { body } : {}),
  });
  return { status: response.status, text: await readBounded(response, maxBytes, url.host) };
};

/** @throws Problem 502 `peer-too-large` */
export async function readBounded(response: Response, maxBytes: number, host: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) {
      throw problem('peer-too-large', `The response of ${host} exceeds ${maxBytes} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string, host: string): unknown {
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch (cause) {
    throw problem('peer-malformed', `The response of ${host} is not JSON.`, { cause });
  }
}

function toPeerProblem(json: unknown, status: number, host: string): Problem {
  const { code, detail } = (json ?? {}) as { code?: unknown; detail?: unknown };
  return problemOfPeer(
    status,
    code,
    typeof detail === 'string' ? detail.slice(0, 1_000) : `${host} responded with status ${status}.`,
  );
}

/** Formats `host:port`, with IPv6 addresses in brackets. */
export const formatAddress = (ip: string, port: number): string =>
  isIP(ip) === 6 ? `[${ip}]:${port}` : `${ip}:${port}`;
