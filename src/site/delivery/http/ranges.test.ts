import { describe, expect, it } from 'vitest';
import { selectRange } from './ranges.ts';

describe('selectRange', () => {
  it.each<[string | undefined, string | undefined, unknown]>([
    [undefined, undefined, { kind: 'whole' }],
    ['bytes=0-9', undefined, { kind: 'part', start: 0, end: 10 }],
    ['bytes=90-', undefined, { kind: 'part', start: 90, end: 100 }],
    ['bytes=90-900', undefined, { kind: 'part', start: 90, end: 100 }],
    ['bytes=-10', undefined, { kind: 'part', start: 90, end: 100 }],
    ['bytes=-1000', undefined, { kind: 'part', start: 0, end: 100 }],
    ['bytes=100-', undefined, { kind: 'unsatisfiable' }],
    ['bytes=-0', undefined, { kind: 'unsatisfiable' }],
    ['bytes=9-5', undefined, { kind: 'whole' }],
    ['bytes=0-1,5-6', undefined, { kind: 'whole' }],
    ['items=0-1', undefined, { kind: 'whole' }],
    ['bytes=-', undefined, { kind: 'whole' }],
    ['bytes=0-9', '"e"', { kind: 'part', start: 0, end: 10 }],
    ['bytes=0-9', '"other"', { kind: 'whole' }],
    ['bytes=0-9', 'W/"e"', { kind: 'whole' }],
  ])('%s with If-Range %s', (range, ifRange, expected) => {
    expect(selectRange(range, ifRange, '"e"', 100)).toEqual(expected);
  });
  it('cannot satisfy a range of an empty file', () =>
    expect(selectRange('bytes=0-', undefined, '"e"', 0)).toEqual({ kind: 'unsatisfiable' }));
  it('ignores the range if there is an If-Range but no validator', () =>
    expect(selectRange('bytes=0-9', '"e"', undefined, 100)).toEqual({ kind: 'whole' }));
});
