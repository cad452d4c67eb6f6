/** Finds where a text matches a query, in the original text, and cuts an excerpt around it. */
import { type Folded, fold } from './fold.ts';
import type { SearchQuery, Term } from './query.ts';
import { findRuns, type Run } from './tokens.ts';

/** From the first unit of the original text that matches to the one after the last. */
export type Mark = [from: number, to: number];

const MAX_MARKS = 20;
/** The length of an excerpt, and how much of it comes before the first mark. */
const EXCERPT_UNITS = 180;
const BEFORE_UNITS = 50;

export interface Matched {
  readonly marks: readonly Mark[];
  /** Which terms of the query occur. */
  readonly terms: ReadonlySet<Term>;
}

/** At most 20 marks, in the order of the text, none of which touches another. */
export function findMarks(original: string, { terms }: SearchQuery): Matched {
  const folded = fold(original);
  const found: Mark[] = [];
  const matched = new Set<Term>();
  const runs = findRuns(folded.text);
  for (const term of terms) {
    const ranges = runs.flatMap(run => (run.kind === term.kind ? findInRun(folded.text, run, term) : []));
    const whole = ranges.length > 0 ? ranges : findPairs(folded.text, runs, term);
    if (whole.length > 0) matched.add(term);
    found.push(...whole.slice(0, MAX_MARKS).map(range => toOriginal(folded, range)));
  }
  return { marks: merge(found).slice(0, MAX_MARKS), terms: matched };
}

function findInRun(text: string, { from, to }: Run, term: Term): Mark[] {
  if (term.kind === 'word') {
    const word = text.slice(from, to);
    if (
      word === term.text ||
      (term.tokens[0] !== undefined && term.tokens[0] !== term.text && word.startsWith(term.tokens[0]))
    )
      return [[from, to]];
    return term.prefix !== undefined && word.startsWith(term.prefix)
      ? [[from, from + term.prefix.length]]
      : [];
  }
  const ranges: Mark[] = [];
  for (let at = text.indexOf(term.text, from); at >= 0 && at + term.text.length <= to; ) {
    ranges.push([at, at + term.text.length]);
    at = text.indexOf(term.text, at + term.text.length);
  }
  return ranges;
}

/** A longer Chinese term also matches where all its pairs occur. */
function findPairs(text: string, runs: readonly Run[], term: Term): Mark[] {
  if (term.kind !== 'grams' || term.tokens.length < 2) return [];
  const perPair = term.tokens.map(pair =>
    runs.flatMap(run => (run.kind === 'grams' ? findInRun(text, run, { ...term, text: pair }) : [])),
  );
  return perPair.every(ranges => ranges.length > 0) ? perPair.flatMap(ranges => ranges.slice(0, 2)) : [];
}

const toOriginal = ({ starts, ends }: Folded, [from, to]: Mark): Mark => [
  starts[from] ?? 0,
  ends[to - 1] ?? 0,
];

function merge(marks: readonly Mark[]): Mark[] {
  const merged: Mark[] = [];
  for (const [from, to] of marks.toSorted((a, b) => a[0] - b[0] || a[1] - b[1])) {
    const last = merged.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

export interface Excerpt {
  readonly text: string;
  readonly marks: readonly Mark[];
}

/** Cuts a long text to an excerpt that begins shortly before the first mark, at the start of a word if there is one. */
export function excerpt(text: string, marks: readonly Mark[]): Excerpt {
  const line = text.replaceAll(/\s/gu, ' ');
  if (line.length <= EXCERPT_UNITS) return { text: line, marks };
  const first = marks[0]?.[0] ?? 0;
  const earliest = Math.max(0, Math.min(first - BEFORE_UNITS, line.length - EXCERPT_UNITS));
  const space = line.indexOf(' ', earliest);
  const from = wholeFrom(line, earliest === 0 ? 0 : space >= 0 && space < first ? space + 1 : earliest);
  const to = wholeFrom(line, Math.min(line.length, from + EXCERPT_UNITS));
  return {
    text: `${from > 0 ? '…' : ''}${line.slice(from, to)}${to < line.length ? '…' : ''}`,
    marks: marks
      .filter(mark => mark[0] >= from && mark[1] <= to)
      .map(mark => mark.map(at => at - from + (from > 0 ? 1 : 0)) as Mark),
  };
}

/** Not between the halves of a surrogate pair. */
const wholeFrom = (text: string, at: number): number => {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc_00 && unit <= 0xdf_ff ? at - 1 : at;
};
