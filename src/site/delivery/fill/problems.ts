/** Every way in which the buffer says no, with its stable code. */
import { Problem } from '../../../kernel/problem.ts';

const soon = { headers: { 'retry-after': '1' } } as const;

export const methodNotAllowed = (): Problem =>
  new Problem(405, 'method-not-allowed', 'Streams can be read only: GET or HEAD.', {
    headers: { allow: 'GET, HEAD, OPTIONS' },
  });
export const notFound = (): Problem => new Problem(404, 'not-found', 'There is no such file.');
export const fileUnknown = (): Problem => new Problem(404, 'file-unknown', 'This video has no such file.');
export const videoUnknown = (): Problem => new Problem(404, 'video-unknown', 'There is no such video here.');
export const videoWithdrawn = (): Problem => new Problem(410, 'video-withdrawn', 'This video was withdrawn.');
export const busy = (): Problem =>
  new Problem(503, 'busy', 'Too much is being fetched at once. Try again in a moment.', soon);
export const stopping = (): Problem => new Problem(503, 'busy', 'This site is stopping.', soon);
export const linkFull = (retryAfterS: number): Problem =>
  new Problem(
    503,
    'link-full',
    "This site's link is full. Play from another site, or try again in a moment.",
    {
      headers: { 'retry-after': String(retryAfterS) },
    },
  );
export const budgetUsed = (retryAfterS: number): Problem =>
  new Problem(503, 'budget-used', 'This site has sent all that it may send today. Play from another site.', {
    headers: { 'retry-after': String(Math.min(retryAfterS, 3_600)) },
  });
export const uploadsOnly = (): Problem =>
  new Problem(503, 'uploads-only', 'This site takes uploads and serves no viewers. Play from another site.', {
    headers: { 'retry-after': '3600' },
  });
export const noSource = (): Problem =>
  new Problem(503, 'no-source', 'No site that holds this video can be reached now.', {
    headers: { 'retry-after': '2' },
  });
export const fillFailed = (reason: string, cause: unknown): Problem =>
  new Problem(502, 'fill-failed', `This could not be fetched: ${reason}.`, { cause });
export const rangeUnsatisfiable = (length: number): Problem =>
  new Problem(416, 'range-unsatisfiable', `This file has ${length} bytes; the range begins behind them.`, {
    // RFC 9110, section 15.5.17: the length is told in Content-Range.
    headers: { 'content-range': `bytes */${length}` },
  });
