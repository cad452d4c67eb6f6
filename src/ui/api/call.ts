/** The one way from the pages to the servers. Every failure becomes an ApiError with a stable code (RFC 9457). */
import type { Texts } from '../i18n/texts.ts';

const TIMEOUT_MS = 15_000;

export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** HTTP status; 0 where no answer came. */
  readonly status: number;
  /** `network` where no answer came, `unreadable` where it was no problem of ours, otherwise the problem's own. */
  readonly code: string;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    status: number,
    code: string,
    detail: string,
    options: { readonly cause?: unknown; readonly retryAfterSeconds?: number | undefined } = {},
  ) {
    super(detail, { cause: options.cause });
    this.status = status;
    this.code = code;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

export interface CallOptions {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** A file goes as it is, anything else as JSON. */
  readonly body?: unknown;
  readonly token?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Calls and reads JSON; `undefined` for an answer without content. The shapes are the protocol's and our own servers'
 * to keep: they are not checked again here.
 *
 * @throws ApiError, or the reason of `signal` if the caller gave up.
 */
export async function call<T>(url: string, options: CallOptions = {}): Promise<T> {
  const headers = new Headers({ accept: 'application/json' });
  if (options.token) headers.set('authorization', `Bearer ${options.token}`);
  const isFile = options.body instanceof Blob;
  if (options.body !== undefined) {
    headers.set('content-type', isFile ? 'application/octet-stream' : 'application/json');
  }
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method: options.method ?? 'GET',
      headers,
      body:
        options.body instanceof Blob
          ? options.body
          : options.body === undefined
            ? null
            : JSON.stringify(options.body),
      signal: options.signal ? AbortSignal.any([options.signal, timeout]) : timeout,
    });
    text = await response.text();
  } catch (cause) {
    options.signal?.throwIfAborted();
    throw new ApiError(0, 'network', 'The server does not answer.', { cause });
  }
  if (!response.ok) throw parseProblem(response.status, text, response.headers.get('retry-after'));
  if (text === '') return undefined as T;
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new ApiError(response.status, 'unreadable', 'The answer is not JSON.', { cause });
  }
}

/** Reads problem+json, or a plain sentence, out of a refusal. */
export function parseProblem(status: number, text: string, retryAfter: string | null = null): ApiError {
  const seconds = Number(retryAfter);
  const options = { retryAfterSeconds: retryAfter && Number.isFinite(seconds) ? seconds : undefined };
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === 'object' && body !== null && 'code' in body && typeof body.code === 'string') {
      const detail = 'detail' in body && typeof body.detail === 'string' ? body.detail : '';
      return new ApiError(status, body.code, detail, options);
    }
  } catch {
    // Not JSON. A short line that is no page can still be told to the person.
    const line = text.trim();
    if (line !== '' && line.length < 300 && !line.startsWith('<')) {
      return new ApiError(status, 'refused', line, options);
    }
  }
  return new ApiError(status, 'unreadable', '', options);
}

/** What to tell the person: our own sentence where the code is known, otherwise the server's. */
export function sentenceOf(error: unknown, errors: Texts['errors']): string {
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error);
  if (error.status === 401) return errors.unauthorised;
  if (error.code === 'unreadable' && error.status > 0) return `${errors.unreadable} (${error.status})`;
  if (Object.hasOwn(errors, error.code)) return errors[error.code as keyof Texts['errors']];
  return error.message || errors.unreadable;
}
