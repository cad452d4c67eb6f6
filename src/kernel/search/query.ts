/** Reads what people type into a search box. Every text is a valid query; what exceeds the limits is ignored. */
import { MAX_QUERY_CHARACTERS } from '../../protocol/catalogue/search.ts';
import { fold, foldText } from './fold.ts';
import { findRuns, joinRuns, requiredTokens } from './tokens.ts';

const MAX_TERMS = 16;
const MAX_TOKENS = 40;
/** A shorter prefix begins too many words. */
const MIN_PREFIX = 2;
export const MAX_PREFIX = 10;

/** A run of the query. All terms must occur. */
export interface Term {
  readonly kind: 'word' | 'grams';
  /** Folded. */
  readonly text: string;
  /** All of these are in the index if the term occurs. */
  readonly tokens: readonly string[];
  /** The same tokens as they were typed. */
  readonly exact: readonly string[];
  /** Set for the last word: what a longer word must begin with. */
  readonly prefix?: string;
}

export interface SearchQuery {
  readonly terms: readonly Term[];
  /** Texts in double quotes, as `joinRuns` writes them. They occur as they are. */
  readonly phrases: readonly string[];
}

const QUOTED = /["“”„«»「」『』]([^"“”„«»「」『』]*)["“”„«»「」『』]/gu;

/** Returns undefined for a query without any letter or digit: it asks for nothing. */
export function parseQuery(q: string): SearchQuery | undefined {
  const typed = q.slice(0, MAX_QUERY_CHARACTERS).normalize('NFC');
  const { text, starts, ends } = fold(typed);
  const terms: Term[] = [];
  let tokens = 0;
  for (const run of findRuns(text).slice(0, MAX_TERMS)) {
    const original = typed.slice(starts[run.from], ends[run.to - 1]);
    const term = {
      kind: run.kind,
      text: text.slice(run.from, run.to),
      tokens: requiredTokens(text, run),
      exact: findRuns(original).flatMap(each => requiredTokens(original, each)),
      // Only the word that is still being typed may be incomplete.
      ...(run.kind === 'word' && run.to === text.length && run.to - run.from >= MIN_PREFIX
        ? { prefix: text.slice(run.from, run.to) }
        : {}),
    };
    tokens += term.tokens.length;
    if (tokens > MAX_TOKENS) break;
    terms.push(term);
  }
  if (terms.length === 0) return undefined;
  const phrases = [...typed.matchAll(QUOTED)]
    .map(([, quoted = '']) => joinRuns(foldText(quoted)))
    .filter(phrase => phrase !== '');
  return { terms, phrases };
}

/** True if the folded text, as `joinRuns` writes it, contains the phrase. Words match only as a whole. */
export const containsPhrase = (joined: string, phrase: string): boolean => indexOfPhrase(joined, phrase) >= 0;

export function indexOfPhrase(joined: string, phrase: string): number {
  const [first, last] = [findRuns(phrase)[0]?.kind, findRuns(phrase).at(-1)?.kind];
  for (let at = joined.indexOf(phrase); at >= 0; at = joined.indexOf(phrase, at + 1)) {
    const before = at === 0 ? ' ' : joined.charAt(at - 1);
    const after = joined.charAt(at + phrase.length) || ' ';
    if ((first === 'grams' || /\s/.test(before)) && (last === 'grams' || /\s/.test(after))) return at;
  }
  return -1;
}
