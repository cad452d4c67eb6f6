import { describe, expect, it } from 'vitest';
import { CaptionsRejected, cuesWithin, formatTime, formatWebVtt, parseCaptions } from './cues.ts';

const parse = (text: string, language?: string) => parseCaptions(Buffer.from(text), language);

describe('captions become plain cues', () => {
  it('reads WebVTT and drops styles, regions, notes, settings, identifiers and tags', () => {
    const cues = parse(
      [
        'WEBVTT - a title',
        'STYLE',
        '::cue { background: url(https://evil.example/x) }',
        '',
        'NOTE 00:00:00.000 is not a cue',
        '',
        'REGION',
        'id:fred',
        '',
        'intro',
        '00:01.000 --> 00:02.500 line:0 position:20%',
        '<v Fred><i>Hello</i> &amp; <b.loud>welcome</b>',
        '<00:01.500><c>again</c>',
        '',
      ].join('\n'),
    );
    expect(cues).toEqual([{ startMs: 1_000, endMs: 2_500, text: 'Hello & welcome\nagain' }]);
  });

  it('reads SubRip, out of order, with Windows line endings and without a final one', () => {
    const cues = parse(
      '2\r\n00:00:05,000 --> 00:00:06,000\r\n<font color="red">two</font>\r\n\r\n1\r\n00:00:01,5 --> 00:00:02,000\r\n{\\an8}one',
    );
    expect(cues.map(({ text, startMs }) => [startMs, text])).toEqual([
      [1_500, 'one'],
      [5_000, 'two'],
    ]);
  });

  it('writes nothing that a player could parse as markup or as another cue', () => {
    const attack = parse(
      'WEBVTT\n\n00:00.000 --> 00:09.000\n<img src=x onerror=alert(1)>a < b && c > d <\n&lt;script&gt;alert(1)&lt;/script&gt;\n\u202eevil\u0000 x',
    );
    const text = formatWebVtt(attack);
    expect(text).toBe(
      'WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n\n00:00:00.000 --> 00:00:09.000\n' +
        'a &lt; b &amp;&amp; c &gt; d &lt;\n&lt;script&gt;alert(1)&lt;/script&gt;\nevil  x\n',
    );
    expect(parse(text)).toEqual(attack);
  });

  it('keeps a cue although the empty line before it is missing', () => {
    expect(parse('00:01.000 --> 00:02.000\na\n00:03.000 --> 00:04.000\nb').map(cue => cue.text)).toEqual([
      'a',
      'b',
    ]);
  });

  it('drops cues without text, without duration, or after a hundred hours', () => {
    const cues = parse(
      '00:01.000 --> 00:02.000\n<b></b>\n\n00:03.000 --> 00:03.000\nx\n\n101:00:00.000 --> 101:00:01.000\nx\n\n00:05.000 --> 00:06.000\nkept',
    );
    expect(cues.map(cue => cue.text)).toEqual(['kept']);
  });

  it('decodes older encodings', () => {
    const srt = (hex: string): Buffer =>
      Buffer.concat([Buffer.from('1\n00:00:01,000 --> 00:00:02,000\n'), Buffer.from(hex, 'hex')]);
    expect(parseCaptions(srt('c4e3bac3'), 'zh-Hans')[0]?.text).toBe('你好');
    expect(parseCaptions(srt('636166e9'), 'fr')[0]?.text).toBe('café');
    const wide = Buffer.from('\ufeff1\n00:00:01,000 --> 00:00:02,000\nwide', 'utf16le');
    expect(parseCaptions(wide)[0]?.text).toBe('wide');
  });

  it.each([
    ['nothing', ''],
    ['an HTML page', '<!doctype html><p>00:00 --> x'],
    ['a video', '\0\0\0\x18ftypisom'],
  ])('rejects %s', (_what, text) => {
    expect(() => parse(text)).toThrow(CaptionsRejected);
  });

  it('rejects files that are too large or have too many cues', () => {
    expect(() => parseCaptions(Buffer.alloc(2 ** 20 + 1, 'a'))).toThrow('larger than 1 MB');
    expect(() => parse('00:01.000 --> 00:02.000\na\n\n'.repeat(20_001))).toThrow('20000 cues');
  });

  it('is fast with text that is made to be slow', () => {
    const startedMs = performance.now();
    for (const piece of ['<', '<a', '{\\', '&', '00:', '-->', '<a <']) {
      const text = `00:01.000 --> 00:02.000\n${piece.repeat(300_000)}\nx`;
      parseCaptions(Buffer.from(text.slice(0, 1_000_000)));
    }
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });

  it('cuts by time; a cue across a boundary is on both sides', () => {
    const cues = parse(
      '00:01.000 --> 00:31.000\na\n\n00:30.000 --> 00:32.000\nb\n\n00:40.000 --> 00:41.000\nc',
    );
    expect(cuesWithin(cues, 0, 30_000).map(({ text }) => text)).toEqual(['a']);
    expect(cuesWithin(cues, 30_000, 60_000).map(({ text }) => text)).toEqual(['a', 'b', 'c']);
    expect(formatTime(3_723_004)).toBe('01:02:03.004');
  });
});
