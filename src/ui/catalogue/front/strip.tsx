/** A row of cards that scrolls sideways, with its heading. */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { useTranslation } from '../../i18n/use-translation.tsx';

interface StripProps {
  readonly heading: string;
  /** The page with all of them. */
  readonly all?: string | undefined;
  readonly testId: string;
  /** The cards have a button below their text. */
  readonly hasActions?: boolean;
  readonly children: ComponentChildren;
}

export function Strip({ heading, all, testId, hasActions = false, children }: StripProps) {
  const { t } = useTranslation();
  const id = useId();
  const list = useRef<HTMLUListElement>(null);
  const { isScrollable, atStart, atEnd } = useScrollState(list);
  const scroll = (direction: 1 | -1): void => {
    const { current } = list;
    if (!current) return;
    const isRightToLeft = getComputedStyle(current).direction === 'rtl';
    current.scrollBy({ left: direction * (isRightToLeft ? -1 : 1) * current.clientWidth * 0.9 });
  };
  return (
    <section class="strip" aria-labelledby={id} data-testid={testId}>
      <div class="strip-head">
        <h2 id={id}>{heading}</h2>
        {all !== undefined && <a href={all}>{t.front.all}</a>}
        {isScrollable && (
          // The cards can be reached with the keyboard, and scroll the row.
          <div class="strip-buttons" aria-hidden="true">
            <button type="button" tabIndex={-1} disabled={atStart} onClick={() => scroll(-1)}>
              ‹
            </button>
            <button type="button" tabIndex={-1} disabled={atEnd} onClick={() => scroll(1)}>
              ›
            </button>
          </div>
        )}
      </div>
      <ul ref={list} class={`cards cards-strip${hasActions ? ' cards-actions' : ''}`}>
        {children}
      </ul>
    </section>
  );
}

function useScrollState(list: { readonly current: HTMLElement | null }) {
  const [state, setState] = useState({ isScrollable: false, atStart: true, atEnd: true });
  useEffect(() => {
    const { current } = list;
    if (!current) return undefined;
    const update = (): void => {
      const hidden = current.scrollWidth - current.clientWidth;
      const at = Math.abs(current.scrollLeft);
      setState({ isScrollable: hidden > 4, atStart: at < 4, atEnd: at > hidden - 4 });
    };
    const observer = new ResizeObserver(update);
    observer.observe(current);
    const children = new MutationObserver(update);
    children.observe(current, { childList: true });
    current.addEventListener('scroll', update, { passive: true });
    return () => {
      observer.disconnect();
      children.disconnect();
      current.removeEventListener('scroll', update);
    };
  }, [list]);
  return state;
}
