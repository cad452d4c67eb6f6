/** The only way from the pages to the servers. Every failure is thrown as an ApiError. */
import { ApiError, isWrongCredential, parseProblem } from './api-error.ts';

const TIMEOUT_MS = 15_000;

interface CallOptions {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** A file is sent unchanged, anything else as JSON. */
  readonly body?: unknown;
  readonly token?: string | undefined;
  readonly abort?: AbortSignal | undefined;
  /** Without cookies: a page of another site contains this one. */
  readonly isAnonymous?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  /** False for the call that a listener of `onSessionEnd` makes. */
  readonly reportsSessionEnd?: boolean;
}

function formatBody(body: unknown): BodyInit | null {
  if (body instanceof Blob) return body;
  return body === undefined ? null : JSON.stringify(body);
}

const endListeners = new Set<() => void>();

/** Calls `listener` when a response shows that nobody is signed in any more. Returns the function that ends this. */
export function onSessionEnd(listener: () => void): () => void {
  endListeners.add(listener);
  return () => void endListeners.delete(listener);
}

/**
 * Sends a request and parses the JSON of the response. A response without content is `undefined`. Our own servers validate
 * what they send, so its shape is not checked again.
 *
 * The response to a session that has ended removes its cookie, so the request is sent once more, without a session.
 *
 * @throws ApiError, or the reason of `abort` if the caller aborted the call
 */
export async function call<T>(url: string, options: CallOptions = {}): Promise<T> {
  try {
    return await send<T>(url, options);
  } catch (error) {
    if (options.token !== undefined || !(error instanceof ApiError) || error.status !== 401) throw error;
    const isEnded = isWrongCredential(error);
    const isReported = options.reportsSessionEnd !== false && (isEnded || error.code === 'sign-in-needed');
    if (isReported) for (const listener of endListeners) listener();
    if (!isEnded) throw error;
    return send<T>(url, options);
  }
}

/** Downloads a long response as it is. @throws ApiError */
export async function downloadFile(url: string, accept: string, token: string | undefined): Promise<Blob> {
  const headers = new Headers({ accept });
  if (token) headers.set('authorization', `Bearer ${token}`);
  let response: Response;
  try {
    response = await fetch(url, { headers });
    if (response.ok) return await response.blob();
  } catch (cause) {
    throw new ApiError(0, 'network', 'The server is not responding.', { cause });
  }
  throw parseProblem(response.status, await response.text(), response.headers.get('retry-after'));
}

/** A text with its entity tag, for changes that must not overwrite those of others (RFC 9110, section 13.1.1). */
export interface TaggedText {
  readonly text: string;
  readonly tag: string;
}

interface TextOptions extends Pick<CallOptions, 'token' | 'abort'> {
  /** Replaces the text that this tag names. */
  readonly replace?: { readonly text: Blob; readonly tag: string };
}

/** Reads or replaces a text. @throws ApiError */
export async function callForText(url: string, { replace, ...options }: TextOptions): Promise<TaggedText> {
  const change =
    replace && ({ method: 'PUT', body: replace.text, headers: { 'if-match': replace.tag } } as const);
  const { response, text } = await exchange(url, { ...options, ...change });
  return { text, tag: response.headers.get('etag') ?? '' };
}

async function send<T>(url: string, options: CallOptions): Promise<T> {
  const { response, text } = await exchange(url, options);
  if (text === '') return undefined as T;
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new ApiError(response.status, 'unreadable', 'The response is not JSON.', { cause });
  }
}

async function exchange(
  url: string,
  options: CallOptions & { readonly headers?: Readonly<Record<string, string>> },
): Promise<{ readonly response: Response; readonly text: string }> {
  const headers = new Headers({ accept: 'application/json', ...options.headers });
  if (options.token) headers.set('authorization', `Bearer ${options.token}`);
  if (options.body !== undefined) {
    const isFile = options.body instanceof Blob;
    headers.set('content-type', isFile ? 'application/octet-stream' : 'application/json');
  }
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method: options.method ?? 'GET',
      headers,
      body: formatBody(options.body),
      ...(options.isAnonymous ? { credentials: 'omit' as const } : {}),
      signal: options.abort ? AbortSignal.any([options.abort, timeout]) : timeout,
    });
    text = await response.text();
  } catch (cause) {
    options.abort?.throwIfAborted();
    throw new ApiError(0, 'network', 'The server is not responding.', { cause });
  }
  if (!response.ok) throw parseProblem(response.status, text, response.headers.get('retry-after'));
  return { response, text };
}
