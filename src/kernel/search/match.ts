/** Conditions on the lexemes of documents, and the languages in which the engines take them. */

import type { VideoFilter } from '../../protocol/catalogue/search.ts';
import type { VideoAccess } from '../access/video-access.ts';
import {
  exactLexeme,
  KEYWORD,
  LAST_SHORT_LEVEL,
  LEVEL,
  lengthBucket,
  prefixLexeme,
  tokenLexeme,
} from './lexemes.ts';
import { MAX_PREFIX, type SearchQuery, type Term } from './query.ts';

export type Match =
  | string
  | { readonly all: readonly Match[] }
  | { readonly any: readonly Match[] }
  /** `of` without `but`. */
  | { readonly of: Match; readonly but: Match };

/** FTS5 (https://sqlite.org/fts5.html, section 3). */
export function formatFts5(match: Match): string {
  if (typeof match === 'string') return `"${match}"`;
  if ('all' in match) return `(${match.all.map(formatFts5).join(' AND ')})`;
  if ('any' in match) return `(${match.any.map(formatFts5).join(' OR ')})`;
  return `(${formatFts5(match.of)} NOT ${formatFts5(match.but)})`;
}

/** `tsquery` of PostgreSQL. */
export function formatTsquery(match: Match): string {
  if (typeof match === 'string') return `'${match}'`;
  if ('all' in match) return `(${match.all.map(formatTsquery).join(' & ')})`;
  if ('any' in match) return `(${match.any.map(formatTsquery).join(' | ')})`;
  return `(${formatTsquery(match.of)} & !${formatTsquery(match.but)})`;
}

const any = (matches: readonly Match[]): Match =>
  matches.length === 1 ? (matches[0] as Match) : { any: matches };
export const all = (matches: readonly Match[]): Match =>
  matches.length === 1 ? (matches[0] as Match) : { all: matches };

/** The videos that a viewer may find. Undefined: all of them. */
export function matchAccess(access: readonly VideoAccess[]): Match | undefined {
  const conditions = access.map(({ audience, site, series, owner, group }) => [
    ...(audience === undefined ? [] : [KEYWORD.reach(audience)]),
    ...(site === undefined ? [] : [KEYWORD.site(site)]),
    ...(series === undefined ? [] : [KEYWORD.series(series)]),
    ...(owner === undefined ? [] : [KEYWORD.owner(owner)]),
    ...(group === undefined ? [] : [KEYWORD.group(group)]),
  ]);
  return conditions.some(each => each.length === 0) ? undefined : any(conditions.map(all));
}

/** The conditions of a filter besides its words. Limits of the length must be compared again. */
export function matchFilter(filter: VideoFilter): Match[] {
  const { site, series, tag, person, language, year, captions, minS, maxS } = filter;
  return [
    ...(site === undefined ? [] : [KEYWORD.site(site)]),
    ...(series === undefined ? [] : [KEYWORD.series(series)]),
    ...(tag === undefined ? [] : [KEYWORD.tag(tag)]),
    ...(person === undefined ? [] : [KEYWORD.person(person)]),
    ...(language === undefined ? [] : [KEYWORD.language(language)]),
    ...(year === undefined ? [] : [KEYWORD.year(year)]),
    ...(captions === undefined ? [] : [KEYWORD.captions(captions)]),
    ...(minS === undefined && maxS === undefined ? [] : [matchLength(minS, maxS)]),
  ];
}

/** All longer videos share the last bucket. */
const LAST_BUCKET = lengthBucket(7 * 86_400);
export const bucketOf = (lengthS: number): number => Math.min(LAST_BUCKET, lengthBucket(lengthS));

function matchLength(minS = 0, maxS = Number.POSITIVE_INFINITY): Match {
  const [first, last] = [bucketOf(minS), Math.min(LAST_BUCKET, lengthBucket(maxS))];
  const buckets = Array.from({ length: Math.max(1, last - first + 1) }, (_, at) =>
    KEYWORD.length(first + at),
  );
  return any(buckets);
}

const levels = (last: number): number[] => Array.from({ length: last }, (_, at) => at + 1);

/** The term occurs in a member up to this level. */
function matchTerm(term: Term, level: number, withPrefix: boolean): Match {
  const whole = all(term.tokens.map(token => any(levels(level).map(each => tokenLexeme(each, token)))));
  return withPrefix && hasPrefix(term)
    ? any([whole, ...levels(Math.min(level, LAST_SHORT_LEVEL)).map(each => prefixLexeme(each, term.prefix))])
    : whole;
}
const hasPrefix = (term: Term): term is Term & { readonly prefix: string } =>
  term.prefix !== undefined && term.prefix.length <= MAX_PREFIX;

const matchExact = (term: Term, level: number): Match =>
  all(term.exact.map(token => any(levels(level).map(each => exactLexeme(each, token)))));

/** All terms occur somewhere. */
export const matchQuery = ({ terms }: SearchQuery): Match =>
  all(terms.map(term => matchTerm(term, LEVEL.captions, true)));

/**
 * The tiers of the ranking: the first one that a video matches is its rank. A tier says up to which member the terms occur. In the
 * short members, exact spellings come before folded ones, and beginnings of words come last.
 */
export function matchTiers({ terms }: SearchQuery): Match[] {
  const tiers: Match[] = [];
  for (const level of levels(LEVEL.captions)) {
    if (level <= LAST_SHORT_LEVEL && terms.every(({ exact }) => exact.length > 0))
      tiers.push(all(terms.map(term => matchExact(term, level))));
    if (level <= LAST_SHORT_LEVEL) tiers.push(all(terms.map(term => matchTerm(term, level, false))));
    if (level > LAST_SHORT_LEVEL || (level === LAST_SHORT_LEVEL && terms.some(hasPrefix)))
      tiers.push(all(terms.map(term => matchTerm(term, level, true))));
  }
  return tiers;
}

/** All terms occur in exactly this member, the last one also as the beginning of a word. A token is indexed with its best member. */
export const matchMember = ({ terms }: SearchQuery, level: number): Match =>
  all(
    terms.map(term => {
      const whole = all(term.tokens.map(token => any(levels(level).map(each => tokenLexeme(each, token)))));
      return hasPrefix(term)
        ? any([whole, ...levels(level).map(each => prefixLexeme(each, term.prefix))])
        : whole;
    }),
  );
