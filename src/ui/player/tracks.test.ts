import { expect, it } from 'vitest';
import { findCaptions, formatHeight, formatTrackName, listQualityNames } from './tracks.ts';

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

it('names renditions by their height, and by the bit rate if two are alike', () => {
  const all = [
    { height: 360, width: 640, bitrateBps: 800_000 },
    { height: 1080, width: 1920, bitrateBps: 3_000_000 },
    { height: 1080, width: 1920, bitrateBps: 6_000_000 },
  ];
  expect(listQualityNames(all, bps => `${bps / 1e6} Mbit/s`)).toEqual([
    '360p',
    '1080p · 3 Mbit/s',
    '1080p · 6 Mbit/s',
  ]);
  expect(formatHeight({ height: 1920, width: 1080 })).toBe('1080p');
});
it.each([
  ['zh-Hans', 1],
  ['zh', 1],
  ['zh-TW', 1],
  ['EN', 0],
  ['fr', -1],
])('the captions for %s are number %i', (wanted, index) => {
  const captions = ['en', 'zh-Hans'].map(language => ({ name: language, language }));
  expect(findCaptions(captions, wanted)).toBe(index);
});
