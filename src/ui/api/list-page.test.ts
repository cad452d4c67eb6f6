import { expect, it } from 'vitest';
import { formatListQuery } from './list-page.ts';

it('leaves out an empty query and a missing cursor', () => {
  expect(formatListQuery({ limit: 24, query: '' })).toBe('?limit=24');
  expect(formatListQuery({ limit: 24, query: 'a&b 讲', cursor: 'x=' })).toBe(
    '?limit=24&q=a%26b+%E8%AE%B2&cursor=x%3D',
  );
});
