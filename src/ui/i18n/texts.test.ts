import { describe, expect, it } from 'vitest';
import { PROBLEMS } from '../../protocol/problems.ts';
import { TEXTS } from './texts.ts';

/** Every text with its path. Functions are called with markers, which must appear in the result. */
function listTexts(value: unknown, path: string): readonly (readonly [string, string])[] {
  if (typeof value === 'string') return [[path, value]];
  if (typeof value === 'function') {
    return [[path, String(value(...Array.from({ length: value.length }, (_, index) => `<${index}>`)))]];
  }
  return Object.entries(value as object).flatMap(([key, each]) => listTexts(each, `${path}.${key}`));
}

describe('texts', () => {
  const english = listTexts(TEXTS.en, '');
  const chinese = new Map(listTexts(TEXTS.zh, ''));
  it('have the same keys in both languages, and none is empty', () => {
    expect([...chinese.keys()].sort()).toEqual(english.map(([path]) => path).sort());
    expect([...english, ...chinese].filter(([, text]) => text.trim() === '')).toEqual([]);
  });
  it('contain the same values in both languages', () => {
    const markers = (text = ''): readonly string[] => [...new Set(text.match(/<\d>/g))].sort();
    for (const [path, text] of english) {
      expect([path, ...markers(chinese.get(path))]).toEqual([path, ...markers(text)]);
    }
  });
  it('cover every problem of the protocol', () => {
    const codes = Object.keys(PROBLEMS).sort();
    expect(Object.keys(TEXTS.en.problems).sort()).toEqual(codes);
    expect(Object.keys(TEXTS.zh.problems).sort()).toEqual(codes);
  });
  it('are written in the language that they claim', () => {
    expect(english.filter(([, text]) => /\p{Script=Han}/u.test(text))).toEqual([]);
    const untranslated = [...chinese].filter(
      ([path, text]) =>
        !/\p{Script=Han}/u.test(text) && !/^\.common\.none|\.addresses\.(hls|dash)$/.test(path),
    );
    // Texts that consist only of values.
    const values = ['person', 'member', 'system'].map(kind => `.audit.who.${kind}`);
    expect(untranslated.map(([path]) => path).sort()).toEqual(
      [...values, '.studio.sent', '.studio.announce'].sort(),
    );
  });
  it('form the singular and the plural in English', () => {
    const { en } = TEXTS;
    expect([en.search.count(1), en.search.count(12_345)]).toEqual(['1 video', '12,345 videos']);
    expect(en.copies.summary(60, 0, 60)).toBe('60 videos · 0 copies · 60 at risk');
    expect(en.copies.summary(1, 12_345, 0)).toBe('1 video · 12,345 copies · 0 at risk');
    expect(en.copies.lostDone('Hangzhou', 12, 3)).toBe(
      'Hangzhou marked as lost. 12 videos continue from copies; 3 have no other copy.',
    );
    expect(en.copies.lostDone('Hangzhou', 1, 1)).toBe(
      'Hangzhou marked as lost. 1 video continues from copies; 1 has no other copy.',
    );
  });
});
