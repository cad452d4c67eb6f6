/**
 * Splits folded text into the tokens of the index: words for scripts with spaces between words; characters and pairs of characters
 * for the others, so that a query of one or two Chinese characters finds a part of a sentence.
 */
import { KIND, kindAt } from './fold.ts';

/** A part of a text in which no separator occurs. */
export interface Run {
  readonly kind: 'word' | 'grams';
  readonly from: number;
  readonly to: number;
}

/** Longer words are cut: nobody types more of them. */
const MAX_WORD_UNITS = 40;

export function findRuns(text: string): Run[] {
  const runs: Run[] = [];
  for (let at = 0; at < text.length; ) {
    const kind = kindAt(text, at);
    if (kind === KIND.separator) {
      at++;
      continue;
    }
    const from = at++;
    while (at < text.length && kindAt(text, at) === kind) at++;
    runs.push({ kind: kind === KIND.gram ? 'grams' : 'word', from, to: at });
  }
  return runs;
}

const cutWord = (text: string, from: number, to: number): string =>
  text.slice(from, Math.min(to, from + MAX_WORD_UNITS)).replace(/[\ud800-\udbff]$/, '');

/** Adds the tokens of `text` to `tokens`. */
export function addTokens(text: string, tokens: Set<string>): void {
  for (const { kind, from, to } of findRuns(text)) {
    if (kind === 'word') tokens.add(cutWord(text, from, to));
    else {
      let before = '';
      for (let at = from; at < to; ) {
        const unit = text.charCodeAt(at);
        const character = unit >= 0xd8_00 && unit <= 0xdb_ff ? text.slice(at, at + 2) : text.charAt(at);
        tokens.add(character);
        if (before !== '') tokens.add(before + character);
        before = character;
        at += character.length;
      }
    }
  }
}

/** The tokens that a text must have to contain this run: a word, one character, or all pairs of characters. */
export function requiredTokens(text: string, { kind, from, to }: Run): string[] {
  if (kind === 'word') return [cutWord(text, from, to)];
  const characters = [...text.slice(from, to)];
  if (characters.length === 1) return characters;
  return characters.slice(1).map((character, at) => `${characters[at]}${character}`);
}

/** Folded text with exactly one space between its runs, in which phrases are found by comparing text. */
export const joinRuns = (text: string): string =>
  findRuns(text)
    .map(({ from, to }) => text.slice(from, to))
    .join(' ');
