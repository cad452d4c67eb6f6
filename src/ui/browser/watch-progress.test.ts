import { beforeEach, expect, it, vi } from 'vitest';
import { isResumable, watchProgress } from './watch-progress.ts';

beforeEach(() => {
  const items = new Map<string, string>();
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  });
  return () => vi.unstubAllGlobals();
});
const at = (atMs: number, atTime = 1) => ({ atMs, durationMs: 600_000, atTime });

it('keeps where the viewer stopped, the last watched video first', () => {
  watchProgress.set('a', at(60_000));
  watchProgress.set('b', at(90_000));
  watchProgress.set('a', at(120_000, 2));
  expect(watchProgress.list().map(({ video, atMs }) => [video, atMs])).toEqual([
    ['a', 120_000],
    ['b', 90_000],
  ]);
  expect(watchProgress.get('b')?.atMs).toBe(90_000);
  watchProgress.set('a', undefined);
  expect(watchProgress.get('a')).toBeUndefined();
});
it('is limited to 200 videos', () => {
  for (let number = 0; number < 205; number++) watchProgress.set(`v${number}`, at(60_000));
  expect([watchProgress.list().length, watchProgress.get('v4'), watchProgress.list()[0]?.video]).toEqual([
    200,
    undefined,
    'v204',
  ]);
});
it('survives a value of another program', () => {
  localStorage.setItem('tributary.watch-progress', '{"a":1}');
  expect(watchProgress.list()).toEqual([]);
  localStorage.setItem('tributary.watch-progress', '[1, {"video":"a"}, null');
  watchProgress.set('a', at(60_000));
  expect(watchProgress.list()).toHaveLength(1);
});
it.each([
  [5_000, 600_000, false],
  [10_000, 600_000, true],
  [590_000, 600_000, false],
  [580_000, 600_000, true],
  [2_000, 20_000, true],
  [19_500, 20_000, false],
])('%i of %i ms can be continued: %s', (atMs, durationMs, expected) => {
  expect(isResumable({ atMs, durationMs })).toBe(expected);
});
