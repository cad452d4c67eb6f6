/** Problem details (RFC 9457): one class for every expected failure that crosses a boundary, and the one formatter of them. */
import type { InputError } from '../protocol/base/input-error.ts';
import type { Permission } from '../protocol/people/permissions.ts';
import {
  defaultDetail,
  isProblemCode,
  PROBLEMS,
  type ProblemCode,
  problemType,
} from '../protocol/problems.ts';
import { describeSystemError } from './system-error.ts';

export const PROBLEM_TYPE = 'application/problem+json';

export interface ProblemOptions {
  readonly cause?: unknown;
  /** Response headers, for example Retry-After. */
  readonly headers?: Readonly<Record<string, string>>;
  /** HTTP status of the peer that reported this problem. */
  readonly peerStatus?: number;
  /** The errors of an invalid request, one for each field. */
  readonly errors?: readonly InputError[];
  /** The permission that the caller lacks (`not-permitted`). */
  readonly permission?: Permission;
}

/** A failure to report to the caller. Create one with `problem` or `problemOfPeer`. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: ProblemCode;
  readonly headers: Readonly<Record<string, string>>;
  readonly peerStatus: number | undefined;
  readonly errors: readonly InputError[] | undefined;
  readonly permission: Permission | undefined;

  constructor(code: ProblemCode, detail: string, options: ProblemOptions = {}) {
    const { cause, headers, peerStatus, errors, permission } = options;
    super(detail, { cause });
    this.code = code;
    this.headers = headers ?? {};
    this.peerStatus = peerStatus;
    this.errors = errors;
    this.permission = permission;
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }
}

/** `detail` says what was wrong this time and what to do; without it, the table's title and advice are used. */
export const problem = (code: ProblemCode, detail?: string, options?: ProblemOptions): Problem =>
  new Problem(code, detail ?? defaultDetail(code), options);

/** The problem that a peer reported with HTTP status `peerStatus`. Codes that this version does not know become `peer-error`. */
export const problemOfPeer = (peerStatus: number, code: unknown, detail: string): Problem =>
  new Problem(isProblemCode(code) ? code : 'peer-error', detail, { peerStatus });

export interface FormattedProblem {
  readonly status: number;
  /** Content-Type, Content-Length and the headers of the problem; lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The response to send for a problem (RFC 9457, section 3). */
export function formatProblem(reported: Problem): FormattedProblem {
  const { code, status, message: detail, headers, errors, permission } = reported;
  const { title } = PROBLEMS[code];
  const body = JSON.stringify({ type: problemType(code), title, status, code, detail, errors, permission });
  return {
    status,
    headers: {
      'content-type': PROBLEM_TYPE,
      'content-length': String(Buffer.byteLength(body)),
      ...headers,
    },
    body,
  };
}

/** The message of an unknown thrown value, without its stack. The usual errors of the operating system are put into words. */
export function messageOf(error: unknown): string {
  // A name with several addresses (localhost: IPv4 and IPv6) fails with one error for each, and with an empty message.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return describeSystemError(error) ?? (error instanceof Error ? error.message : String(error));
}
