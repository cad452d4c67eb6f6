/** Which rows of a long list are in view, so that only these exist. All rows have the same height, which the style sheet gives. */
import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';

const MARGIN_ROWS = 6;

export interface ListWindow {
  readonly rowPx: number;
  /** The first row that exists, and the one after the last. */
  readonly from: number;
  readonly to: number;
  /** Brings a row into view. */
  show(index: number): void;
}

export function useWindow(list: RefObject<HTMLElement | null>, count: number): ListWindow {
  const [view, setView] = useState({ top: 0, height: 800, rowPx: 100 });
  useEffect(() => {
    const element = list.current;
    if (!element) return;
    const measure = (): void => {
      const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
      const rows = Number.parseFloat(getComputedStyle(element).getPropertyValue('--cue-height'));
      const rowPx = rem * (rows || 6);
      setView({ top: element.scrollTop, height: element.clientHeight, rowPx });
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    element.addEventListener('scroll', measure, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', measure);
    };
  }, [list.current]);
  const { top, height, rowPx } = view;
  return {
    rowPx,
    from: Math.max(0, Math.floor(top / rowPx) - MARGIN_ROWS),
    to: Math.min(count, Math.ceil((top + height) / rowPx) + MARGIN_ROWS),
    show(index) {
      const element = list.current;
      if (!element) return;
      const [above, below] = [index * rowPx, (index + 1) * rowPx];
      const isVisible = above >= element.scrollTop && below <= element.scrollTop + element.clientHeight;
      if (!isVisible) element.scrollTop = Math.max(0, above - element.clientHeight / 3);
    },
  };
}
