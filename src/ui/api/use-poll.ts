/** The hook around a poller. The last value remains until there is a newer one. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { type Poller, startPoller } from './poller.ts';

export interface PollResult<T> {
  readonly value: T | undefined;
  /** The error of the last attempt; undefined after a success. */
  readonly error: unknown;
  /** When `value` was loaded, if the last attempt failed (RFC 3339). Undefined: `value` is current. */
  readonly staleSince: string | undefined;
  readonly refresh: () => void;
}

/**
 * @param key identifies the loaded value: another key discards it and starts again
 * @param chooseInterval milliseconds until the next load, which may depend on the last value
 */
export function usePoll<T>(
  key: string,
  load: (abort: AbortSignal) => Promise<T>,
  chooseInterval: (value: T) => number,
): PollResult<T> {
  const [state, setState] = useState<{ key: string; value?: T; error?: unknown; at?: string }>({ key });
  const latest = useRef({ load, chooseInterval });
  latest.current = { load, chooseInterval };
  const poller = useRef<Poller | undefined>(undefined);

  useEffect(() => {
    const started = startPoller<T>({
      load: abort => latest.current.load(abort),
      chooseInterval: value => latest.current.chooseInterval(value),
      onValue: value => setState({ key, value, at: new Date().toISOString() }),
      onError: (error = 'unknown') =>
        setState(previous => (previous.key === key ? { ...previous, error } : { key, error })),
      isVisible: () => !document.hidden,
    });
    const onVisibilityChange = (): void => (document.hidden ? started.pause() : started.refresh());
    poller.current = started;
    document.addEventListener('visibilitychange', onVisibilityChange);
    return () => {
      started.stop();
      document.removeEventListener('visibilitychange', onVisibilityChange);
    };
  }, [key]);

  const refresh = useCallback(() => poller.current?.refresh(), []);
  const isCurrent = state.key === key;
  return {
    value: isCurrent ? state.value : undefined,
    error: isCurrent ? state.error : undefined,
    staleSince: isCurrent && state.error !== undefined ? state.at : undefined,
    refresh,
  };
}
