import { expect, it } from 'vitest';
import { formatTrackName } from './tracks.ts';

it.each([
  ['German', 'de', 'en', 'German'],
  ['German', 'de', 'zh', '德语'],
  ['Commentary (2)', 'de', 'en', 'German · Commentary'],
  ['Commentary (2)', undefined, 'en', 'Commentary'],
  ['Track (with brackets)', 'de', 'en', 'German'],
  ['audio-1', undefined, 'en', undefined],
  ['audio-1', '', 'en', undefined],
])('the track "%s" in %s on a page in %s: %s', (name, language, page, expected) => {
  expect(formatTrackName({ name, language }, page) || undefined).toBe(expected);
});
