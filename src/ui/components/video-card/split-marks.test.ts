import { describe, expect, it } from 'vitest';
import { type Mark, splitMarks } from './split-marks.ts';

const show = (text: string, ...marks: Mark[]): string =>
  splitMarks(text, marks)
    .map(part => (part.isMarked ? `[${part.text}]` : part.text))
    .join('');

describe('marks', () => {
  it('divide a text', () => {
    expect(show('the river flows', [4, 9])).toBe('the [river] flows');
    expect(show('the river flows', [0, 3], [10, 15])).toBe('[the] river [flows]');
    expect(show('the river flows')).toBe('the river flows');
    expect(show('河流力学', [0, 2])).toBe('[河流]力学');
  });
  it('that overlap or touch become one', () => {
    expect(show('河流力学', [1, 3], [0, 2])).toBe('[河流力]学');
    expect(show('abcd', [0, 2], [2, 3])).toBe('[abc]d');
  });
  it('outside of the text are ignored', () => {
    expect(show('abc', [-5, 1], [2, 99], [50, 60])).toBe('[a]b[c]');
    expect(show('abc', [2, 1], [Number.NaN, 0])).toBe('abc');
    expect(show('', [0, 4])).toBe('');
  });
  it('do not divide a surrogate pair', () => {
    expect(show('a😀b', [2, 3])).toBe('a[😀]b');
    expect(show('a𠮷b', [0, 2])).toBe('[a𠮷]b');
  });
  it('keep every character', () => {
    const text = 'résumé 简历 😀 סיכום';
    for (let from = 0; from < text.length; from++)
      for (let to = from; to <= text.length + 2; to++) {
        const parts = splitMarks(text, [[from, to]]);
        expect(parts.map(part => part.text).join('')).toBe(text);
      }
  });
});
