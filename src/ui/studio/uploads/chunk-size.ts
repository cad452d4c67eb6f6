/**
 * The size of the requests of an upload. Proxies limit it, usually to 100, 50, 10 or 1 MB, and none reports its limit. Pure.
 */
import { DetailedError } from 'tus-js-client';
import { isProblemCode } from '../../../protocol/problems.ts';
import { parseProblem } from '../../api/api-error.ts';

/** A little less than the usual limits. */
const CHUNK_BYTES = [95_000_000, 45_000_000, 9_000_000, 900_000];
/** After this many failures without a response, smaller requests may fit. */
const FAILURES_WITHOUT_RESPONSE = 2;

/** The next smaller size; undefined if there is none. */
export const findSmallerChunk = (bytes: number): number | undefined =>
  CHUNK_BYTES.find(smaller => smaller < bytes);

/** What a failed request means for the next one. */
export type ChunkVerdict = 'same' | 'smaller' | 'give-up';

/**
 * A 413 that is no problem of the site comes from a proxy. Some proxies only close the connection: browsers then report no
 * response.
 */
export function judgeFailure(error: Error, failures: number): ChunkVerdict {
  const response = error instanceof DetailedError ? error.originalResponse : undefined;
  if (!response) return failures >= FAILURES_WITHOUT_RESPONSE ? 'smaller' : 'same';
  const status = response.getStatus();
  if (isFromProxy(status, response.getBody())) return 'smaller';
  return status >= 400 && status < 500 && status !== 409 && status !== 423 ? 'give-up' : 'same';
}

/** True if a proxy refused a request because of its size. */
export const isFromProxy = (status: number, body: string): boolean =>
  status === 413 && !isProblemCode(parseProblem(status, body).code);
