import { describe, expect, it } from 'vitest';
import { moveActive } from './suggestion-keys.ts';

describe('the keys of the search box', () => {
  it('go through all suggestions and the text', () => {
    const press = (key: string, steps: number): number[] => {
      const seen: number[] = [];
      for (let active = -1; seen.length < steps; ) {
        active = moveActive(key, active, 3) ?? Number.NaN;
        seen.push(active);
      }
      return seen;
    };
    expect(press('ArrowDown', 5)).toEqual([0, 1, 2, -1, 0]);
    expect(press('ArrowUp', 5)).toEqual([2, 1, 0, -1, 2]);
  });
  it('edit the text if there is no suggestion, and with every other key', () => {
    expect(moveActive('ArrowDown', -1, 0)).toBeUndefined();
    expect(moveActive('Home', 1, 3)).toBeUndefined();
    expect(moveActive('a', 1, 3)).toBeUndefined();
  });
});
