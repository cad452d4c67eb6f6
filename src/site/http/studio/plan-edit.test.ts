/** Edits of what people say about a video: the operator's fields, the schedule, and what the audit log says about them. */
import { expect, it } from 'vitest';
import { Problem } from '../../../kernel/problem.ts';
import type { Field } from '../../../protocol/catalogue/fields.ts';
import type { VideoDetails } from '../../../protocol/publication/details.ts';
import { siteVideoEditSchema } from '../../../protocol/site.ts';
import { detailsColumns, parseDetails } from '../../database/tables/details.ts';
import type { VideoRow } from '../../database/tables/schema.ts';
import { planEdit } from './plan-edit.ts';

const NOW_MS = Date.UTC(2026, 10, 30);
const iso = (days: number): string => new Date(NOW_MS + days * 86_400_000).toISOString();
const FIELDS: readonly Field[] = [
  { name: 'faculty', label: { en: 'Faculty' }, type: 'choice', values: ['Physics', 'History'] },
  { name: 'rooms', label: { en: 'Rooms' }, type: 'choices', values: ['A', 'B'] },
  { name: 'day', label: { en: 'Day' }, type: 'date' },
  { name: 'credits', label: { en: 'Credits' }, type: 'number' },
  { name: 'exam', label: { en: 'Exam' }, type: 'boolean' },
  { name: 'note', label: { en: 'Note' }, type: 'text' },
];

const rowWith = (details: VideoDetails): VideoRow =>
  ({
    ...{
      private: 0,
      audience: null,
      groups: null,
      approval: null,
      series_id: null,
      owner_id: null,
      name: 'A',
    },
    prepared: null,
    ...detailsColumns(details),
  }) as VideoRow;
