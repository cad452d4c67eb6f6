/**
 * Loads what a view shows. Returning to a view shows at once what it showed before. Another key aborts the load of the former one, and
 * never shows its result.
 */
import { useEffect, useReducer, useRef } from 'preact/hooks';
import { isPermanent } from '../../api/api-error.ts';

const MAX_KEPT = 60;
const RETRY_MS = 5_000;

const kept = new Map<string, unknown>();

function keep(key: string, value: unknown): void {
  kept.delete(key);
  kept.set(key, value);
  const [oldest] = kept.keys();
  if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
}
const findKept = <T>(key: string): T | undefined => kept.get(key) as T | undefined;

export interface Load<T> {
  readonly value: T | undefined;
  /** The error of the last attempt. Failures that may pass are tried again. */
  readonly error: unknown;
  readonly retry: () => void;
  /** Replaces the value, for example by one with more pages. */
  readonly update: (value: T) => void;
}

interface LoadOptions {
  /**
   * What to do with the value that the same key had before. `show`: until it was loaded again. `reuse`: do not load it again. `forget`:
   * show nothing until it was loaded. Default: `show`.
   */
  readonly former?: 'show' | 'reuse' | 'forget';
  /** Load again after this time, while the page is visible. Default: never. */
  readonly refreshMs?: number;
}

/** @param key identifies the value; undefined loads nothing */
export function useLoad<T>(
  key: string | undefined,
  load: (abort: AbortSignal) => Promise<T>,
  { former = 'show', refreshMs }: LoadOptions = {},
): Load<T> {
  const [, render] = useReducer<number, undefined>(count => count + 1, 0);
  const state = useRef<{ key: string | undefined; value?: T | undefined; error?: unknown }>({
    key: undefined,
  });
  const latest = useRef(load);
  latest.current = load;
  const start = useRef<() => void>(() => undefined);
  if (state.current.key !== key) {
    state.current = { key, value: former === 'forget' || key === undefined ? undefined : findKept<T>(key) };
  }

  useEffect(() => {
    if (key === undefined) return undefined;
    const control = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isLoading = false;
    const change = (next: { value?: T | undefined; error?: unknown }): void => {
      if (control.signal.aborted) return;
      state.current = { key, ...next };
      render(undefined);
    };
    const again = (ms: number): void => {
      clearTimeout(timer);
      timer = setTimeout(() => (document.hidden ? again(ms) : void run()), ms);
    };
    const run = async (): Promise<void> => {
      if (isLoading) return;
      isLoading = true;
      try {
        const value = await latest.current(control.signal);
        if (!control.signal.aborted) keep(key, value);
        change({ value });
        if (refreshMs !== undefined) again(refreshMs);
      } catch (error) {
        change({ value: state.current.value, error });
        if (!isPermanent(error)) again(RETRY_MS);
      } finally {
        isLoading = false;
      }
    };
    start.current = () => void run();
    const onOnline = (): void => {
      if (state.current.error !== undefined) void run();
    };
    addEventListener('online', onOnline);
    // Another view may have loaded it since this one was rendered.
    const reused = former === 'reuse' ? (state.current.value ?? findKept<T>(key)) : undefined;
    if (reused === undefined) void run();
    else if (state.current.value === undefined) change({ value: reused });
    return () => {
      control.abort();
      clearTimeout(timer);
      removeEventListener('online', onOnline);
    };
    // How to treat the former value matters when the key changes.
  }, [key, refreshMs]);

  return {
    value: state.current.value,
    error: state.current.error,
    retry: () => start.current(),
    update(value) {
      if (state.current.key !== key || key === undefined) return;
      keep(key, value);
      state.current = { key, value };
      render(undefined);
    },
  };
}
