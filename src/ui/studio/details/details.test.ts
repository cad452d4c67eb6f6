import { describe, expect, it } from 'vitest';
import type { Field } from '../../../protocol/catalogue/fields.ts';
import type { SiteVideo } from '../../../protocol/site.ts';
import { type Draft, draftOf, editOf, findDraftErrors } from './draft.ts';
import { formatTime, parseChapterLines, parseTime } from './times.ts';

const FIELDS: readonly Field[] = [
  { name: 'credits', label: { en: 'Credits' }, type: 'number' },
  { name: 'faculty', label: { en: 'Faculty' }, type: 'choice', values: ['Physics', 'Law'] },
];
const video = {
  name: 'Waves',
  description: 'About waves',
  language: 'en',
  people: [{ name: 'Ann', role: 'speaker' }, { name: 'Otto' }],
  series: { id: 'physics', position: 3 },
  tags: ['term 1'],
  chapters: [
    { startMs: 0, title: 'Start' },
    { startMs: 90_500, title: 'End' },
  ],
  recordedAt: '2026-03-01T10:00:00.000Z',
  downloads: 'source',
  fields: { credits: 5, old: 'kept' },
  audience: 'public',
} as unknown as SiteVideo;
const before = draftOf(video);
const edit = (change: Partial<Draft>) => editOf(before, { ...before, ...change }, FIELDS);

describe('the edit of a draft', () => {
  it('has only the changes', () => {
    expect(edit({})).toEqual({});
    expect(edit({ name: ' New ', tags: [] })).toEqual({ name: 'New', tags: null });
    expect(edit({ position: '4' })).toEqual({ series: { id: 'physics', position: 4 } });
    expect(edit({ series: '' })).toEqual({ series: null });
    expect(edit({ people: [...before.people, { name: ' ', role: 'x' }, { name: 'Eve', role: '' }] })).toEqual(
      {
        people: [{ name: 'Ann', role: 'speaker' }, { name: 'Otto' }, { name: 'Eve' }],
      },
    );
    expect(edit({ recordedAt: '', downloads: '' })).toEqual({ recordedAt: null, downloads: null });
  });

  it('sorts chapters, leaves out empty rows, and keeps their milliseconds', () => {
    const chapters = [...before.chapters, { start: '0:30', title: 'Middle' }, { start: '', title: '' }];
    expect(edit({ chapters })).toEqual({
      chapters: [
        { startMs: 0, title: 'Start' },
        { startMs: 30_000, title: 'Middle' },
        { startMs: 90_500, title: 'End' },
      ],
    });
  });

  it('keeps values of fields that are not declared, and makes numbers', () => {
    expect(edit({ fields: { ...before.fields, credits: '7.5', faculty: 'Law' } })).toEqual({
      fields: { credits: 7.5, faculty: 'Law', old: 'kept' },
    });
    expect(edit({ fields: { credits: '' } })).toEqual({ fields: null });
  });
});

it('names what is wrong, at its member', () => {
  const errors = (change: Partial<Draft>) => findDraftErrors({ ...before, ...change }, FIELDS);
  expect(errors({})).toEqual({});
  expect(errors({ name: ' ' })).toEqual({ name: 'name' });
  expect(errors({ chapters: [{ start: '1:75', title: 'x' }] })).toEqual({ chapters: 'time' });
  expect(errors({ chapters: [{ start: '1:15', title: ' ' }] })).toEqual({ chapters: 'chapterTitle' });
  expect(errors({ chapters: [...before.chapters, { start: '0:00', title: 'x' }] })).toEqual({
    chapters: 'order',
  });
  expect(errors({ publishAt: '2026-05-01T10:00', withdrawAt: '2026-05-01T09:00' })).toEqual({
    withdrawAt: 'dates',
  });
  expect(errors({ position: '-1', fields: { credits: 'many' } })).toEqual({
    ...{ position: 'position', fields: 'number' },
  });
  expect(errors({ audience: { audience: 'groups', groups: [] } })).toEqual({ audience: 'groups' });
});

describe('times', () => {
  it.each([
    ['0:00', 0],
    ['4:05', 245_000],
    ['90:00', 5_400_000],
    ['1:02:03.5', 3_723_500],
    ['1:02:03,25', 3_723_250],
  ])('reads %s', (text, ms) => {
    expect(parseTime(text)).toBe(ms);
    expect(parseTime(formatTime(ms))).toBe(ms);
  });
  it.each(['', '12', '1:2', '1:60', '1:60:00', 'x'])('refuses "%s"', text => {
    expect(parseTime(text)).toBeUndefined();
  });
  it('reads pasted lines, and does not change other text', () => {
    expect(
      parseChapterLines('00:00 Introduction\n\n[1:02:03] - Part two\n12:30 – Questions: and answers'),
    ).toEqual([
      { start: '0:00', title: 'Introduction' },
      { start: '1:02:03', title: 'Part two' },
      { start: '12:30', title: 'Questions: and answers' },
    ]);
    expect(parseChapterLines('Introduction\n0:10 Part one')).toBeUndefined();
    expect(parseChapterLines('')).toBeUndefined();
  });
});
