import { expect, it } from 'vitest';
import { ApiError } from '../api/api-error.ts';
import { chooseWatchError, isWithdrawn } from './watch-error.ts';

const gone = new ApiError(410, 'video-withdrawn', '');
const forbidden = new ApiError(403, 'grant-expired', '');
const busy = new ApiError(503, 'no-source', '');
const offline = new ApiError(0, 'network', '');
const NONE = { video: undefined, info: undefined, play: undefined };

it('shows a permanent error, also while the video plays', () => {
  expect(chooseWatchError({ ...NONE, play: forbidden, video: gone }, true)).toBe(forbidden);
  expect(chooseWatchError({ ...NONE, play: busy, video: gone }, true)).toBe(gone);
});
it('does not disturb a video that plays with a temporary error', () => {
  expect(chooseWatchError({ video: offline, info: offline, play: busy }, true)).toBeUndefined();
});
it('prefers the error of the tracker, then the one of central', () => {
  expect(chooseWatchError({ video: offline, info: offline, play: busy }, false)).toBe(busy);
  expect(chooseWatchError({ ...NONE, video: busy, info: offline }, false)).toBe(offline);
  expect(chooseWatchError({ ...NONE, video: busy }, false)).toBe(busy);
  expect(chooseWatchError(NONE, false)).toBeUndefined();
});
it('knows that a video is withdrawn from central or from the tracker', () => {
  expect(isWithdrawn(NONE, 'withdrawn')).toBe(true);
  expect(isWithdrawn({ ...NONE, play: gone }, 'registered')).toBe(true);
  expect(isWithdrawn({ ...NONE, video: gone }, undefined)).toBe(true);
  expect(isWithdrawn({ ...NONE, play: busy, video: forbidden }, 'registered')).toBe(false);
});
