/** Explains why a video matches: the members with the match, and for captions the moment. */
import type { Hit, HitMember } from '../../protocol/catalogue/search.ts';
import { foldText } from './fold.ts';
import type { SearchText } from './lexemes.ts';
import { excerpt, findMarks, type Matched } from './marks.ts';
import { containsPhrase, indexOfPhrase, type SearchQuery, type Term } from './query.ts';
import { joinRuns } from './tokens.ts';

/** Captions in one language. */
export interface SearchedCaptions {
  readonly language: string;
  readonly cues: readonly (readonly [startMs: number, text: string])[];
  /** The text of each cue, folded, with one space between words, and a line feed between cues. */
  readonly joined: string;
}

/** Of each member with several values, and of the captions of each language. */
const MAX_PER_MEMBER = 3;
const MAX_CAPTION_HITS = 3;
/** Of each term, in captions. */
const MAX_OCCURRENCES = 200;

const MEMBERS = [
  'name',
  'people',
  'series',
  'tags',
  'description',
  'fields',
] as const satisfies readonly HitMember[];

/**
 * Returns undefined if a phrase of the query occurs nowhere: the index finds documents with all its words, wherever they are.
 *
 * @param captions by language
 */
export function findHits(
  query: SearchQuery,
  text: SearchText,
  captions: readonly SearchedCaptions[],
): Hit[] | undefined {
  const texts = MEMBERS.flatMap(member => [text[member]].flat().map(value => ({ member, value })));
  if (
    !query.phrases.every(phrase =>
      occurs(
        phrase,
        texts.map(({ value }) => value),
        captions,
      ),
    )
  )
    return undefined;
  const hits: Hit[] = [];
  const perMember = new Map<HitMember, number>();
  for (const { member, value } of texts) {
    const count = perMember.get(member) ?? 0;
    if (count >= MAX_PER_MEMBER) continue;
    const found = findMarks(value, query);
    if (!isRelevant(found, query, member)) continue;
    perMember.set(member, count + 1);
    hits.push(makeHit(member, value, found));
  }
  return [...hits, ...captions.flatMap(each => findInCaptions(query, each)).slice(0, MAX_CAPTION_HITS)];
}

function makeHit(member: HitMember, value: string, { marks }: Matched): Hit {
  const cut =
    member === 'description' || member === 'fields' ? excerpt(value, marks) : { text: value, marks };
  return { in: member, text: cut.text, marks: cut.marks.map(([from, to]): [number, number] => [from, to]) };
}

/** In a long text, one of several words says little: at least half of them must occur. */
const isRelevant = ({ terms, marks }: Matched, query: SearchQuery, member: HitMember): boolean =>
  marks.length > 0 && (member !== 'description' || terms.size * 2 >= query.terms.length);

const occurs = (phrase: string, texts: readonly string[], captions: readonly SearchedCaptions[]): boolean =>
  texts.some(text => containsPhrase(joinRuns(foldText(text)), phrase)) ||
  captions.some(({ joined }) => containsPhrase(joined.replaceAll('\n', ' '), phrase));

/** The cues in which most of the terms occur, in the order of time. */
function findInCaptions(query: SearchQuery, { language, cues, joined }: SearchedCaptions): Hit[] {
  const lines = startsOfLines(joined);
  const scores = new Map<number, number>();
  const count = (offsets: readonly number[], weight: number): void => {
    for (const cue of new Set(offsets.map(offset => lineAt(lines, offset))))
      scores.set(cue, (scores.get(cue) ?? 0) + weight);
  };
  for (const term of query.terms) count(findTerm(joined, term), 1);
  for (const phrase of query.phrases) {
    // A phrase may continue in the next cue.
    const at = indexOfPhrase(joined.replaceAll('\n', ' '), phrase);
    if (at >= 0) count([at], query.terms.length + 1);
  }
  const best = Math.max(0, ...scores.values());
  return [...scores]
    .filter(([, score]) => score === best)
    .map(([cue]) => cue)
    .sort((a, b) => a - b)
    .slice(0, MAX_CAPTION_HITS)
    .flatMap(cue => {
      const [startMs, line] = cues[cue] ?? [0, ''];
      const { text, marks } = excerpt(line, findMarks(line, query).marks);
      return marks.length === 0
        ? []
        : [
            {
              in: 'captions' as const,
              text,
              marks: marks.map(([from, to]): [number, number] => [from, to]),
              atMs: startMs,
              language,
            },
          ];
    });
}

function startsOfLines(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

function lineAt(starts: readonly number[], offset: number): number {
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] as number) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

const isBetweenWords = (text: string, at: number): boolean =>
  at < 0 || at >= text.length || text.charAt(at) === ' ' || text.charAt(at) === '\n';

/** Where a term occurs in joined text. A longer Chinese term that does not occur as a whole: where its first pair does. */
function findTerm(joined: string, term: Term): number[] {
  const needles =
    term.kind === 'word' ? [term.tokens[0] ?? term.text] : [term.text, term.tokens[0] ?? term.text];
  for (const needle of needles) {
    const offsets: number[] = [];
    for (
      let at = joined.indexOf(needle);
      at >= 0 && offsets.length < MAX_OCCURRENCES;
      at = joined.indexOf(needle, at + 1)
    ) {
      const isWhole = isBetweenWords(joined, at - 1) && isBetweenWords(joined, at + needle.length);
      if (term.kind === 'grams' || isWhole) offsets.push(at);
    }
    if (offsets.length > 0) return offsets;
  }
  return [];
}
