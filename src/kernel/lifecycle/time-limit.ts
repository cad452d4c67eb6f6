/**
 * A limit in time that holds. `AbortSignal.any([signal, AbortSignal.timeout(ms)])` does not: in Node 20 the combined signal can
 * be collected as garbage while it is still waited for, and then neither of the two is ever heard.
 */

/** Rejects `ms` after the start, or when `signal` is aborted, whatever `work` does. `work` is given a signal to end by. */
export async function withinLimit<T>(
  ms: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  const stop = (): void => limit.abort(new Error('stopped'));
  const timer = setTimeout(() => limit.abort(new Error(`no answer within ${ms} ms`)), ms);
  if (signal?.aborted) stop();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const ended = new Promise<never>((_, reject) => {
      const end = (): void => reject(limit.signal.reason as Error);
      if (limit.signal.aborted) end();
      else limit.signal.addEventListener('abort', end, { once: true });
    });
    return await Promise.race([work(limit.signal), ended]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}
