import { expect, it } from 'vitest';
import { splitList } from './split-list.ts';

it('splits at lines, spaces and the separators of both languages', () => {
  expect(splitList(' 10.0.0.0/8,10.1.0.0/16\n2001:db8::/32；a、b，c;d ')).toEqual([
    '10.0.0.0/8',
    '10.1.0.0/16',
    '2001:db8::/32',
    'a',
    'b',
    'c',
    'd',
  ]);
  expect(splitList(' \n')).toEqual([]);
});
