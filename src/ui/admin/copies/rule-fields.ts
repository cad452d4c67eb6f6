/** The fields of the form for a placement rule → the rule. Pure; central validates the values. */
import type { PlacementRule } from '../../../protocol/copies.ts';

export const RULE_KINDS = [
  'at-least',
  'hot',
  'stays',
  'at-most',
  'by-hand',
] as const satisfies readonly PlacementRule['kind'][];

export interface RuleFields {
  readonly kind: PlacementRule['kind'];
  /** Sites, videos or gigabytes, by the kind. */
  readonly number: string;
  readonly minPlays: string;
  readonly inDifferentRegions: boolean;
  readonly video: string;
  /** `all`, `region …` or `site …` */
  readonly where: string;
}

export const EMPTY_RULE: RuleFields = {
  kind: 'at-least',
  number: '2',
  minPlays: '1',
  inDifferentRegions: false,
  video: '',
  where: 'all',
};

/** The fields that a kind of rule has in addition to its sites. */
interface FieldsOfKind {
  readonly number?: 'copies' | 'top' | 'gigabytes';
  readonly minPlays?: boolean;
  readonly inDifferentRegions?: boolean;
  readonly video?: boolean;
}

const FIELDS: Readonly<Record<PlacementRule['kind'], FieldsOfKind>> = {
  'at-least': { number: 'copies', inDifferentRegions: true },
  hot: { number: 'top', minPlays: true },
  stays: {},
  'at-most': { number: 'gigabytes' },
  'by-hand': { video: true },
};
export const getFieldsOfKind = (kind: PlacementRule['kind']): FieldsOfKind => FIELDS[kind];

/** The body of `POST /api/placement-rules`. */
export function formatRule(fields: RuleFields): unknown {
  const { kind, number, minPlays, inDifferentRegions, video, where } = fields;
  const [scope, ...rest] = where.split(' ');
  // The name of a region may contain spaces.
  const name = rest.join(' ');
  const choice = scope === 'region' ? { region: name } : scope === 'site' ? { sites: [name] } : 'all';
  switch (kind) {
    case 'at-least':
      return { kind, copies: Number(number), inDifferentRegions, of: choice };
    case 'hot':
      return { kind, top: Number(number), minPlaysADay: Number(minPlays), at: choice };
    case 'stays':
      return { kind, of: choice };
    case 'at-most':
      return { kind, bytes: Math.round(Number(number) * 1e9), at: choice };
    case 'by-hand':
      return { kind, video, site: name };
  }
}
