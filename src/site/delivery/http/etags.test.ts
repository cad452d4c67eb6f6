import { describe, expect, it } from 'vitest';
import { matchesEtag, parseStrongEtag } from './etags.ts';

describe('matchesEtag', () => {
  it.each<[string | undefined, boolean]>([
    [undefined, false],
    ['*', true],
    ['"a,b"', true],
    ['W/"a,b"', true],
    ['"x", "a,b"', true],
    ['"a"', false],
    ['a,b', false],
    ['', false],
  ])('%s', (header, expected) => expect(matchesEtag(header, '"a,b"')).toBe(expected));
  it('matches only * if there is no validator', () => {
    expect(matchesEtag('"a"', undefined)).toBe(false);
    expect(matchesEtag('*', undefined)).toBe(true);
  });
});

describe('parseStrongEtag', () => {
  it.each([
    ['"a"', '"a"'],
    ['W/"a"', undefined],
    ['a', undefined],
    ['""', undefined],
    ['"a\r\nX: y"', undefined],
    [undefined, undefined],
  ])('%s', (header, expected) => expect(parseStrongEtag(header)).toBe(expected));
});
