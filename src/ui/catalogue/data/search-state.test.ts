import { describe, expect, it } from 'vitest';
import {
  chosenValue,
  formatSearch,
  hasFilters,
  narrow,
  parseSearch,
  type SearchState,
} from './search-state.ts';

describe('a search in an address', () => {
  it('is the same after it was written and read', () => {
    const state: SearchState = {
      q: 'river "flood plain" 河流',
      site: 'a',
      series: 'b',
      tag: 'c & d',
      person: 'Müller, Ö.',
      language: 'zh-Hans',
      year: 2024,
      captions: true,
      minS: 300,
      maxS: 1_199,
      order: 'title',
      cursor: 'eyJhIjoxfQ',
    };
    expect(parseSearch(formatSearch(state))).toEqual(state);
    expect(parseSearch(formatSearch({}))).toEqual({});
    expect(formatSearch({})).toBe('');
    expect(parseSearch('?captions=false')).toEqual({ captions: false });
  });
  it('has the same text for the same search', () => {
    expect(formatSearch({ tag: 'x', q: 'y' })).toBe(formatSearch({ q: ' y ', tag: 'x' }));
  });
  it('leaves out invalid values', () => {
    expect(
      parseSearch('?q=%20&year=12&captions=maybe&minS=-1&maxS=1e9&order=random&site=&unknown=1&cursor='),
    ).toEqual({});
    expect(parseSearch(`?q=${'x'.repeat(999)}`).q).toHaveLength(200);
  });
});

describe('a filter', () => {
  it('begins at the first result', () => {
    expect(narrow({ q: 'x', cursor: 'c' }, 'tag', 'water')).toEqual({ q: 'x', tag: 'water' });
    expect(narrow({ q: 'x', tag: 'water', cursor: 'c' }, 'tag', undefined)).toEqual({ q: 'x' });
  });
  it.each([
    ['site', 'a'],
    ['year', '2024'],
    ['captions', 'true'],
    ['captions', 'false'],
    ['length', '0-299'],
    ['length', '300-1199'],
    ['length', '7200-'],
  ] as const)('%s=%s has the value that the server wrote', (facet, value) => {
    const narrowed = narrow({ q: 'x' }, facet, value);
    expect(chosenValue(narrowed, facet)).toBe(value);
    expect(hasFilters(narrowed)).toBe(true);
    expect(narrow(narrowed, facet, undefined)).toEqual({ q: 'x' });
  });
  it('is not the words, the order or the page', () => {
    expect(hasFilters({ q: 'x', order: 'title', cursor: 'c' })).toBe(false);
  });
});
