/** The problems with which the buffer responds. */
import { type Problem, problem } from '../../../kernel/problem.ts';

const soon = { headers: { 'retry-after': '1' } } as const;

export const methodNotAllowed = (): Problem =>
  problem('method-not-allowed', 'Streams are read-only. Use GET or HEAD.', {
    headers: { allow: 'GET, HEAD, OPTIONS' },
  });
export const notFound = (): Problem => problem('not-found', 'There is no such file.');
export const fileUnknown = (): Problem => problem('file-unknown', 'This video has no such file.');
export const videoUnknown = (): Problem => problem('video-unknown', 'There is no such video here.');
export const videoWithdrawn = (): Problem => problem('video-withdrawn', 'This video was withdrawn.');
export const busy = (): Problem =>
  problem('busy', 'Too many files are being fetched at once. Try again in a moment.', soon);
export const stopping = (): Problem => problem('busy', 'This site is stopping.', soon);
export const linkFull = (retryAfterS: number): Problem =>
  problem('link-full', "This site's uplink is full. Use another site, or try again in a moment.", {
    headers: { 'retry-after': String(retryAfterS) },
  });
export const budgetUsed = (retryAfterS: number): Problem =>
  problem('budget-used', 'This site has reached its daily upload limit. Use another site.', {
    headers: { 'retry-after': String(Math.min(retryAfterS, 3_600)) },
  });
export const uploadsOnly = (): Problem =>
  problem('uploads-only', 'This site only accepts uploads and serves no viewers. Use another site.', {
    headers: { 'retry-after': '3600' },
  });
export const noSource = (): Problem =>
  problem('no-source', 'No site that holds this video can be reached right now.', {
    headers: { 'retry-after': '2' },
  });
export const fillFailed = (reason: string, cause: unknown): Problem =>
  problem('fill-failed', `This file could not be fetched: ${reason}.`, { cause });
export const rangeUnsatisfiable = (length: number): Problem =>
  problem('range-unsatisfiable', `This file has ${length} bytes, and the range starts after the last one.`, {
    // RFC 9110, section 15.5.17: Content-Range has the current length.
    headers: { 'content-range': `bytes */${length}` },
  });
export const downloadNotAllowed = (): Problem =>
  problem('download-not-allowed', 'The author of this video does not allow this download.');
