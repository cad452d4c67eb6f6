/** The values of a document that facets count, as one text: a value a line, each after the letter of its facet. */
import { FACETS, type Facet } from '../../protocol/catalogue/search.ts';

/** `n` counts every document. */
export const LETTERS: Readonly<Record<Facet, string>> = {
  site: 's',
  series: 'i',
  tag: 't',
  person: 'h',
  language: 'l',
  year: 'y',
  length: 'd',
  captions: 'c',
};
export const EVERY = 'n';
const FACET_OF = new Map<string, Facet>(FACETS.map(facet => [LETTERS[facet], facet]));

/** The limits of the facet `length`, in seconds. */
const LENGTHS = [0, 300, 1_200, 3_600, 7_200] as const;

export interface FacetValuesOfVideo {
  readonly site: string;
  readonly series: string | undefined;
  readonly tags: readonly string[];
  readonly people: readonly string[];
  readonly language: string | undefined;
  readonly year: number;
  readonly lengthS: number;
  readonly hasCaptions: boolean;
}

export function formatFacetLines(values: FacetValuesOfVideo): string {
  const { site, series, tags, people, language, year, lengthS, hasCaptions } = values;
  const lines = [
    EVERY,
    ...(site === '' ? [] : [LETTERS.site + site]),
    ...(series === undefined ? [] : [LETTERS.series + series]),
    ...tags.map(tag => LETTERS.tag + tag),
    ...people.map(person => LETTERS.person + person),
    ...(language === undefined ? [] : [LETTERS.language + language.toLowerCase()]),
    LETTERS.year + year,
    LETTERS.length + lengthRange(lengthS),
    LETTERS.captions + hasCaptions,
  ];
  return [...new Set(lines)].join('\n');
}

/** `0-299`, …, `7200-`. */
function lengthRange(lengthS: number): string {
  const at = LENGTHS.findLastIndex(limit => lengthS >= limit);
  const next = LENGTHS[at + 1];
  return `${LENGTHS[at] ?? 0}-${next === undefined ? '' : next - 1}`;
}

/** Undefined for the line that counts every document. */
export function parseFacetLine(line: string): { readonly facet: Facet; readonly value: string } | undefined {
  const facet = FACET_OF.get(line.charAt(0));
  return facet && { facet, value: line.slice(1) };
}
