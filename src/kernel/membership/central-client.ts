/** The client with which a member calls central: signed, bounded in time and size, every response parsed. */
import type { z } from 'zod';
import { call } from '../http/client.ts';
import { type MemberIdentity, signerOf } from './member.ts';

const TIMEOUT_MS = 10_000;
/** Added to the time for which central may hold a long poll. */
const LONG_POLL_MARGIN_MS = 10_000;
const MAX_RESPONSE_BYTES = 256 * 1024;

export interface CentralRequest<T> {
  /** Sent as JSON by POST; without a body or content the request is a GET, unless `method` says otherwise. */
  readonly body?: unknown;
  /** Sent by POST as it is, instead of `body`. */
  readonly content?: { readonly type: string; readonly text: string };
  readonly method?: 'GET' | 'POST';
  readonly response: z.ZodType<T>;
  /** For how long central may wait until there is something to respond with, in seconds. */
  readonly waitS?: number;
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
}

export interface CentralClient {
  /** The id of this member. */
  readonly member: string;
  readonly url: string;
  /** `path` begins with a slash. @throws Problem as `call` does */
  call<T>(path: string, request: CentralRequest<T>, abort?: AbortSignal): Promise<T>;
}

/** The client of a member that has joined; undefined before that. */
export function centralClientOf({ key, membership }: MemberIdentity): CentralClient | undefined {
  if (!membership) return undefined;
  const { centralUrl: url, id } = membership;
  const signer = signerOf(key, membership);
  return {
    member: id,
    url,
    call: (path, { body, content, method, response, waitS, timeoutMs, maxBytes }, abort) =>
      call(url + path, {
        method: method ?? (body === undefined && content === undefined ? 'GET' : 'POST'),
        ...(body === undefined ? {} : { body }),
        ...(content === undefined ? {} : { content }),
        signer,
        timeoutMs: timeoutMs ?? (waitS === undefined ? TIMEOUT_MS : waitS * 1_000 + LONG_POLL_MARGIN_MS),
        maxBytes: maxBytes ?? MAX_RESPONSE_BYTES,
        abort,
        response,
      }),
  };
}
