import { expect, it } from 'vitest';
import { isOriginAllowed, narrowOrigins } from './embed-origins.ts';

it.each([
  [['*'], 'https://a.example', true],
  [['https://a.example'], 'https://a.example', true],
  [['https://a.example'], 'http://a.example', false],
  [['https://a.example'], 'https://a.example:8443', false],
  [['https://*.a.example'], 'https://www.a.example', true],
  [['https://*.a.example'], 'https://x.www.a.example', true],
  [['https://*.a.example'], 'https://a.example', false],
  [['https://*.a.example'], 'https://evil-a.example', false],
  [['https://*.a.example'], 'http://www.a.example', false],
  [[], 'https://a.example', false],
])('%j permits %s: %s', (patterns, origin, expected) => {
  expect(isOriginAllowed(patterns, origin)).toBe(expected);
});
it('a video can only narrow the list of the installation', () => {
  const wanted = ['https://a.example', 'https://b.example', 'https://*.b.example'];
  expect(narrowOrigins(['*'], wanted)).toEqual(wanted);
  expect(narrowOrigins(['https://a.example'], wanted)).toEqual(['https://a.example']);
  expect(narrowOrigins(['https://*.b.example'], wanted)).toEqual(['https://*.b.example']);
  expect(narrowOrigins(['https://a.example'], ['*'])).toEqual(['https://a.example']);
  expect(narrowOrigins(['*'], [])).toEqual([]);
});
