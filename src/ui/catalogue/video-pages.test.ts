import { describe, expect, it } from 'vitest';
import type { Video } from '../../protocol/central.ts';
import { appendPage, listNew, mergeNewest, type VideoPage } from './video-pages.ts';

const video = (id: string): Video => ({ id }) as unknown as Video;
const page = (ids: string, next?: string): VideoPage => ({
  videos: [...ids].map(video),
  ...(next === undefined ? {} : { next }),
});
const ids = (shown: VideoPage): string => shown.videos.map(each => each.id).join('');

describe('the pages of the catalogue', () => {
  it('show new videos first, and keep the pages loaded after them', () => {
    const shown = appendPage(page('dcb', 'b'), page('ba'));
    expect(ids(shown)).toBe('dcba');
    const merged = mergeNewest(shown, page('edc', 'c'));
    expect(ids(merged)).toBe('edcba');
    expect('next' in merged).toBe(false);
  });
  it('keep the cursor of the page loaded last', () => {
    expect(appendPage(page('dc', 'c'), page('ba', 'a')).next).toBe('a');
    expect(mergeNewest(page('dcba', 'a'), page('ed', 'd')).next).toBe('a');
    expect(mergeNewest(undefined, page('ed', 'd')).next).toBe('d');
  });
  it('drop withdrawn videos', () => {
    expect(ids(mergeNewest(page('edcba', 'a'), page('edb', 'b')))).toBe('edba');
    expect(ids(mergeNewest(page('cba'), page('')))).toBe('');
    expect(ids(mergeNewest(page('cba'), page('ca')))).toBe('ca');
  });
  it('keep everything if the last video of the first page is unknown', () => {
    expect(ids(mergeNewest(page('cba', 'a'), page('gfe', 'e')))).toBe('gfecba');
  });
  it('list the videos that are new', () => {
    expect(listNew(new Set(['a']), page('ba')).map(each => each.id)).toEqual(['b']);
    expect(listNew(new Set(['a', 'b']), page('ba'))).toEqual([]);
  });
});
