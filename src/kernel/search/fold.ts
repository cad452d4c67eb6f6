/**
 * Folds text, so that a search finds each spelling: compatibility forms and width (NFKC), case, diacritics of Latin, Greek and
 * Cyrillic letters, and traditional to simplified Chinese characters. Every unit of the result is traced to the original.
 */
import traditionalToSimplified from 'opencc-js/dict/TSCharacters';

/** Folded text. Unit `n` of it comes from the original text from `starts[n]` to before `ends[n]`, in UTF-16 code units. */
export interface Folded {
  readonly text: string;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}

const MARK = /^\p{M}$/u;
const FORMAT = /^\p{Cf}$/u;
const DROPS_MARKS = /^[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}]/u;
const MARKS = /\p{M}+/gu;
/** Letters that lose their case or diacritics only by convention, not by decomposition. */
const LETTERS: Readonly<Record<string, string>> = {
  ...{ ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', ł: 'l', đ: 'd', ð: 'd', þ: 'th', ħ: 'h', ı: 'i', ŧ: 't' },
  ς: 'σ',
};
const HALFWIDTH_SOUND_MARK = /^[\uff9e\uff9f]$/;
/** Conjoining letters of Hangul, which NFKC composes into syllables. */
const JAMO = /^[\u1100-\u11ff]$/;
const HANGUL = /^[\u1100-\u11ff\uac00-\ud7a3]$/;
/** How often a letter is folded at most, until folding does not change it. */
const MAX_PASSES = 4;
const MAX_CACHED_SEGMENTS = 20_000;

let simplified: ReadonlyMap<string, string> | undefined;

/**
 * The simplified form of each traditional character. Only characters are mapped, not phrases: this never changes the length, and two
 * spellings of a text become one. The table is read with the first Chinese character, and takes about 0.5 MB.
 */
const readSimplified = (): ReadonlyMap<string, string> =>
  new Map(
    traditionalToSimplified.split('|').flatMap(entry => {
      const [from = '', to = ''] = entry.split(' ');
      return [...to].length === 1 ? [[from, to] as const] : [];
    }),
  );

const HAN = /\p{Script=Han}/gu;
function simplify(text: string): string {
  return text.replaceAll(HAN, character => {
    simplified ??= readSimplified();
    return simplified.get(character) ?? character;
  });
}

const foldOnce = (segment: string): string => {
  const composed = segment.normalize('NFKC').toLowerCase();
  const plain = [...composed.normalize('NFD')].map(letter => LETTERS[letter] ?? letter).join('');
  const bare = DROPS_MARKS.test(plain) ? plain.replaceAll(MARKS, '') : plain;
  return simplify(bare.normalize('NFC'));
};

const segments = new Map<string, string>();
/** Folds a letter with the marks that follow it. */
function foldSegment(segment: string): string {
  const known = segments.get(segment);
  if (known !== undefined) return known;
  let folded = FORMAT.test(segment) ? '' : segment;
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const next = foldOnce(folded);
    if (next === folded) break;
    folded = next;
  }
  if (segments.size >= MAX_CACHED_SEGMENTS) segments.clear();
  segments.set(segment, folded);
  return folded;
}

/** Kinds of UTF-16 code units. */
export const KIND = { separator: 1, word: 2, gram: 3, mark: 4, surrogate: 5 } as const;

const WORD = /^[\p{L}\p{N}\p{M}]$/u;
/** Scripts that are written without spaces between words. Text in them is indexed by characters and pairs of characters. */
const GRAM =
  /^(?=[\p{L}\p{N}\p{M}])[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]$/u;

const kinds = new Uint8Array(0x1_0000);
const classify = (character: string): number =>
  GRAM.test(character) ? KIND.gram : WORD.test(character) ? KIND.word : KIND.separator;

/** The kind of the unit at `at`. Both halves of a surrogate pair have the kind of their character. */
export function kindAt(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  const known = kinds[unit] as number;
  if (known !== 0 && known !== KIND.surrogate) return known;
  if (unit >= 0xd8_00 && unit <= 0xdf_ff) {
    const start = unit >= 0xdc_00 ? at - 1 : at;
    const character = String.fromCodePoint(text.codePointAt(start) ?? 0);
    return character.length === 2 ? classify(character) : KIND.separator;
  }
  const kind = classify(text.charAt(at));
  kinds[unit] = kind;
  return kind;
}

/** The end of the segment that begins at `from`: a character with its marks, or a sequence of conjoining letters. */
function endOfSegment(text: string, from: number): number {
  const first = text.codePointAt(from) ?? 0;
  let to = from + (first > 0xff_ff ? 2 : 1);
  const isHangul = HANGUL.test(text.charAt(from));
  while (to < text.length) {
    const unit = text.charCodeAt(to);
    // The first marks are at U+0300.
    if (unit < 0x3_00) break;
    const next = String.fromCodePoint(text.codePointAt(to) ?? 0);
    if (!isMark(next, unit) && !HALFWIDTH_SOUND_MARK.test(next) && !(isHangul && JAMO.test(next))) break;
    to += next.length;
  }
  return to;
}

/** 0: not known yet, 1: no mark, 2: a mark. */
const marks = new Uint8Array(0x1_0000);
function isMark(character: string, unit: number): boolean {
  if (character.length > 1) return MARK.test(character);
  if (marks[unit] === 0) marks[unit] = MARK.test(character) ? 2 : 1;
  return marks[unit] === 2;
}

/** The folded unit of units that fold to one unit by themselves; 0: not known, or longer. */
const single = new Uint16Array(0x1_0000);

/** Folds `original`. The result of folding it again is the same. */
export function fold(original: string): Folded {
  let units = new Uint16Array(original.length + 16);
  let starts = new Uint32Array(units.length);
  let ends = new Uint32Array(units.length);
  let length = 0;
  for (let from = 0; from < original.length; ) {
    const unit = original.charCodeAt(from);
    const to = unit < 0x80 && original.charCodeAt(from + 1) < 0x80 ? from + 1 : endOfSegment(original, from);
    const known = to === from + 1 ? (single[unit] as number) : 0;
    if (known !== 0) {
      if (length === units.length) [units, starts, ends] = [grow(units), grow(starts), grow(ends)];
      units[length] = known;
      starts[length] = from;
      ends[length++] = to;
    } else {
      const folded = foldSegment(original.slice(from, to));
      if (to === from + 1 && folded.length === 1) single[unit] = folded.charCodeAt(0);
      while (length + folded.length > units.length)
        [units, starts, ends] = [grow(units), grow(starts), grow(ends)];
      for (let at = 0; at < folded.length; at++) {
        units[length] = folded.charCodeAt(at);
        starts[length] = from;
        ends[length++] = to;
      }
    }
    from = to;
  }
  const text = Buffer.from(units.buffer, 0, length * 2).toString('utf16le');
  return { text, starts: starts.subarray(0, length), ends: ends.subarray(0, length) };
}

function grow<Numbers extends Uint16Array | Uint32Array>(from: Numbers): Numbers {
  const to = (
    from instanceof Uint16Array ? new Uint16Array(from.length * 2) : new Uint32Array(from.length * 2)
  ) as Numbers;
  to.set(from);
  return to;
}

export const foldText = (text: string): string => fold(text).text;
