import { expect, it } from 'vitest';
import { chooseNext } from './next-in-series.ts';

const video = (id: string, position: number | undefined, day: number, series = 'physics') =>
  ({
    id,
    name: id,
    series: { id: series, ...(position === undefined ? {} : { position }) },
    publishedAt: `2026-01-0${day}T00:00:00.000Z`,
  }) as unknown as Parameters<typeof chooseNext>[0];
const ALL = [
  video('c', 3, 1),
  video('a', 1, 5),
  video('b', 2, 4),
  video('x', undefined, 2),
  video('other', 2, 4, 'chemistry'),
];
const next = (id: string, order: 'position' | 'date') => {
  const current = ALL.find(each => each.id === id);
  return current && chooseNext(current, ALL, order)?.id;
};

it('follows the positions, and videos without one come last', () => {
  expect(['a', 'b', 'c', 'x'].map(id => next(id, 'position'))).toEqual(['b', 'c', 'x', undefined]);
});
it('follows the dates', () => {
  expect(['c', 'x', 'b', 'a'].map(id => next(id, 'date'))).toEqual(['x', 'b', 'a', undefined]);
});
it('does not leave the series', () => {
  expect(next('other', 'position')).toBeUndefined();
});
