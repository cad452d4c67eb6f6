import { expect, it } from 'vitest';
import { formatLanguageName } from './language-name.ts';

it('names a language in the language of the page', () => {
  expect(formatLanguageName('de', 'en')).toBe('German');
  expect(formatLanguageName('de', 'zh')).toBe('德语');
  expect(formatLanguageName('zh-Hans', 'en')).toBe('Simplified Chinese');
});
it('returns an invalid tag unchanged', () => {
  expect(formatLanguageName('not a tag', 'en')).toBe('not a tag');
});
