/**
 * A reliable time limit. `AbortSignal.any([signal, AbortSignal.timeout(ms)])` is not reliable: in Node 20 the combined signal
 * can be garbage-collected while code still waits for it, and then it never fires.
 */

/** The work did not end within its time limit. */
export class TimeLimitExceeded extends Error {
  override readonly name = 'TimeLimitExceeded';
}

/** Rejects after `ms` milliseconds or when `abort` fires, whatever `work` does. `work` gets a signal that fires at that time. */
export async function withinLimit<T>(
  ms: number,
  abort: AbortSignal | undefined,
  work: (abort: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  const stop = (): void => limit.abort(new Error('stopped'));
  const timer = setTimeout(() => limit.abort(new TimeLimitExceeded(`no response within ${ms} ms`)), ms);
  if (abort?.aborted) stop();
  abort?.addEventListener('abort', stop, { once: true });
  try {
    const ended = new Promise<never>((_, reject) => {
      const end = (): void => reject(limit.signal.reason as Error);
      if (limit.signal.aborted) end();
      else limit.signal.addEventListener('abort', end, { once: true });
    });
    return await Promise.race([work(limit.signal), ended]);
  } finally {
    clearTimeout(timer);
    abort?.removeEventListener('abort', stop);
  }
}
