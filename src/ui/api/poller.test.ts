import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type PollerDeps, startPoller } from './poller.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function start(deps: Partial<PollerDeps<number>> = {}) {
  const values: number[] = [];
  const errors: unknown[] = [];
  let loads = 0;
  const poller = startPoller<number>({
    load: async () => ++loads,
    chooseInterval: () => 1_000,
    onValue: value => values.push(value),
    onError: error => errors.push(error),
    isVisible: () => true,
    ...deps,
  });
  return { poller, values, errors, countLoads: () => loads };
}
const flushLoads = () => vi.advanceTimersByTimeAsync(0);

describe('poller', () => {
  it('loads at once, and again after each interval', async () => {
    const { values } = start();
    await flushLoads();
    expect(values).toEqual([1]);
    await vi.advanceTimersByTimeAsync(999);
    expect(values).toEqual([1]);
    await vi.advanceTimersByTimeAsync(1);
    expect(values).toEqual([1, 2]);
  });
  it('chooses the interval by the last value', async () => {
    const { values } = start({ chooseInterval: value => (value === 1 ? 100 : 5_000) });
    await vi.advanceTimersByTimeAsync(100);
    expect(values).toEqual([1, 2]);
    await vi.advanceTimersByTimeAsync(4_999);
    expect(values).toEqual([1, 2]);
  });
  it('retries three seconds after an error', async () => {
    let attempts = 0;
    const { values, errors } = start({
      load: async () => {
        if (++attempts === 1) throw new Error('down');
        return attempts;
      },
    });
    await flushLoads();
    expect(errors).toEqual([new Error('down')]);
    await vi.advanceTimersByTimeAsync(2_999);
    expect(values).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(values).toEqual([2]);
  });
  it('never runs two loads at once: a refresh during a load runs after it, and only once', async () => {
    const finish: ((value: number) => void)[] = [];
    const { poller, values } = start({ load: () => new Promise(done => finish.push(done)) });
    poller.refresh();
    poller.refresh();
    expect(finish.length).toBe(1);
    finish[0]?.(1);
    await flushLoads();
    expect(finish.length).toBe(2);
    finish[1]?.(2);
    await flushLoads();
    expect([values, finish.length]).toEqual([[1, 2], 2]);
  });
  it('does not load while the page is hidden, and resumes with a refresh', async () => {
    let isVisible = false;
    const { poller, values } = start({ isVisible: () => isVisible });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(values).toEqual([1]);
    isVisible = true;
    poller.refresh();
    await flushLoads();
    expect(values).toEqual([1, 2]);
    poller.pause();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(values).toEqual([1, 2]);
  });
  it('aborts the running load when it stops, and reports nothing after that', async () => {
    let passed: AbortSignal | undefined;
    const { poller, values, errors } = start({
      load: abort => {
        passed = abort;
        return new Promise((_, fail) => abort.addEventListener('abort', () => fail(abort.reason)));
      },
    });
    poller.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect([passed?.aborted, values, errors]).toEqual([true, [], []]);
  });
});
