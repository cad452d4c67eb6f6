/** Every failure of a call becomes an ApiError with a stable code (RFC 9457). Pure. */
import type { InputError } from '../../protocol/base/input-error.ts';

/** Codes of failures that no server reported: the pages find them out themselves. */
const CLIENT_ERROR_CODES = [
  /** No response arrived. */
  'network',
  /** The response is not one of ours. */
  'unreadable',
  /** A proxy refuses even the smallest request of an upload. */
  'proxy-limit',
  /** Central knows no tracker yet. */
  'no-tracker',
  /** Central knows trackers, and none of them responds. */
  'tracker-unavailable',
] as const;
type ClientErrorCode = (typeof CLIENT_ERROR_CODES)[number];

export const isClientErrorCode = (code: string): code is ClientErrorCode =>
  (CLIENT_ERROR_CODES as readonly string[]).includes(code);

interface ApiErrorOptions {
  readonly cause?: unknown;
  readonly retryAfterSeconds?: number | undefined;
  readonly errors?: readonly InputError[] | undefined;
}

export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** HTTP status; 0 if no response arrived. */
  readonly status: number;
  /** A `ClientErrorCode`, the code of the server's problem, or `refused` for an error in plain text (from a proxy). */
  readonly code: string;
  readonly retryAfterSeconds: number | undefined;
  /** The errors of an invalid request, one for each field. */
  readonly errors: readonly InputError[];

  constructor(status: number, code: string, detail: string, options: ApiErrorOptions = {}) {
    super(detail, { cause: options.cause });
    this.status = status;
    this.code = code;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.errors = options.errors ?? [];
  }
}

/** A longer text is a page, not a sentence. */
const MAX_PLAIN_TEXT_LENGTH = 300;

/**
 * Reads the body of an error response: problem+json, or a short plain text.
 *
 * @param retryAfter the `Retry-After` header, of which only seconds are understood
 */
export function parseProblem(status: number, text: string, retryAfter: string | null = null): ApiError {
  const seconds = Number(retryAfter);
  const options = { retryAfterSeconds: retryAfter && Number.isFinite(seconds) ? seconds : undefined };
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === 'object' && body !== null && 'code' in body && typeof body.code === 'string') {
      const detail = 'detail' in body && typeof body.detail === 'string' ? body.detail : '';
      const errors = 'errors' in body ? inputErrorsOf(body.errors) : [];
      return new ApiError(status, body.code, detail, { ...options, errors });
    }
  } catch {
    const plain = text.trim();
    if (plain !== '' && plain.length < MAX_PLAIN_TEXT_LENGTH && !plain.startsWith('<')) {
      return new ApiError(status, 'refused', plain, options);
    }
  }
  return new ApiError(status, 'unreadable', '', options);
}

/** A proxy or a newer server may send other members of this name. */
const inputErrorsOf = (errors: unknown): readonly InputError[] =>
  Array.isArray(errors)
    ? errors.filter(
        error =>
          typeof error?.field === 'string' &&
          typeof error.code === 'string' &&
          typeof error.detail === 'string',
      )
    : [];

/** True if retrying cannot help: the credential is refused, or the video does not exist. */
export const isPermanent = (error: unknown): boolean =>
  error instanceof ApiError && (error.status === 403 || error.status === 404 || error.status === 410);

/** True if the server knows the credential to be wrong. Without one, it may respond. */
export const isWrongCredential = (error: unknown): boolean =>
  error instanceof ApiError && error.code === 'credential-invalid';
