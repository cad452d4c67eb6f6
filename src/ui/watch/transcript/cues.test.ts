import { expect, it } from 'vitest';
import { findLine, parseCues, searchLines } from './cues.ts';

const TEXT = `WEBVTT

NOTE a comment

1
00:00:01.000 --> 00:00:03.500 line:10% align:start
<v.loud Anna Schmidt>Rivers &amp; <i>sand</i>

00:05.000 --> 01:00:07.000
第二句
话

00:00:04.000 --> 00:00:05.000
`;

it('reads times, speakers and texts, and leaves out markup and empty cues', () => {
  expect(parseCues(TEXT)).toEqual([
    { startMs: 1_000, endMs: 3_500, text: 'Rivers & sand', speaker: 'Anna Schmidt' },
    { startMs: 5_000, endMs: 3_607_000, text: '第二句 话', speaker: undefined },
  ]);
  expect(parseCues('<!doctype html>')).toEqual([]);
});
it('finds the line at a position', () => {
  const lines = parseCues(TEXT);
  expect([0, 1_000, 4_000, 5_000, 9e9].map(ms => findLine(lines, ms))).toEqual([-1, 0, 0, 1, 1]);
});
it('searches without regard to case, width and accents, speakers too', () => {
  const lines = parseCues(TEXT);
  expect(searchLines(lines, 'RIVÉRS')).toEqual([0]);
  expect(searchLines(lines, 'schmidt')).toEqual([0]);
  expect(searchLines(lines, '句')).toEqual([1]);
  expect(searchLines(lines, ' ')).toEqual([]);
});
