/** What of the index a viewer may see. */
import type { VideoAccess } from '../access/video-access.ts';
import type { Reach } from './document.ts';
import { KEYWORD } from './lexemes.ts';
import { type Match, matchAccess } from './match.ts';

export interface AccessPlan {
  /** Undefined: everything. */
  readonly match: Match | undefined;
  /** No document of another reach can match. */
  readonly reaches: readonly Reach[];
  /** All documents of these reaches match. */
  readonly whole: readonly Reach[];
  /** The documents that match, without those of `whole`. Undefined: there are no others. */
  readonly rest: Match | undefined;
}

export function planAccess(access: readonly VideoAccess[]): AccessPlan {
  const match = matchAccess(access);
  if (match === undefined)
    return {
      match,
      reaches: ['public', 'internal', 'named'],
      whole: ['public', 'internal', 'named'],
      rest: undefined,
    };
  const whole = access.flatMap(({ audience, ...scope }): Reach[] =>
    audience !== undefined && Object.keys(scope).length === 0 ? [audience] : [],
  );
  if (whole.length === access.length) return { match, reaches: whole, whole, rest: undefined };
  const rest: Match =
    whole.length === 0 ? match : { of: match, but: { any: whole.map(reach => KEYWORD.reach(reach)) } };
  return { match, reaches: ['public', 'internal', 'named'], whole, rest };
}
