/** The hook around a call that changes something: one at a time, with its error until the next attempt. */
import { useRef, useState } from 'preact/hooks';

export interface Action {
  readonly isRunning: boolean;
  readonly error: unknown;
  /** Does nothing while another one runs. Returns true if `work` succeeded. */
  readonly run: (work: () => Promise<unknown>) => Promise<boolean>;
}

export function useAction(): Action {
  const [isRunning, setRunning] = useState(false);
  const [error, setError] = useState<unknown>();
  const isBusy = useRef(false);
  return {
    isRunning,
    error,
    async run(work) {
      if (isBusy.current) return false;
      isBusy.current = true;
      setRunning(true);
      setError(undefined);
      try {
        await work();
        return true;
      } catch (cause) {
        setError(cause);
        return false;
      } finally {
        isBusy.current = false;
        setRunning(false);
      }
    },
  };
}
