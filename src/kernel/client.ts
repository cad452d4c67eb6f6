/** HTTP requests between parts: signed or plain, bounded in time and size, every answer parsed. */
import { isIP } from 'node:net';
import type { z } from 'zod';
import type { KeyPair } from './keys.ts';
import { withinLimit } from './limit.ts';
import { messageOf, Problem } from './problem.ts';
import { signRequest, splitUrl } from './signatures.ts';

export interface Signer {
  readonly key: KeyPair;
  readonly keyId: string;
}

export interface CallOptions<T> {
  readonly method?: 'GET' | 'POST';
  readonly body?: unknown;
  readonly signer?: Signer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
  readonly answer: z.ZodType<T>;
}

/**
 * Calls another part and parses its JSON answer.
 *
 * @throws Problem with the peer's own code where it answered with problem details; otherwise 502 `peer-unreachable`,
 * `peer-too-large` or `peer-malformed`.
 */
export async function call<T>(url: string, options: CallOptions<T>): Promise<T> {
  const target = new URL(url);
  const body = options.body === undefined ? '' : JSON.stringify(options.body);
  const method = options.method ?? 'GET';
  const headers: Record<string, string> = { accept: 'application/json', ...options.headers };
  if (body) headers['content-type'] = 'application/json';
  if (options.signer) {
    const parts = { method, ...splitUrl(target), body };
    Object.assign(headers, signRequest(options.signer.key, options.signer.keyId, parts, Date.now()));
  }
  let status: number;
  let text: string;
  try {
    [status, text] = await withinLimit(options.timeoutMs, options.signal, async signal => {
      const response = await fetch(target, {
        method,
        headers,
        redirect: 'error',
        signal,
        ...(body ? { body } : {}),
      });
      return [response.status, await readBounded(response, options.maxBytes, target.host)];
    });
  } catch (error) {
    if (error instanceof Problem) throw error;
    const cause = error instanceof Error && error.cause ? messageOf(error.cause) : messageOf(error);
    throw new Problem(502, 'peer-unreachable', `${target.host} could not be reached: ${cause}.`, {
      cause: error,
    });
  }
  const json = parseJson(text, target.host);
  if (status < 200 || status > 299) throw problemOf(json, status, target.host);
  const parsed = options.answer.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Problem(
      502,
      'peer-malformed',
      `${target.host} answered something else than was expected: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
    );
  }
  return parsed.data;
}

async function readBounded(response: Response, maxBytes: number, host: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) {
      throw new Problem(502, 'peer-too-large', `${host} answered more than ${maxBytes} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string, host: string): unknown {
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch (cause) {
    throw new Problem(502, 'peer-malformed', `${host} did not answer with JSON.`, { cause });
  }
}

function problemOf(json: unknown, status: number, host: string): Problem {
  const { code, detail } = (json ?? {}) as { code?: unknown; detail?: unknown };
  return new Problem(
    status,
    typeof code === 'string' ? code.slice(0, 80) : 'peer-error',
    typeof detail === 'string' ? detail.slice(0, 1_000) : `${host} answered ${status}.`,
  );
}

/** `host:port` with IPv6 in brackets. */
export const formatAddress = (ip: string, port: number): string =>
  isIP(ip) === 6 ? `[${ip}]:${port}` : `${ip}:${port}`;
