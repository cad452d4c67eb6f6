import { describe, expect, it } from 'vitest';
import type { WatchProgress } from '../../browser/watch-progress.ts';
import type { CatalogueItem } from './item.ts';
import { chooseNext } from './next-in-series.ts';
import { sortSeries } from './series-order.ts';

const item = (id: string, position: number | undefined, publishedAt: string, recordedAt?: string) =>
  ({ id, publishedAt, recordedAt, series: { id: 's', position } }) as unknown as CatalogueItem;
const items = [
  item('c', 10, '2024-01-01'),
  item('a', 2, '2024-01-03'),
  item('e', undefined, '2024-01-05'),
  item('d', undefined, '2024-01-09', '2020-01-01'),
  item('b', 2, '2024-01-04'),
];
const ids = (list: readonly CatalogueItem[]): string => list.map(({ id }) => id).join('');

describe('the videos of a series', () => {
  it('are in the order of their positions, those without one last', () => {
    expect(ids(sortSeries(items, 'position'))).toBe('abcde');
  });
  it('are in the order of their dates, the newest first', () => {
    expect(ids(sortSeries(items, 'date'))).toBe('ebacd');
  });
});

describe('where a viewer continues a series', () => {
  const watched = (video: string, atMs: number): WatchProgress => ({
    video,
    atMs,
    durationMs: 600_000,
    atTime: 0,
  });
  it('is its first video at first', () => {
    expect(chooseNext(items, [watched('of another series', 60_000)])).toMatchObject({
      item: { id: 'c' },
      isStart: true,
    });
    expect(chooseNext([], [])).toBeUndefined();
  });
  it('is the video that was watched last', () => {
    expect(
      chooseNext(items, [watched('x', 60_000), watched('b', 300_000), watched('a', 60_000)]),
    ).toMatchObject({
      item: { id: 'b' },
      isStart: false,
      watched: 0.5,
    });
  });
});
