/** What a touch on the video means. Pure: points and times in, a gesture out. */

export interface Touch {
  /** From the left edge of the video, in CSS pixels. */
  readonly fromX: number;
  readonly fromY: number;
  readonly toX: number;
  readonly toY: number;
  /** Of the video. */
  readonly width: number;
  readonly atMs: number;
}

export interface Tap {
  readonly x: number;
  readonly atMs: number;
}

export type Gesture =
  | { readonly kind: 'tap' }
  /** Two taps on one side of the video. */
  | { readonly kind: 'double-tap'; readonly side: 'left' | 'middle' | 'right' }
  /** `seconds`: how far the viewer wants to move in the video. */
  | { readonly kind: 'swipe'; readonly seconds: number }
  | { readonly kind: 'pull-down' };

const MIN_SWIPE_PX = 14;
const DOUBLE_TAP_MS = 320;
const DOUBLE_TAP_PX = 60;
/** A swipe over the whole width of the video. */
const SECONDS_PER_WIDTH = 90;

/** @param before the tap before this one, if there was one */
export function classifyTouch(touch: Touch, before: Tap | undefined): Gesture {
  const [dx, dy] = [touch.toX - touch.fromX, touch.toY - touch.fromY];
  if (isSwipe(dx, dy)) return { kind: 'swipe', seconds: swipeSeconds(touch) };
  if (dy > MIN_SWIPE_PX) return { kind: 'pull-down' };
  const isSecond =
    before !== undefined &&
    touch.atMs - before.atMs <= DOUBLE_TAP_MS &&
    Math.abs(touch.toX - before.x) <= DOUBLE_TAP_PX;
  if (!isSecond) return { kind: 'tap' };
  const third = touch.toX / Math.max(1, touch.width);
  return { kind: 'double-tap', side: third < 1 / 3 ? 'left' : third > 2 / 3 ? 'right' : 'middle' };
}

/** A sideways movement. Any other one scrolls the page. */
export const isSwipe = (dx: number, dy: number): boolean =>
  Math.abs(dx) >= MIN_SWIPE_PX && Math.abs(dx) > 1.5 * Math.abs(dy);

export const swipeSeconds = ({ fromX, toX, width }: Pick<Touch, 'fromX' | 'toX' | 'width'>): number =>
  Math.round(((toX - fromX) / Math.max(1, width)) * SECONDS_PER_WIDTH);
