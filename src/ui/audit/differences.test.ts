import { expect, it } from 'vitest';
import { listDifferences } from './differences.ts';

it('lists each member once, with its value before and after', () => {
  expect(
    listDifferences({ before: { name: 'Old', region: null }, after: { name: 'New', isOpen: true } }),
  ).toEqual([
    { name: 'name', before: 'Old', after: 'New' },
    { name: 'region', before: '–' },
    { name: 'isOpen', after: 'true' },
  ]);
});

it('shows roles as text', () => {
  const roles = [
    { role: 'editor', scope: 'everything' },
    { role: 'author', scope: { site: 's' } },
  ];
  expect(listDifferences({ after: { roles } })).toEqual([
    { name: 'roles', after: 'editor (everything), author (site s)' },
  ]);
});

it('shows a value that is not an object, and nothing for an entry without values', () => {
  expect(listDifferences({ after: 'text' })).toEqual([{ name: '', after: 'text' }]);
  expect(listDifferences({})).toEqual([]);
});
