/** Every way in which the buffer says no, with its stable code. */
import { type Problem, problem } from '../../../kernel/problem.ts';

const soon = { headers: { 'retry-after': '1' } } as const;

export const methodNotAllowed = (): Problem =>
  problem('method-not-allowed', 'Streams can be read only: GET or HEAD.', {
    headers: { allow: 'GET, HEAD, OPTIONS' },
  });
export const notFound = (): Problem => problem('not-found', 'There is no such file.');
export const fileUnknown = (): Problem => problem('file-unknown', 'This video has no such file.');
export const videoUnknown = (): Problem => problem('video-unknown', 'There is no such video here.');
export const videoWithdrawn = (): Problem => problem('video-withdrawn', 'This video was withdrawn.');
export const busy = (): Problem =>
  problem('busy', 'Too much is being fetched at once. Try again in a moment.', soon);
export const stopping = (): Problem => problem('busy', 'This site is stopping.', soon);
export const linkFull = (retryAfterS: number): Problem =>
  problem('link-full', "This site's link is full. Play from another site, or try again in a moment.", {
    headers: { 'retry-after': String(retryAfterS) },
  });
export const budgetUsed = (retryAfterS: number): Problem =>
  problem('budget-used', 'This site has sent all that it may send today. Play from another site.', {
    headers: { 'retry-after': String(Math.min(retryAfterS, 3_600)) },
  });
export const uploadsOnly = (): Problem =>
  problem('uploads-only', 'This site takes uploads and serves no viewers. Play from another site.', {
    headers: { 'retry-after': '3600' },
  });
export const noSource = (): Problem =>
  problem('no-source', 'No site that holds this video can be reached now.', {
    headers: { 'retry-after': '2' },
  });
export const fillFailed = (reason: string, cause: unknown): Problem =>
  problem('fill-failed', `This could not be fetched: ${reason}.`, { cause });
export const rangeUnsatisfiable = (length: number): Problem =>
  problem('range-unsatisfiable', `This file has ${length} bytes; the range begins behind them.`, {
    // RFC 9110, section 15.5.17: the length is told in Content-Range.
    headers: { 'content-range': `bytes */${length}` },
  });
