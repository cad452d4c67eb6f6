import { describe, expect, it } from 'vitest';
import type { VideoEditOfMany, VideoEditResult } from '../../../protocol/studio.ts';
import { type BulkDraft, toEdit } from './bulk-edit.ts';
import { countOutcomes, runEdits, undoOf } from './run-edits.ts';

const edits = Array.from({ length: 45 }, (_, at) => ({ id: `v${at}` })) as unknown as VideoEditOfMany[];
const changed = (id: string): VideoEditResult =>
  ({ id, outcome: 'changed', before: { tags: null } }) as unknown as VideoEditResult;

describe('the edits of many videos', () => {
  it('are sent in small calls, stop between two of them, and continue with the rest', async () => {
    const sizes: number[] = [];
    const done: VideoEditResult[] = [];
    let isStopped = false;
    const deps = {
      async send(some: readonly VideoEditOfMany[]) {
        sizes.push(some.length);
        isStopped = sizes.length === 2;
        return some.map(({ id }) => changed(id));
      },
      onResults: (results: readonly VideoEditResult[]) => void done.push(...results),
      isStopped: () => isStopped,
    };
    const rest = await runEdits(edits, deps);
    expect([sizes, rest.length]).toEqual([[20, 20], 5]);
    isStopped = false;
    expect(await runEdits(rest, deps)).toEqual([]);
    expect(new Set(done.map(({ id }) => id)).size).toBe(45);
  });

  it('are undone where something was changed', () => {
    const results = [
      changed('a'),
      { id: 'b', outcome: 'withdrawn' },
      { id: 'c', outcome: 'unchanged', before: { tags: ['x'] } },
    ] as unknown as VideoEditResult[];
    expect(undoOf(results)).toEqual([{ id: 'a', edit: { tags: null } }]);
    expect(countOutcomes(results)).toEqual({ changed: 1, withdrawn: 1, unchanged: 1, refused: 0 });
  });
});

it('an edit has only the chosen member, and none while something is missing', () => {
  const draft: BulkDraft = {
    ...{ change: 'series', series: '', tags: [], at: '', downloads: '' },
    audience: { audience: 'groups', groups: [] },
  };
  expect(toEdit(draft)).toEqual({ edit: { series: null } });
  expect(toEdit({ ...draft, series: 'physics' })).toEqual({ edit: { series: { id: 'physics' } } });
  expect(toEdit({ ...draft, change: 'addTags' })).toBeUndefined();
  expect(toEdit({ ...draft, change: 'removeTags', tags: ['x'] })).toEqual({ removeTags: ['x'] });
  expect(toEdit({ ...draft, change: 'audience' })).toBeUndefined();
  expect(toEdit({ ...draft, change: 'withdrawAt' })).toEqual({ edit: { withdrawAt: null } });
  expect(toEdit({ ...draft, change: 'withdraw' })).toEqual({ withdraw: true });
});