function plan(before: VideoDetails, edit: unknown, known: readonly Field[] | 'none' = FIELDS) {
  const fields = known === 'none' ? undefined : known;
  const row = rowWith(before);
  const planned = planEdit(row, siteVideoEditSchema.parse(edit), { target: {}, fields, nowMs: NOW_MS });
  return {
    details: parseDetails({ ...row, ...planned.changes }),
    changes: planned.changes,
    entries: planned.entries,
  };
}
function refusal(before: VideoDetails, edit: unknown): string {
  try {
    plan(before, edit);
  } catch (error) {
    if (error instanceof Problem) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'none';
}

it('a value of a field must be one that central declares', () => {
  const values = {
    faculty: 'Physics',
    rooms: ['B', 'A'],
    day: '2026-02-28',
    credits: 3,
    exam: true,
    note: 'x',
  };
  expect(plan({}, { fields: values }).details).toEqual({ fields: values });
  for (const [fields, message] of [
    [{ faculty: 'Chemistry' }, 'The field "faculty" must be one of: Physics, History.'],
    [{ rooms: ['A', 'A'] }, 'The field "rooms" must be a list of different values of: A, B.'],
    [{ day: '2026-02-30' }, 'The field "day" must be a date such as 2026-11-30.'],
    [{ credits: '3' }, 'The field "credits" must be a number.'],
    [{ exam: 'yes' }, 'The field "exam" must be true or false.'],
    [{ note: 1 }, 'The field "note" must be a text.'],
    [{ other: 1 }, 'There is no field "other". The fields are: faculty, rooms, day, credits, exam, note.'],
  ] as const)
    expect(refusal({}, { fields })).toBe(`fields-invalid: ${message}`);
});

it('values of retired fields and choices stay, until all values are removed; a site without the list accepts any', () => {
  const before = { fields: { room: 'old', faculty: 'Closed' } };
  expect(plan(before, { fields: { faculty: 'Closed', exam: true } }).details).toEqual({
    fields: { room: 'old', faculty: 'Closed', exam: true },
  });
  expect(plan(before, { fields: { room: 'old', faculty: 'History' } }).details.fields).toEqual({
    room: 'old',
    faculty: 'History',
  });
  expect(refusal(before, { fields: { room: 'new' } })).toContain('There is no field "room"');
  expect(plan(before, { fields: null }).details).toEqual({});
  expect(plan({}, { fields: { any: 'x' } }, 'none').details).toEqual({ fields: { any: 'x' } });
});

it('a schedule must be possible, and is found by its columns', () => {
  const { changes, details } = plan({ publishAt: iso(1) }, { withdrawAt: iso(2) });
  expect([changes.publish_at, changes.withdraw_at, details]).toEqual([
    iso(1),
    iso(2),
    { publishAt: iso(1), withdrawAt: iso(2) },
  ]);
  expect(
    plan({ publishAt: iso(1), withdrawAt: iso(2) }, { publishAt: null, withdrawAt: null }).changes,
  ).toMatchObject({
    publish_at: null,
    withdraw_at: null,
    details: null,
  });
  expect(plan({}, { publishAt: iso(-1) }).details).toEqual({ publishAt: iso(-1) });
  expect(refusal({}, { withdrawAt: iso(-1) })).toContain('schedule-invalid: withdrawAt is in the past.');
  expect(refusal({ withdrawAt: iso(2) }, { publishAt: iso(2) })).toBe(
    'schedule-invalid: withdrawAt must be later than publishAt.',
  );
  // Other edits of a video that is about to be withdrawn are possible.
  expect(refusal({ withdrawAt: iso(-1) }, { licence: 'CC BY 4.0' })).toBe('none');
});

it('the audit log lists each of the details that changed, before and after', () => {
  const before = { tags: ['a'], licence: 'CC0', fields: { exam: true } };
  const { entries } = plan(before, {
    tags: ['a', 'b'],
    licence: null,
    fields: { exam: true },
    publishAt: iso(1),
  });
  expect(entries).toEqual([
    {
      action: 'video.edit',
      before: { tags: '["a"]', licence: 'CC0', publishAt: null },
      after: { tags: '["a","b"]', licence: null, publishAt: iso(1) },
    },
  ]);
  expect(plan(before, { tags: ['a'] }).entries).toEqual([]);
});

it('publishing earlier needs the permission to publish, and a scheduled withdrawal that to withdraw', () => {
  const needsOf = (before: VideoDetails, edit: unknown): string[] =>
    planEdit(rowWith(before), siteVideoEditSchema.parse(edit), {
      target: {},
      fields: undefined,
      nowMs: NOW_MS,
    }).needs.map(({ action }) => action);
  for (const publishAt of [null, iso(1), iso(-1)])
    expect(needsOf({ publishAt: iso(2) }, { publishAt })).toEqual(['publish']);
  for (const publishAt of [iso(2), iso(3)]) expect(needsOf({ publishAt: iso(2) }, { publishAt })).toEqual([]);
  expect(needsOf({}, { publishAt: iso(1) })).toEqual([]);
  expect(needsOf({ publishAt: iso(-2) }, { publishAt: null })).toEqual([]);
  expect(needsOf({}, { withdrawAt: iso(1) })).toEqual(['withdraw']);
  expect(needsOf({ withdrawAt: iso(1) }, { withdrawAt: iso(1), licence: 'CC0' })).toEqual([]);
  expect(needsOf({ withdrawAt: iso(1) }, { withdrawAt: null })).toEqual([]);
});

it('another poster is taken again, at a time of the video', () => {
  expect(plan({}, { poster: { atMs: 5 } }).changes).toMatchObject({ extras_made: 0, extras_attempts: 0 });
  expect(plan({ poster: { atMs: 5 } }, { poster: { atMs: 5 } }).changes).not.toHaveProperty('extras_made');
  expect(plan({ poster: { atMs: 5 } }, { poster: null }).changes).toMatchObject({
    extras_made: 0,
    details: null,
  });
  const row = { ...rowWith({}), prepared: JSON.stringify({ durationMs: 1_000 }) } as VideoRow;
  const edit = siteVideoEditSchema.parse({ poster: { atMs: 1_000 } });
  expect(() => planEdit(row, edit, { target: {}, fields: [], nowMs: 0 })).toThrow('less than the duration');
});
