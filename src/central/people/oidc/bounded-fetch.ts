/** Requests to a provider, bounded in time and size. A provider is trusted to sign people in, but not to keep its responses small. */
import type { CustomFetch } from 'openid-client';
import { readBounded } from '../../../kernel/http/client.ts';
import { withinLimit } from '../../../kernel/lifecycle/time-limit.ts';

const MAX_RESPONSE_BYTES = 2 ** 19;
/** Statuses whose responses have no body (Fetch standard, "null body status"). */
const WITHOUT_BODY: readonly number[] = [101, 103, 204, 205, 304];

/** @returns a `fetch` whose responses have arrived completely within `timeoutMs` */
export const createBoundedFetch =
  (timeoutMs: number): CustomFetch =>
  (url, options) =>
    withinLimit(timeoutMs, options.signal, async abort => {
      const { method, headers, redirect } = options;
      const body = options.body instanceof URLSearchParams ? options.body.toString() : undefined;
      const response = await fetch(url, {
        method,
        headers,
        redirect,
        signal: abort,
        ...(body ? { body } : {}),
      });
      const { status } = response;
      const text = await readBounded(response, MAX_RESPONSE_BYTES, new URL(url).host);
      return new Response(WITHOUT_BODY.includes(status) ? null : text, { status, headers: response.headers });
    });
