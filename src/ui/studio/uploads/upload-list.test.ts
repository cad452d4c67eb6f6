import { describe, expect, it } from 'vitest';
import {
  addUpload,
  findFileProblem,
  listStartable,
  nameWithoutExtension,
  recordProgress,
  removeUpload,
  type UploadItem,
  type UploadList,
  updateUpload,
} from './upload-list.ts';

const listOf = (...states: UploadItem['state'][]): UploadList =>
  states.reduce<UploadList>(
    (list, state, key) =>
      updateUpload(addUpload(list, { key, fileName: `${key}.mp4`, sizeBytes: 100 }, 0), key, { state }),
    [],
  );

describe('the queue of uploads', () => {
  it('adds an upload at the end', () => {
    const list = addUpload(listOf('sending'), { key: 7, fileName: 'b.mov', sizeBytes: 5 }, 1_000);
    expect(list[1]).toEqual({
      key: 7,
      name: 'b',
      sizeBytes: 5,
      sentBytes: 0,
      rate: { bytesPerSecond: undefined, atMs: 1_000, bytes: 0 },
      state: 'queued',
    });
  });
  it('starts three at the same time, oldest first', () => {
    expect(listStartable(listOf('queued', 'queued', 'queued', 'queued'))).toEqual([0, 1, 2]);
    expect(listStartable(listOf('sending', 'queued', 'sending', 'queued', 'queued'))).toEqual([1]);
    expect(listStartable(listOf('sending', 'sending', 'sending', 'queued'))).toEqual([]);
  });
  it('does not count paused and interrupted uploads', () => {
    expect(listStartable(listOf('paused', 'interrupted', 'sending', 'queued', 'queued'))).toEqual([3, 4]);
  });
  it('starts none while more than three are sent', () => {
    expect(listStartable(listOf('sending', 'sending', 'sending', 'sending', 'queued'))).toEqual([]);
  });
  it('records progress with its rate', () => {
    const list = recordProgress(listOf('sending', 'sending'), 1, 50, 1_000);
    expect(list.map(item => item.sentBytes)).toEqual([0, 50]);
    expect(list[1]?.rate.bytesPerSecond).toBe(50);
  });
  it('ignores an upload that was removed', () => {
    const list = removeUpload(listOf('sending', 'queued'), 0);
    expect(list.map(item => item.key)).toEqual([1]);
    expect(updateUpload(list, 0, { state: 'paused' })).toEqual(list);
    expect(recordProgress(list, 0, 50, 1_000)).toEqual(list);
  });
});

it.each([
  ['Lecture 2.1.mp4', 'Lecture 2.1'],
  ['.mp4', '.mp4'],
  ['archive.tar.gz', 'archive.tar'],
  ['name. with a dot', 'name. with a dot'],
  ['讲座.mov', '讲座'],
])('names the video of %s: %s', (fileName, name) => expect(nameWithoutExtension(fileName)).toBe(name));

it.each([
  [0, undefined, 'empty'],
  [0, 10, 'empty'],
  [10, 10, undefined],
  [11, 10, 'too-large'],
  [11, undefined, undefined],
])('a file of %i bytes with a limit of %s: %s', (size, limit, problem) => {
  expect(findFileProblem({ name: 'a.mp4', size }, limit)).toBe(problem);
});
