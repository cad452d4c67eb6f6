/** The query of the address as the state of a page: links change it without loading the page, and "back" works. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';

const EVENT = 'tributary-navigate';

export function navigate(search: string): void {
  history.pushState(history.state, '', location.pathname + search);
  dispatchEvent(new Event(EVENT));
}

export function useAddressQuery(): URLSearchParams {
  const [search, setSearch] = useState(location.search);
  useEffect(() => {
    const onChange = (): void => setSearch(location.search);
    addEventListener('popstate', onChange);
    addEventListener(EVENT, onChange);
    return () => {
      removeEventListener('popstate', onChange);
      removeEventListener(EVENT, onChange);
    };
  }, []);
  return new URLSearchParams(search);
}

interface QueryLinkProps {
  /** `?person=…`; empty for the page without a query. */
  readonly search: string;
  readonly children: ComponentChildren;
  readonly current?: boolean;
  readonly testId?: string;
  readonly class?: string;
}

export function QueryLink({ search, children, current, testId, class: className }: QueryLinkProps) {
  return (
    <a
      href={location.pathname + search}
      aria-current={current ? 'page' : undefined}
      data-testid={testId}
      class={className}
      onClick={event => {
        if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        navigate(search);
      }}
    >
      {children}
    </a>
  );
}
