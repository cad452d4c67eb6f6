/**
 * The lexemes of a document: what the index of either engine contains. Each begins with a character that says what it is about, and
 * consists of letters, digits, `-` and `_` in ASCII and of any other characters, so that no engine changes it.
 */
import { HIT_MEMBERS, type HitMember } from '../../protocol/catalogue/search.ts';
import { foldText } from './fold.ts';
import { MAX_PREFIX } from './query.ts';
import { addTokens, findRuns } from './tokens.ts';

/** The texts of a video that a search covers, without captions. */
export interface SearchText {
  readonly name: string;
  readonly people: readonly string[];
  readonly series: string;
  readonly tags: readonly string[];
  readonly description: string;
  readonly fields: readonly string[];
}

/** The number of each member in the order of the ranking. */
export const LEVEL = Object.fromEntries(HIT_MEMBERS.map((member, at) => [member, at + 1])) as Readonly<
  Record<HitMember, number>
>;
/** Up to this level, texts are short: exact spellings and beginnings of words are indexed too. */
export const LAST_SHORT_LEVEL = LEVEL.tags;

const escapeUnit = (character: string): string =>
  /[A-Z]/.test(character)
    ? `_${character.toLowerCase()}`
    : `_${character.charCodeAt(0).toString(16).padStart(2, '0')}-`;
/** Writes any text as a part of a lexeme. */
const encode = (text: string): string => text.replaceAll(/[^a-z0-9\-\u0080-\uffff]/g, escapeUnit);

/** A token whose best member has this level. */
export const tokenLexeme = (level: number, token: string): string => `${level}${token}`;
export const exactLexeme = (level: number, token: string): string => `e${level}${encode(token)}`;
export const prefixLexeme = (level: number, prefix: string): string => `p${level}${encode(prefix)}`;

const keyword = (kind: string) => (value: string | number) => `${kind}${encode(String(value))}`;
const folded = (kind: string) => (value: string) => `${kind}${encode(foldText(value).trim())}`;
/** Lexemes that filter. */
export const KEYWORD = {
  reach: keyword('r'),
  site: keyword('s'),
  series: keyword('i'),
  owner: keyword('o'),
  group: keyword('g'),
  tag: folded('t'),
  person: folded('h'),
  language: (tag: string): string => `l${tag.toLowerCase()}`,
  year: keyword('y'),
  captions: (has: boolean): string => (has ? 'c1' : 'c0'),
  length: keyword('d'),
} as const;

/** `zh-hant-tw` is found by `zh` and `zh-hant`. */
export const languageLexemes = (tag: string): string[] => {
  const parts = tag.toLowerCase().split('-');
  return parts.map((_, at) => KEYWORD.language(parts.slice(0, at + 1).join('-')));
};

const BUCKETS_PER_DOUBLING = 4;
/** Buckets of lengths: a query of limits asks for those that they touch, and then compares the lengths. */
export const lengthBucket = (lengthS: number): number =>
  Math.floor(BUCKETS_PER_DOUBLING * Math.log2(Math.max(1, lengthS)));

/** All lexemes of the texts: each token once, with its best member. */
export function textLexemes(text: SearchText): string[] {
  const lexemes: string[] = [];
  const seen = new Set<string>();
  const seenExact = new Set<string>();
  const seenPrefixes = new Set<string>();
  for (const member of HIT_MEMBERS) {
    if (member === 'captions') continue;
    const level = LEVEL[member];
    const texts = [text[member]].flat();
    const tokens = new Set<string>();
    for (const each of texts) addTokens(foldText(each), tokens);
    for (const token of tokens) if (!seen.has(token)) lexemes.push(tokenLexeme(level, token));
    if (level <= LAST_SHORT_LEVEL) {
      const exact = new Set<string>();
      for (const each of texts) addTokens(each, exact);
      for (const token of exact) if (!seenExact.has(token)) lexemes.push(exactLexeme(level, token));
      for (const token of exact) seenExact.add(token);
      for (const prefix of prefixesOf(texts))
        if (!seenPrefixes.has(prefix)) {
          seenPrefixes.add(prefix);
          lexemes.push(prefixLexeme(level, prefix));
        }
    }
    for (const token of tokens) seen.add(token);
  }
  return lexemes;
}

/** Beginnings of words: what the index holds of a word while it is being typed. */
function prefixesOf(texts: readonly string[]): Set<string> {
  const prefixes = new Set<string>();
  for (const text of texts.map(foldText))
    for (const { kind, from, to } of findRuns(text)) {
      if (kind !== 'word') continue;
      for (let length = 2; length <= MAX_PREFIX && from + length < to; length++)
        prefixes.add(text.slice(from, from + length).replace(/[\ud800-\udbff]$/, ''));
    }
  return prefixes;
}
