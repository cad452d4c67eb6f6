import { describe, expect, it } from 'vitest';
import { newId } from '../../../protocol/base/ids.ts';
import { placementRuleSchema } from '../../../protocol/copies.ts';
import { EMPTY_RULE, formatRule, getFieldsOfKind, RULE_KINDS } from './rule-fields.ts';

describe('the form of a rule', () => {
  it('makes a rule of each kind', () => {
    const number = '5';
    expect(formatRule({ ...EMPTY_RULE, inDifferentRegions: true })).toEqual({
      kind: 'at-least',
      copies: 2,
      inDifferentRegions: true,
      of: 'all',
    });
    expect(formatRule({ ...EMPTY_RULE, kind: 'hot', number, minPlays: '0.5', where: 'site s' })).toEqual({
      kind: 'hot',
      top: 5,
      minPlaysADay: 0.5,
      at: { sites: ['s'] },
    });
    expect(formatRule({ ...EMPTY_RULE, kind: 'stays' })).toEqual({ kind: 'stays', of: 'all' });
    expect(formatRule({ ...EMPTY_RULE, kind: 'by-hand', video: 'v', where: 'site s' })).toEqual({
      kind: 'by-hand',
      video: 'v',
      site: 's',
    });
  });
  it('converts gigabytes to bytes', () => {
    const limit = (number: string) => formatRule({ ...EMPTY_RULE, kind: 'at-most', number });
    expect(limit('5')).toEqual({ kind: 'at-most', bytes: 5e9, at: 'all' });
    expect(limit('0.0000000015')).toMatchObject({ bytes: 2 });
  });
  it('keeps the spaces in the name of a region', () => {
    expect(formatRule({ ...EMPTY_RULE, kind: 'stays', where: 'region South West' })).toEqual({
      kind: 'stays',
      of: { region: 'South West' },
    });
  });
  it('makes rules that central accepts', () => {
    for (const kind of RULE_KINDS) {
      const where = `site ${newId()}`;
      const rule = formatRule({ ...EMPTY_RULE, kind, video: newId(), where });
      expect(placementRuleSchema.safeParse(rule).success).toBe(true);
    }
  });
  it('has the fields of the kind', () => {
    expect(RULE_KINDS.map(kind => Object.keys(getFieldsOfKind(kind)))).toEqual([
      ['number', 'inDifferentRegions'],
      ['number', 'minPlays'],
      [],
      ['number'],
      ['video'],
    ]);
  });
});
