/** What a person types of a rule, and the rule that it makes. Pure; what is wrong with it the centre sentences. */
import type { PlacementRule } from '../../../protocol/copies.ts';

export interface RuleFields {
  readonly kind: PlacementRule['kind'];
  /** Copies, titles or gigabytes. */
  readonly number: string;
  readonly plays: string;
  readonly apart: boolean;
  readonly video: string;
  /** `all`, `region …` or `site …` */
  readonly where: string;
}

export const EMPTY_RULE: RuleFields = {
  kind: 'at-least',
  number: '2',
  plays: '1',
  apart: false,
  video: '',
  where: 'all',
};

export interface FieldsOfKind {
  readonly number?: 'copies' | 'top' | 'gigabytes';
  readonly plays?: boolean;
  readonly apart?: boolean;
  readonly video?: boolean;
}

const FIELDS: Readonly<Record<PlacementRule['kind'], FieldsOfKind>> = {
  'at-least': { number: 'copies', apart: true },
  hot: { number: 'top', plays: true },
  stays: {},
  'at-most': { number: 'gigabytes' },
  'by-hand': { video: true },
};
export const whichFields = (kind: PlacementRule['kind']): FieldsOfKind => FIELDS[kind];

export function ruleOf({ kind, number, plays, apart, video, where }: RuleFields): unknown {
  const [what, ...rest] = where.split(' ');
  const name = rest.join(' ');
  const choice = what === 'region' ? { region: name } : what === 'site' ? { sites: [name] } : 'all';
  switch (kind) {
    case 'at-least':
      return { kind, copies: Number(number), inDifferentRegions: apart, of: choice };
    case 'hot':
      return { kind, top: Number(number), minPlaysADay: Number(plays), at: choice };
    case 'stays':
      return { kind, of: choice };
    case 'at-most':
      return { kind, bytes: Math.round(Number(number) * 1e9), at: choice };
    case 'by-hand':
      return { kind, video, site: name };
  }
}
