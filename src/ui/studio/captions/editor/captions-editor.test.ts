import { describe, expect, it } from 'vitest';
import {
  addCue,
  changeCue,
  findCueAt,
  findText,
  joinCue,
  removeCue,
  replaceText,
  shiftCues,
  splitCue,
} from './cue-edits.ts';
import { formatCueTime, parseCueTime } from './cue-times.ts';
import { record, redo, startHistory, undo } from './edit-history.ts';
import { PLACES, placeOf, settingsOfPlace } from './places.ts';
import { findWarnings, speedOf } from './warnings.ts';
import { type EditorCue, formatWebVtt, parseWebVtt } from './webvtt.ts';

const STORED = `WEBVTT
X-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000

REGION
id:fred
width:40%

00:00:01.000 --> 00:00:02.500 line:0 region:fred
<v Mary &amp; Jo><i>Hello</i>, 1 &lt; 2 &amp; &lt;b&gt;
second</v>

100:00:00.000 --> 100:00:01.000
<v A>one</v> <v B>two</v>
`;
const cue = (id: number, startMs: number, endMs: number, text = `text ${id}`): EditorCue => ({
  ...{ id, startMs, endMs, text },
  ...{ speaker: '', settings: '' },
});
const CUES = [cue(1, 0, 1_000), cue(2, 1_000, 3_000), cue(3, 5_000, 6_000)];

describe('WebVTT in the editor', () => {
  it('is read and written without loss', () => {
    const file = parseWebVtt(STORED);
    expect(file.cues).toEqual([
      {
        ...{ id: 1, startMs: 1_000, endMs: 2_500, speaker: 'Mary & Jo', settings: 'line:0 region:fred' },
        text: '<i>Hello</i>, 1 < 2 & &lt;b>\nsecond',
      },
      {
        ...{ id: 2, startMs: 360_000_000, endMs: 360_001_000, speaker: '', settings: '' },
        text: '<v A>one</v> <v B>two</v>',
      },
    ]);
    const written = formatWebVtt(file);
    expect(written).toContain('REGION\nid:fred\nwidth:40%\n\n');
    expect(parseWebVtt(written)).toEqual(file);
  });

  it('cannot be broken by what a person types', () => {
    const text = 'a\n\n00:00:00.000 --> 00:00:09.000\nb &lt;';
    const written = formatWebVtt({ head: '', cues: [{ ...cue(1, 0, 1_000, text), speaker: 'X>\n<b' }] });
    expect(written).toBe(
      'WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n<v X>  <b>a\n00:00:00.000 --&gt; 00:00:09.000\nb &lt;</v>\n'.replace(
        '<v X>  <b>',
        '<v X   b>',
      ),
    );
    expect(formatWebVtt({ head: '', cues: [cue(1, 0, 1_000, ' \n')] })).toBe('WEBVTT\n');
  });
});

