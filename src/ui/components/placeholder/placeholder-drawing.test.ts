import { expect, it } from 'vitest';
import { drawPlaceholder } from './placeholder-drawing.ts';

it('draws the same for the same id, and something else for another', () => {
  expect(drawPlaceholder('one')).toEqual(drawPlaceholder('one'));
  expect(drawPlaceholder('one')).not.toEqual(drawPlaceholder('two'));
});
it.each(['three', '', '讲座'])('draws only valid numbers for "%s"', seed => {
  expect(JSON.stringify(drawPlaceholder(seed))).not.toMatch(/NaN|null|undefined/);
});
