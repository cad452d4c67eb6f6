/** Folding, tokens, queries and marks, with examples and with random texts of many scripts. */
import { describe, expect, it } from 'vitest';
import { fold, foldText } from './fold.ts';
import { findHits } from './hits.ts';
import { textLexemes } from './lexemes.ts';
import { excerpt, findMarks } from './marks.ts';
import { formatFts5, formatTsquery, matchTiers } from './match.ts';
import { parseQuery } from './query.ts';
import { addTokens, findRuns } from './tokens.ts';

const tokensOf = (text: string): string[] => {
  const tokens = new Set<string>();
  addTokens(foldText(text), tokens);
  return [...tokens];
};
const marked = (text: string, q: string): string[] => {
  const query = parseQuery(q);
  return query ? findMarks(text, query).marks.map(([from, to]) => text.slice(from, to)) : [];
};

/** Numbers that are the same in each run. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return below => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7f_ff_ff_ff;
    return Math.floor((state / 0x80_00_00_00) * below);
  };
}
const ALPHABETS = [
  'abcXYZ019 -_."\'',
  'éÀßøŁŒİıſﬁÅç',
  'e\u0301a\u0308\u0323n\u0303',
  'ΑάςΣώ',
  'ЙйЁёЖ',
  '學习機器漢汉𠀀𪚥〇々',
  'ひらがなカタカナーｶﾞﾊﾟ',
  '한국어각\u1112\u1161\u11ab',
  'ไทยภาษา',
  'עבריתالعربية\u064b',
  'हिन्दी',
  '\u200b\u00ad\ufeff\u202e🙂👩‍👩‍👧\ud83d',
  'ＡＢｃ１２３　（）',
];
function randomTexts(count: number): string[] {
  const random = createRandom(7);
  return Array.from({ length: count }, () =>
    Array.from({ length: random(24) }, () => {
      const alphabet = ALPHABETS[random(ALPHABETS.length)] ?? '';
      const from = random(alphabet.length);
      return alphabet.slice(from, from + 1 + random(3));
    }).join(''),
  );
}

describe('folding', () => {
  it.each([
    ['ＦＵＬＬ　Ｗｉｄｔｈ', 'full width'],
    ['Café CRÈME Łódź Straße Ǽ', 'cafe creme lodz strasse ae'],
    ['ΆΛΦΑ ς', 'αλφα σ'],
    ['Ёлка Йод', 'елка иод'],
    ['機器學習 與 臺灣', '机器学习 与 台湾'],
    ['ｶﾞｲﾄﾞ', 'ガイド'],
    ['ﬁne ℃ ②', 'fine °c 2'],
    ['e\u0301\u0323', 'e'],
    ['zero\u200bwidth so\u00adft', 'zerowidth soft'],
    ['한국어', '한국어'],
    ['हिन्दी', 'हिन्दी'],
  ])('%s', (text, folded) => expect(foldText(text)).toBe(folded));

  it('is the same when repeated, and traces each unit to the original, whatever the text', () => {
    for (const text of randomTexts(1_000)) {
      const { text: folded, starts, ends } = fold(text);
      expect(foldText(folded), JSON.stringify(text)).toBe(folded);
      expect([starts.length, ends.length]).toEqual([folded.length, folded.length]);
      const isTraced = [...starts].every(
        (from, at) =>
          from >= (starts[at - 1] ?? 0) && (ends[at] ?? 0) > from && (ends[at] ?? 0) <= text.length,
      );
      expect(isTraced, JSON.stringify(text)).toBe(true);
    }
  });
});

describe('tokens', () => {
  it('are words, and characters with their pairs', () => {
    expect(tokensOf('Machine-learning 2.0')).toEqual(['machine', 'learning', '2', '0']);
    expect(tokensOf('学习AI')).toEqual(['学', '习', '学习', 'ai']);
    expect(tokensOf('한국')).toEqual(['한', '국', '한국']);
    expect(tokensOf('𠀀𪚥')).toEqual(['𠀀', '𪚥', '𠀀𪚥']);
    expect(tokensOf('！？…')).toEqual([]);
  });

  it('a document has the tokens of every query that is a part of it, and no lexeme that an engine could change', () => {
    for (const text of randomTexts(500)) {
      const tokens = new Set(tokensOf(text));
      for (const { from, to } of findRuns(foldText(text))) {
        const query = parseQuery(`${foldText(text).slice(from, to)} `);
        for (const token of query?.terms.flatMap(term => term.tokens) ?? [])
          expect(tokens.has(token), JSON.stringify([text, token])).toBe(true);
      }
      const none = { people: [], series: '', tags: [], description: '', fields: [] };
      for (const lexeme of textLexemes({ name: text, ...none }))
        expect(lexeme).toMatch(/^[1-7ep][a-z0-9\-_\u0080-\u{10ffff}]+$/u);
    }
  });
});

describe('queries', () => {
  it('are limited, and any text is one', () => {
    expect(parseQuery('')).toBeUndefined();
    expect(parseQuery('!"“ ')).toBeUndefined();
    expect(parseQuery('word '.repeat(100))?.terms).toHaveLength(16);
    expect(parseQuery('学'.repeat(500))?.terms ?? []).toEqual([]);
    expect(parseQuery('one "Two  THREE" “四五”')?.phrases).toEqual(['two three', '四五']);
    expect(parseQuery('foo ba')?.terms.map(({ prefix }) => prefix)).toEqual([undefined, 'ba']);
    for (const text of randomTexts(100)) {
      const query = parseQuery(text);
      for (const tier of query ? matchTiers(query) : []) {
        expect(formatFts5(tier).replaceAll(/"[^"\s]+"|AND|OR|NOT|[() ]/g, '')).toBe('');
        expect(formatTsquery(tier).replaceAll(/'[^'\s\\]+'|[&|!() ]/g, '')).toBe('');
      }
    }
  });
});

describe('marks', () => {
  it.each([
    ['Die Straße nach Łódź', 'strasse lodz', ['Straße', 'Łódź']],
    ['機器學習導論', '学习', ['學習']],
    ['ｶﾞｲﾄﾞブック', 'ガイド', ['ｶﾞｲﾄﾞ']],
    ['Cafe\u0301 society', 'cafe', ['Cafe\u0301']],
    ['Quantum quantities', 'quant', ['Quant', 'quant']],
    ['器学习机器', '机器学习', ['器学习机器']],
    ['Nothing here', 'else', []],
  ])('%s: %s', (text, q, expected) => expect(marked(text, q)).toEqual(expected));

  it('are ordered ranges within any text, and mark all terms', () => {
    for (const text of randomTexts(500)) {
      const query = parseQuery(text);
      if (!query) continue;
      const { marks, terms } = findMarks(text, query);
      expect(terms.size, JSON.stringify(text)).toBe(query.terms.length);
      for (const [at, [from, to]] of marks.entries()) {
        expect(from).toBeGreaterThanOrEqual(at === 0 ? 0 : (marks[at - 1]?.[1] ?? 0));
        expect(to).toBeGreaterThan(from);
        expect(to).toBeLessThanOrEqual(text.length);
      }
    }
  });

  it('an excerpt is short, shows the first mark, and moves the marks with it', () => {
    const text = `${'long ago '.repeat(100)}the needle is here${' and more'.repeat(100)}`;
    const query = parseQuery('needle ');
    if (!query) throw new Error('no query');
    const cut = excerpt(text, findMarks(text, query).marks);
    expect(cut.text.length).toBeLessThan(190);
    expect(cut.marks.map(([from, to]) => cut.text.slice(from, to))).toEqual(['needle']);
  });
});

it('finds the cue, also of a phrase that continues in the next one', () => {
  const text = { name: 'A talk', people: [], series: '', tags: [], description: '', fields: [] };
  const captions = [
    {
      language: 'en',
      cues: [
        [0, 'One two'],
        [2_000, 'Three four'],
        [4_000, 'One'],
      ] as const,
      joined: 'one two\nthree four\none',
    },
  ];
  const hits = (q: string) => {
    const query = parseQuery(q);
    return query && findHits(query, text, captions)?.map(({ in: member, atMs }) => [member, atMs]);
  };
  expect(hits('one two')).toEqual([['captions', 0]]);
  expect(hits('one')).toEqual([
    ['captions', 0],
    ['captions', 4_000],
  ]);
  expect(hits('"two three"')).toEqual([['captions', 0]]);
  expect(hits('"two four"')).toBeUndefined();
});
