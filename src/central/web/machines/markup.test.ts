import { expect, it } from 'vitest';
import { cleanText, escapeHtml, formatDataBlock, formatDuration, shorten } from './markup.ts';

it('keeps texts inside attributes, elements and data blocks', () => {
  expect(escapeHtml(`<a b="c" d='e'>&amp;`)).toBe('&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;amp;');
  const data = { text: '</script><!--\u2028\u2029&', number: 1 };
  const block = formatDataBlock(data);
  expect(block).not.toMatch(/[<>&\u2028\u2029]/);
  expect(JSON.parse(block)).toEqual(data);
  expect(cleanText('a\u0000b\u0008c\ud800d\uffffe\n𝒇')).toBe('abcde\n𝒇');
});

it('shortens texts between words and never inside a character', () => {
  expect(shorten('  one\n two  ', 20)).toBe('one two');
  expect(shorten('one two three four', 12)).toBe('one two…');
  expect(shorten('𝒇'.repeat(10), 5)).toBe(`${'𝒇'.repeat(4)}…`);
});

it.each([
  [400, 'PT1S'],
  [59_600, 'PT1M'],
  [61_000, 'PT1M1S'],
  [3_600_000, 'PT1H'],
  [3_723_000, 'PT1H2M3S'],
])('writes %i ms as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});
