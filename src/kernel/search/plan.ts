/** Turns a query and the access of its viewer into the conditions of a walk through the index. */

import type { Order, VideoFilter } from '../../protocol/catalogue/search.ts';
import type { VideoAccess } from '../access/video-access.ts';
import type { FacetQuery } from './database/facets.ts';
import type { Walk } from './database/list.ts';
import { all, matchFilter, matchQuery, matchTiers } from './match.ts';
import { parseQuery, type SearchQuery } from './query.ts';
import { type AccessPlan, planAccess } from './viewer-access.ts';

export interface SearchPlan {
  readonly words: SearchQuery | undefined;
  readonly access: AccessPlan;
  readonly walk: Omit<Walk, 'cursor' | 'hasPlays'>;
  readonly facets: FacetQuery;
}

/** Returns undefined for a query that finds nothing, because it has no letter or digit. */
export function planSearch(
  filter: VideoFilter & { readonly order?: Order | undefined },
  videoAccess: readonly VideoAccess[],
): SearchPlan | undefined {
  const words = filter.q === undefined ? undefined : parseQuery(filter.q);
  if (filter.q?.trim() && !words) return undefined;
  const access = planAccess(videoAccess);
  const order = filter.order ?? (words ? 'relevance' : 'newest');
  const tiers = order === 'relevance' && words ? matchTiers(words) : [];
  const narrowing = [...matchFilter(filter), ...(words && tiers.length === 0 ? [matchQuery(words)] : [])];
  const conditions = [...narrowing, ...(access.match === undefined ? [] : [access.match])];
  return {
    words,
    access,
    walk: {
      where: conditions.length === 0 ? undefined : all(conditions),
      reaches: access.reaches,
      isWhole: narrowing.length === 0 && access.rest === undefined,
      length: filter,
      tiers,
      order,
    },
    facets: {
      where: narrowing.length === 0 ? undefined : all(narrowing),
      access: access.match,
      whole: access.whole,
      rest: access.rest,
      length: filter,
    },
  };
}
