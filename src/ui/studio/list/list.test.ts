import { describe, expect, it } from 'vitest';
import type { SiteJob } from '../../../protocol/job.ts';
import type { SiteVideo } from '../../../protocol/site.ts';
import type { SiteVideoPage } from '../../../protocol/studio.ts';
import { formatListQuery, parseListQuery, toCallQuery } from './list-query.ts';
import { addPage, applyChanges, jobsOf, needsReload, renewFirstPage, startList } from './list-state.ts';
import { NOTHING_SELECTED, selectRange, toggle } from './selection.ts';

const video = (id: string, name = id) => ({ id, name }) as unknown as SiteVideo;
const job = (id: string, state = 'running') => ({ id, video: 'a', state }) as unknown as SiteJob;
const page = (ids: string, next?: string): SiteVideoPage => ({
  videos: [...ids].map(id => video(id)),
  jobs: [],
  counts: { all: ids.length },
  ...(next === undefined ? {} : { next }),
});
const idsOf = ({ videos }: { readonly videos: readonly SiteVideo[] }): string =>
  videos.map(({ id }) => id).join('');
const NO_CHANGES = { cursor: 1, videos: [], jobs: [], removed: [] };

describe('the query of the address', () => {
  it('is read and written, without unknown and usual values', () => {
    const text = '?q=physics&show=failed&captions=false&order=name';
    expect(formatListQuery(parseListQuery(new URLSearchParams(text)))).toBe(text);
    expect(formatListQuery(parseListQuery(new URLSearchParams('?order=newest&show=constructor&x=1')))).toBe(
      '',
    );
    const query = parseListQuery(new URLSearchParams('?show=awaiting&mine=1'));
    expect(String(toCallQuery(query, 'me'))).toBe('order=newest&approval=awaiting&owner=me');
  });
});

describe('a list', () => {
  it('grows by pages, and shows no video twice', () => {
    expect(idsOf(addPage(startList(page('abc', 'c')), page('cde')))).toBe('abcde');
  });

  it('keeps its later pages when the first one is loaded again', () => {
    const list = addPage(startList(page('abc', 'c')), page('def', 'f'));
    const renewed = renewFirstPage(list, page('xab', 'b'));
    expect([idsOf(renewed), renewed.next]).toEqual(['xabcdef', 'f']);
    expect(idsOf(renewFirstPage(list, page('xyz', 'z')))).toBe('xyz');
    expect(idsOf(renewFirstPage(list, page('ab')))).toBe('ab');
  });

  it('changes in place, and says when it must be loaded again', () => {
    const list = startList({ ...page('ab'), jobs: [job('1'), job('2')] });
    const changes = {
      ...NO_CHANGES,
      videos: [video('b', 'new')],
      jobs: [job('1', 'done')],
      removed: ['2', 'a'],
    };
    const changed = applyChanges(list, changes);
    expect(changed.videos).toEqual([video('b', 'new')]);
    expect(jobsOf(changed, 'a')).toEqual([]);
    expect(needsReload(list, changes)).toBe(false);
    expect(needsReload(list, { ...NO_CHANGES, videos: [video('c')] })).toBe(true);
    expect(needsReload(list, { ...NO_CHANGES, reset: true })).toBe(true);
  });
});

describe('a selection', () => {
  it('is toggled, and extended to a range with Shift in both directions', () => {
    const order = [...'abcdef'];
    const one = toggle(NOTHING_SELECTED, 'd');
    expect([...selectRange(one, 'f', order).ids]).toEqual([...'def']);
    expect([...selectRange(one, 'b', order).ids].sort()).toEqual([...'bcd']);
    expect(toggle(one, 'd').ids.size).toBe(0);
    expect([...selectRange(NOTHING_SELECTED, 'c', order).ids]).toEqual(['c']);
  });
});
