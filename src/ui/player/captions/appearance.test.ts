import { expect, it } from 'vitest';
import { formatCueStyle, parseAppearance } from './appearance.ts';

const DEFAULTS = { size: 'normal', colour: 'white', background: 'dark' };

it.each([
  [null, DEFAULTS],
  ['{', DEFAULTS],
  ['null', DEFAULTS],
  ['{"size":"giant","colour":"yellow"}', { ...DEFAULTS, colour: 'yellow' }],
  ['{"size":"huge","background":"none"}', { ...DEFAULTS, size: 'huge', background: 'none' }],
])('%s is read as a complete appearance', (text, expected) => {
  expect(parseAppearance(text)).toEqual(expected);
});
it('is a style of cues, with an outline for text without a background', () => {
  const style = formatCueStyle({ size: 'large', colour: 'yellow', background: 'none' });
  expect(style).toContain('font-size: 1.5em');
  expect(style).toContain('background-color: transparent');
  expect(style).toMatch(/text-shadow: 0 0 3px #000/);
});
