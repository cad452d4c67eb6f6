import { describe, expect, it } from 'vitest';
import type { LibraryPage } from '../../protocol/site.ts';
import { listUnique, mergePages } from './pages.ts';

const page = (ids: string): LibraryPage =>
  ({ site: 'x', connected: true, videos: [...ids].map(id => ({ id })) }) as unknown as LibraryPage;

describe('the pages of a list', () => {
  it('are the first page and the loaded ones of the same query', () => {
    const further = { query: 'q', pages: [page('b'), page('c')] };
    expect(mergePages(page('a'), 'q', further).length).toBe(3);
    expect(mergePages(page('a'), 'other', further).length).toBe(1);
    expect(mergePages(page('a'), 'q', undefined).length).toBe(1);
    expect(mergePages(undefined, 'q', further)).toEqual([]);
  });
  it('list an item once, where it is first', () => {
    const videos = [page('ab'), page('bc')].flatMap(({ videos }) => videos);
    expect(listUnique(videos, ({ id }) => id).map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  });
});