describe('edits of cues', () => {
  it('keep the order of times, and an end after the start', () => {
    expect(changeCue(CUES, 1, { startMs: 4_000 }).map(({ id, endMs }) => [id, endMs])).toEqual([
      [2, 3_000],
      [1, 4_100],
      [3, 6_000],
    ]);
    expect(removeCue(CUES, 2).map(({ id }) => id)).toEqual([1, 3]);
  });

  it('add in the gap that is there', () => {
    const [after, id] = addCue(CUES, { after: 2 });
    expect(after.map(each => each.id)).toEqual([1, 2, id, 3]);
    expect(after[2]).toMatchObject({ startMs: 3_000, endMs: 5_000, text: '' });
    expect(addCue(CUES, { atMs: 4_500 })[0][2]).toMatchObject({ startMs: 4_500, endMs: 5_000 });
    expect(addCue([], { atMs: 0 })[0]).toMatchObject([{ startMs: 0, endMs: 2_000 }]);
  });

  it('split at the caret or the nearest space, and join again', () => {
    const [split, second] = splitCue([cue(1, 0, 4_000, 'good morning all')], 1, 4);
    expect(split).toMatchObject([
      { text: 'good', startMs: 0, endMs: 1_000 },
      { id: second, text: 'morning all', startMs: 1_000, endMs: 4_000 },
    ]);
    expect(splitCue([cue(1, 0, 4_000, 'good morning')], 1, 0)[0].map(({ text }) => text)).toEqual([
      'good',
      'morning',
    ]);
    expect(joinCue(split, 1)).toMatchObject([{ text: 'good\nmorning all', startMs: 0, endMs: 4_000 }]);
    expect(joinCue([cue(1, 0, 1, '你好，'), cue(2, 1, 2, '世界')], 1)[0]?.text).toBe('你好，世界');
    expect(joinCue(CUES, 3)).toBe(CUES);
  });

  it('shift all, or those from one on, never before the beginning', () => {
    expect(shiftCues(CUES, -1_500).map(({ startMs }) => startMs)).toEqual([0, 0, 3_500]);
    expect(shiftCues(CUES, 500, 3).map(({ startMs }) => startMs)).toEqual([0, 1_000, 5_500]);
  });

  it('find and replace text literally', () => {
    const cues = [cue(1, 0, 1, 'A.b a.B'), cue(2, 1, 2, 'axb')];
    const search = { text: 'a.b', isCaseSensitive: false };
    expect(findText(cues, search)).toEqual([1]);
    expect(replaceText(cues, search, '$&').map(({ text }) => text)).toEqual(['$& $&', 'axb']);
    expect(findText(cues, { text: 'a.b', isCaseSensitive: true })).toEqual([]);
    expect(replaceText(cues, { text: '', isCaseSensitive: true }, 'x')).toBe(cues);
  });

  it('find the cue at a time', () => {
    expect([0, 999, 1_000, 3_500, 5_999].map(ms => findCueAt(CUES, ms)?.id)).toEqual([1, 1, 2, undefined, 3]);
  });
});

it('warns of cues that are wrong or hard to read', () => {
  expect(findWarnings(cue(1, 0, 2_000, 'Hello there'), cue(2, 2_000, 3_000), 5_000)).toEqual([]);
  expect(findWarnings(cue(1, 0, 500, ' '), cue(2, 400, 3_000), 5_000)).toEqual(['empty', 'overlap', 'short']);
  expect(findWarnings(cue(1, 6_000, 7_000, 'x'.repeat(85)), undefined, 5_000)).toEqual([
    'fast',
    'long',
    'late',
  ]);
  expect(findWarnings(cue(1, 0, 1_000, '我们今天要介绍的是台湾的'), undefined, undefined)).toEqual(['fast']);
  expect(speedOf(cue(1, 0, 1_000, '<i>abc</i>\nd'))).toBe(4);
});

it('reads and writes times and places', () => {
  expect(['1:02.5', '2', '1:00:02,250', '1:2:3:4', 'x', ''].map(parseCueTime)).toEqual([
    62_500,
    2_000,
    3_602_250,
    undefined,
    undefined,
    undefined,
  ]);
  expect([0, 62_500, 3_602_250].map(formatCueTime)).toEqual(['0:00.000', '1:02.500', '1:00:02.250']);
  expect(PLACES.map(place => placeOf(settingsOfPlace(place)))).toEqual([...PLACES]);
  expect(placeOf('line:3')).toBe('custom');
});

it('undoes and redoes; typing in one field is one step', () => {
  let history = startHistory('a');
  history = record(history, 'ab', { kind: 'text 1', atMs: 0 });
  history = record(history, 'abc', { kind: 'text 1', atMs: 500 });
  history = record(history, 'abcd', { kind: 'text 2', atMs: 600 });
  expect(undo(history).present).toBe('abc');
  expect(undo(undo(history)).present).toBe('a');
  expect(undo(undo(undo(history))).present).toBe('a');
  expect(redo(undo(history)).present).toBe('abcd');
  expect(redo(record(undo(history), 'x', { kind: '', atMs: 700 })).present).toBe('x');
});
