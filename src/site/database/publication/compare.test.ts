import { describe, expect, it } from 'vitest';
import { compare, type OwnRecord } from './compare.ts';

const early = '2026-01-01T00:00:00.000Z';
const late = '2026-01-02T00:00:00.000Z';
const own = (changes: Partial<OwnRecord> = {}): OwnRecord => ({
  version: 5,
  hash: 'a',
  withdrawn: false,
  writtenAt: early,
  ...changes,
});
const held = own;
const draft = { version: 0, hash: '' };

describe('one video, after two histories met', () => {
  it.each([
    ['both hold the same', own(), held(), 'same'],
    ['the site has lost it', undefined, held(), 'restore'],
    ['central has never had it', own(), undefined, 'publish'],
    ['central has never had a draft', own(draft), undefined, 'publish'],
    ['central holds a later record', own(), held({ version: 9, hash: 'b', writtenAt: late }), 'restore'],
    [
      'central was restored from a backup',
      own({ version: 9, hash: 'b', writtenAt: late }),
      held(),
      'publish',
    ],
    ['the same number, ours later', own({ writtenAt: late }), held({ hash: 'b' }), 'renumber'],
    ['the same number, theirs later', own(), held({ hash: 'b', writtenAt: late }), 'restore'],
    ['a lower number, ours later', own({ writtenAt: late }), held({ version: 9, hash: 'b' }), 'renumber'],
    ['a higher number, theirs later', own({ version: 9 }), held({ hash: 'b', writtenAt: late }), 'restore'],
    ['a draft written later', own({ ...draft, writtenAt: late }), held(), 'renumber'],
    ['a draft from before the restore', own(draft), held({ writtenAt: late }), 'restore'],
    [
      'withdrawn there, edited here later',
      own({ ...draft, writtenAt: late }),
      held({ withdrawn: true }),
      'restore',
    ],
    ['withdrawn there under a lower number', own({ version: 9 }), held({ withdrawn: true }), 'restore'],
    [
      'withdrawn here, edited there later',
      own({ withdrawn: true }),
      held({ version: 9, writtenAt: late }),
      'renumber',
    ],
    [
      'withdrawn in both, in two histories',
      own({ withdrawn: true }),
      held({ withdrawn: true, hash: 'b', writtenAt: late }),
      'restore',
    ],
  ] as const)('%s', (_name, mine, theirs, expected) => {
    expect(compare(mine, theirs)).toBe(expected);
  });

  it('both sides choose the same record of one millisecond', () => {
    expect(compare(own({ hash: 'a' }), held({ hash: 'b' }))).toBe('restore');
    expect(compare(own({ hash: 'b' }), held({ hash: 'a' }))).toBe('renumber');
  });
});
