/** Problem details (RFC 9457): one class for every expected failure that crosses a boundary, with a stable code. */

export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  /** What was wrong and what to do, in a sentence. */
  readonly detail: string;
  readonly [extension: string]: unknown;
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Not authorised',
  403: 'Forbidden',
  404: 'Not found',
  405: 'Method not allowed',
  408: 'Too slow',
  409: 'Conflict',
  410: 'Gone',
  412: 'Precondition failed',
  413: 'Too large',
  415: 'Unsupported media type',
  416: 'Range not satisfiable',
  422: 'Not acceptable as it is',
  423: 'Locked',
  429: 'Too many requests',
  431: 'Too large',
  500: 'Internal error',
  502: 'A server behind this one failed',
  503: 'Not available now',
  507: 'Not enough space',
};

/** A failure to be told to the caller. `code` is stable; `detail` is for the person who can do something about it. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    detail: string,
    options: { readonly cause?: unknown; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(detail, { cause: options.cause });
    this.status = status;
    this.code = code;
    this.headers = options.headers ?? {};
  }

  body(): ProblemBody {
    return formatProblem(this.status, this.code, this.message);
  }
}

export const PROBLEM_TYPE = 'application/problem+json';

export const formatProblem = (status: number, code: string, detail: string): ProblemBody => ({
  type: `https://tributary.video/problems/${code}`,
  title: TITLES[status] ?? 'Error',
  status,
  code,
  detail,
});

/** The sentence of an unknown thrown value, without its stack. */
export function messageOf(error: unknown): string {
  // A name with several addresses (localhost: IPv4 and IPv6) fails with one error for each, and no sentence of its own.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
