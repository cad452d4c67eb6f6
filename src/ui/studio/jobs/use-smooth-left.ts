/** A remaining time that counts down and follows new estimates slowly, so that it never jumps wildly. */
import { useRef } from 'preact/hooks';
import { followLeft, type Left } from './follow-left.ts';

export { roundLeft } from './follow-left.ts';

export function useSmoothLeft(leftMs: number | undefined): number | undefined {
  const shown = useRef<Left | undefined>(undefined);
  const last = useRef<number | undefined>(undefined);
  if (leftMs === undefined) shown.current = undefined;
  else if (shown.current === undefined || last.current !== leftMs)
    shown.current = followLeft(shown.current, leftMs, Date.now());
  last.current = leftMs;
  return shown.current?.leftMs;
}
