import { expect, it } from 'vitest';
import { findParentOrigin, formatReport, parseCommand } from './messages.ts';

it.each([
  [{ tributary: 1, type: 'play' }, { type: 'play' }],
  [
    { tributary: 1, type: 'seek', time: 12.5, more: 1 },
    { type: 'seek', time: 12.5 },
  ],
  [{ tributary: 1, type: 'seek' }, undefined],
  [{ tributary: 1, type: 'seek', time: -1 }, undefined],
  [{ tributary: 1, type: 'seek', time: Number.NaN }, undefined],
  [{ tributary: 2, type: 'play' }, undefined],
  [{ type: 'play' }, undefined],
  [{ tributary: 1, type: 'constructor' }, undefined],
  ['play', undefined],
  [null, undefined],
])('%j is the command %j', (data, expected) => {
  expect(parseCommand(data)).toEqual(expected);
});
it('reports carry the version', () => {
  expect(formatReport({ type: 'time', time: 3 })).toEqual({ tributary: 1, type: 'time', time: 3 });
});
it('the parent is the nearest ancestor, or the page that led here', () => {
  expect(findParentOrigin(['https://a.example', 'https://top.example'], '')).toBe('https://a.example');
  expect(findParentOrigin(undefined, 'https://b.example/page?x=1')).toBe('https://b.example');
  expect(findParentOrigin([], '')).toBeUndefined();
  expect(findParentOrigin(['null'], '')).toBeUndefined();
});
