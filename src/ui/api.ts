/** The one way from the pages to the servers: JSON in and out, and every failure an Error with a code and a sentence. */
import { t } from './i18n.ts';

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: string;
  /** HTTP status; 0 where no answer came. */
  readonly status: number;

  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

export interface CallOptions {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly body?: unknown;
  readonly token?: string | undefined;
}

/** @throws ApiError */
export async function call<T>(url: string, options: CallOptions = {}): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: options.method ?? 'GET',
      headers: {
        ...(options.token ? { authorization: `Bearer ${options.token}` } : {}),
        ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    });
  } catch {
    throw new ApiError(0, 'offline', t('offline'));
  }
  const body = parseJson(await response.text());
  if (!response.ok) throw toError(response.status, body);
  return body as T;
}

const parseJson = (text: string): unknown => {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Reads problem details (RFC 9457) out of a refusal. */
export function toError(status: number, body: unknown): ApiError {
  const { code, detail } = (typeof body === 'object' && body ? body : {}) as {
    readonly code?: unknown;
    readonly detail?: unknown;
  };
  return new ApiError(
    status,
    typeof code === 'string' ? code : 'unknown',
    typeof detail === 'string' ? detail : `${status}`,
  );
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
