import { expect, it } from 'vitest';
import { addTime, parseTime, splitTimes } from './time-address.ts';

it.each([
  ['83', 83_000],
  ['83s', 83_000],
  ['1m23s', 83_000],
  ['1m', 60_000],
  ['1h2m3s', 3_723_000],
  ['1:23', 83_000],
  ['1:02:03', 3_723_000],
  ['0', 0],
  ['', undefined],
  ['abc', undefined],
  ['-5', undefined],
  ['1:99', undefined],
  ['9'.repeat(20), undefined],
])('"%s" is the position %s', (text, ms) => {
  expect(parseTime(text)).toBe(ms);
});
it('is part of an address, except at the beginning', () => {
  expect(addTime('https://video.example/watch/a?client=1', 83_900)).toBe(
    'https://video.example/watch/a?client=1&t=83',
  );
  expect(addTime('https://video.example/watch/a?t=5', 200)).toBe('https://video.example/watch/a');
});
it('is found in a description, if the video is that long', () => {
  expect(splitTimes('0:00 Start\n12:30 End, at 10:30:00 o’clock, 1:99', 3_600_000)).toEqual([
    { text: '0:00', ms: 0 },
    { text: ' Start\n' },
    { text: '12:30', ms: 750_000 },
    { text: ' End, at 10:30:00 o’clock, 1:99' },
  ]);
  expect(splitTimes('', 1)).toEqual([]);
});
