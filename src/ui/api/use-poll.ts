/** Asks again and again while the page is visible. What was answered last stays until there is something newer. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

const AFTER_ERROR_MS = 3_000;

export interface Polled<T> {
  readonly value: T | undefined;
  /** Of the last attempt; gone as soon as one succeeds. */
  readonly error: unknown;
  readonly refresh: () => void;
}

/** `key` names what is asked for: another one starts afresh. `interval` may depend on the last answer. */
export function usePoll<T>(
  key: string,
  load: (signal: AbortSignal) => Promise<T>,
  interval: (value: T) => number,
): Polled<T> {
  const [state, setState] = useState<{ key: string; value?: T; error?: unknown }>({ key });
  const latest = useRef({ load, interval });
  latest.current = { load, interval };
  const wake = useRef<() => void>(() => {});

  useEffect(() => {
    const control = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let asking = false;
    let again = false;
    async function ask(): Promise<void> {
      clearTimeout(timer);
      if (asking) {
        again = true;
        return;
      }
      asking = true;
      let waitMs = AFTER_ERROR_MS;
      try {
        const value = await latest.current.load(control.signal);
        if (control.signal.aborted) return;
        setState({ key, value });
        waitMs = latest.current.interval(value);
      } catch (error) {
        if (control.signal.aborted) return;
        setState(previous =>
          previous.key === key ? { ...previous, error: error ?? 'unknown' } : { key, error },
        );
      } finally {
        asking = false;
      }
      if (again) {
        again = false;
        void ask();
      } else if (!document.hidden) {
        timer = setTimeout(ask, waitMs);
      }
    }
    const onVisibility = (): void => {
      if (document.hidden) clearTimeout(timer);
      else void ask();
    };
    wake.current = () => void ask();
    document.addEventListener('visibilitychange', onVisibility);
    void ask();
    return () => {
      control.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', onVisibility);
    };
  }, [key]);

  const refresh = useCallback(() => wake.current(), []);
  const current = state.key === key;
  return {
    value: current ? state.value : undefined,
    error: current ? state.error : undefined,
    refresh,
  };
}
