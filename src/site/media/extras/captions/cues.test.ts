import { describe, expect, it } from 'vitest';
import { formatWebVttTime } from '../../../../protocol/media/webvtt-time.ts';
import { plainTextOf } from './cue-text.ts';
import { CaptionsRejected, cuesWithin, formatWebVtt, parseCaptions } from './cues.ts';

const parse = (text: string, language?: string) => parseCaptions(Buffer.from(text), language);

describe('captions become cues', () => {
  it('reads WebVTT, keeps its settings, regions, speakers and tags, and drops styles, notes and identifiers', () => {
    const cues = parse(
      [
        'WEBVTT - a title',
        'STYLE',
        '::cue { background: url(https://evil.example/x) }',
        '',
        'NOTE 00:00:00.000 is not a cue',
        '',
        'REGION',
        'id:fred width:40% lines:3 scroll:up',
        'regionanchor:0%,100% viewportanchor:10%,90% background:url(x)',
        '',
        'REGION',
        'id:unused',
        '',
        'intro',
        '00:01.000 --> 00:02.500 line:0 position:20% region:fred',
        '<v Fred><i>Hello</i> &amp; <b.loud>welcome</b>',
        '<00:01.500><c>again</c><00:09.000>',
        '',
      ].join('\n'),
    );
    expect(cues).toEqual([
      {
        startMs: 1_000,
        endMs: 2_500,
        settings: 'line:0 position:20% region:fred',
        region: {
          id: 'fred',
          settings: 'width:40%\nlines:3\nregionanchor:0%,100%\nviewportanchor:10%,90%\nscroll:up',
        },
        text: '<v Fred><i>Hello</i> &amp; <b.loud>welcome</b>\n<00:00:01.500><c>again</c></v>',
      },
    ]);
    expect(formatWebVtt(cues)).not.toContain('unused');
    expect(parse(formatWebVtt(cuesWithin(cues, 2_000, 3_000)))).toEqual(cues);
  });

  it('reads SubRip, out of order, with Windows line endings and without a final one', () => {
    const cues = parse(
      '2\r\n00:00:05,000 --> 00:00:06,000\r\n<font color="red">two</font>\r\n\r\n1\r\n00:00:01,5 --> 00:00:02,000\r\n{\\an8}one',
    );
    expect(cues.map(({ text, startMs, settings }) => [startMs, text, settings])).toEqual([
      [1_500, 'one', 'line:0'],
      [5_000, 'two', ''],
    ]);
  });

  it.each([
    ['{\\an1}a', 'a', 'align:left'],
    ['{\\an5}a', 'a', 'line:50%,center'],
    ['{\\an9\\i1}a{\\i0}b', '<i>a</i>b', 'line:0 align:right'],
    ['{\\a6}a', 'a', 'line:0'],
    ['{\\b1}{\\i1}a{\\b0}b{\\r}c', '<b><i>a</i></b><i>b</i>c', ''],
    ['{\\an0}{\\an88}{\\pos(1,2)}a{b}', 'a{b}', ''],
  ])('reads the overrides of %s in SubRip', (text, kept, settings) => {
    expect(parse(`1\n00:00:01,000 --> 00:00:02,000\n${text}`)[0]).toMatchObject({ text: kept, settings });
  });

  it('reads SubStation Alpha of either version', () => {
    const cues = parse(
      [
        '[Script Info]',
        '[V4 Styles]',
        'Format: Name, Alignment',
        'Style: Top,6',
        '[Events]',
        'Format: Marked, Start, End, Style, Name, Text',
        'Comment: 0,0:00:00.00,0:00:09.00,Top,,hidden',
        'Dialogue: Marked=0,0:00:01.00,0:00:02.50,*Top,NTP,one, two\\hthree<v x>',
        'Dialogue: 0,0:00:03.00,bad,Top,,left out',
        'Dialogue: 0,0:00:04.00,0:00:05.00,,J & <b>,{\\pos(384,288)}\u200fשלום',
      ].join('\n'),
    );
    expect(cues).toEqual([
      { startMs: 1_000, endMs: 2_500, settings: 'line:0', text: 'one, two\u00a0three&lt;v x&gt;' },
      {
        startMs: 4_000,
        endMs: 5_000,
        settings: 'line:100%,end position:100%,center',
        text: '<v J b>\u200fשלום</v>',
      },
    ]);
    expect(cues.map(({ text }) => plainTextOf(text))).toEqual(['one, two three<v x>', '\u200fשלום']);
    expect(plainTextOf('<ruby>漢<rt>kan</rt>字<rt>ji</rt></ruby>&amp; a\nb')).toBe('漢字& a b');
  });

  it('writes nothing that a player could parse as markup or as another cue', () => {
    const attack = parse(
      'WEBVTT\n\n00:00.000 --> 00:09.000\n<img src=x onerror=alert(1)>a < b && c > d <\n&lt;script&gt;alert(1)&lt;/script&gt;\n\u202eevil\u0000 x',
    );
    const text = formatWebVtt(attack);
    expect(text).toBe(
      'WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n\n00:00:00.000 --> 00:00:09.000\n' +
        'a &lt; b &amp;&amp; c &gt; d &lt;\n&lt;script&gt;alert(1)&lt;/script&gt;\n\u202eevil  x\n',
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

  it.each([
    ['line:-1,end', 'line:-1,end'],
    ['line:84.5%,center align:middle', 'line:84.5%,center align:center'],
    [
      'position:10%,line-left size:35% align:left vertical:rl',
      'vertical:rl position:10%,line-left size:35% align:left',
    ],
    ['align:start align:end', 'align:end'],
    // Other values are left out, and cannot become another setting or a line of the file.
    ['line:101% position:-1% size:50 align:top vertical:up', ''],
    ['line:1e3 size:1000000% region:nobody id:y class:z', ''],
    ['X1:40 X2:600 Y1:20 Y2:50', ''],
    ['line:0 --> 00:09.000 <script>', 'line:0'],
  ])('validates the settings %s', (settings, kept) => {
    const cues = parse(`WEBVTT\n\n00:01.000 --> 00:02.000 ${settings}\nx`);
    expect(cues[0]?.settings).toBe(kept);
    expect(parse(formatWebVtt(cues))).toEqual(cues);
  });

  it.each([
    ['<v.first.loud Mary & "Jo">Hi', '<v.first.loud Mary &amp; "Jo">Hi</v>'],
    ['<v>nobody</v>', 'nobody'],
    ['<ruby>漢<rt>kan</rt>字<rt>ji</ruby>!', '<ruby>漢<rt>kan</rt>字<rt>ji</rt></ruby>!'],
    ['<lang en-GB>Hi</lang> <lang "><img>">x', '<lang en-GB>Hi</lang> "&gt;x'],
    ['<i>a<b>b</i>c', '<i>a<b>bc</b></i>'],
    ['</i>a</script>', 'a'],
    ['<c.yellow.bg_blue>a</c><c."x">b', '<c.yellow.bg_blue>a</c>b'],
    ['<i onclick=alert(1)>a</i>', '<i>a</i>'],
    ['<v Fred onmouseover="x">a', '<v Fred onmouseover="x">a</v>'],
    ['<v &lt;img src=x&gt;>a', '<v &lt;img src=x&gt;>a</v>'],
    ['<svg/onload=alert(1)><iframe src=x></iframe>a<!-- b -->', 'a'],
    ['1 < 2 > 0 &copy &#60;b&#62; &#x3c;i>', '1 &lt; 2 &gt; 0 &amp;copy &lt;b&gt; &lt;i&gt;'],
    ['&#0;&#xd800;&#1114112;a', 'a'],
    [`${'<i>'.repeat(40)}deep`, `${'<i>'.repeat(16)}deep${'</i>'.repeat(16)}`],
  ])('keeps of %s only the tags of WebVTT, nested and closed', (text, kept) => {
    const cues = parse(`WEBVTT\n\n00:01.000 --> 00:02.000\n${text}`);
    expect(cues[0]?.text).toBe(kept);
    expect(parse(formatWebVtt(cues))).toEqual(cues);
  });

  it('keeps bidi marks, isolates, embeddings and overrides, but not those that change how a name reads', () => {
    const text = '\u200fשלום\u200e \u2067עברית\u2069 \u202bא\u202c \u061cb \u202dc\u202e &rlm;d';
    expect(parse(`00:01.000 --> 00:02.000\n${text}`, 'he')[0]?.text).toBe(
      '\u200fשלום\u200e \u2067עברית\u2069 \u202bא\u202c \u061cb \u202dc\u202e \u200fd',
    );
    const named = parse('00:01.000 --> 00:02.000\n<v \u202emoT\u202c \u2067x\u2069\u200e>hi');
    expect(named[0]?.text).toBe('<v moT x\u200e>hi</v>');
  });

  const CUE = '1\n00:00:01,000 --> 00:00:02,000\n';
  it.each([
    ['zh-Hant', 'big5', 'a741a66ea141b36fac4fa7daadccaababc76a4f9', '你好，這是我們的影片'],
    ['zh-TW', 'big5', 'a741a66e', '你好'],
    ['zh-HK', 'big5', 'a741a66e', '你好'],
    ['zh-Hans', 'gb18030', 'c4e3bac3', '你好'],
    ['zh', 'gb18030', 'c4e3bac3a3acced2b5c4', '你好，我的'],
    // The text decides if the language does not say which script it has, or says another one.
    ['zh', 'big5', 'a741a66ea141a7daaaba', '你好，我的'],
    ['zh-Hans', 'big5', 'a741a66ea141a7daaaba', '你好，我的'],
    ['zh-Hant', 'gb18030', 'c4e3bac3a3acced2b5c4', '你好，我的'],
    ['ja', 'shift_jis', '82b182f182c982bf82cd', 'こんにちは'],
    ['ja', 'euc-jp', 'a4b3a4f3a4cba4c1a4cf', 'こんにちは'],
    ['ja', 'iso-2022-jp', '1b2442243324731b2842', 'こん'],
    ['ko', 'euc-kr', 'bec8b3e7', '안녕'],
    ['ru', 'windows-1251', 'cff0e8e2e5f2', 'Привет'],
    ['ru', 'koi8-r', 'f0d2c9d7c5d4', 'Привет'],
    ['uk', 'windows-1251', 'cff0e8e2b3f2', 'Привіт'],
    ['el', 'windows-1253', 'c3e5e9e1', 'Γεια'],
    ['tr', 'windows-1254', 'feee', 'şî'],
    ['he', 'windows-1255', 'f9ece5ed', 'שלום'],
    ['ar', 'windows-1256', 'e3d1cdc8c7', 'مرحبا'],
    ['fa', 'windows-1256', '98', 'ک'],
    ['lt', 'windows-1257', 'f0e0', 'šą'],
    ['vi', 'windows-1258', 'f0', 'đ'],
    ['th', 'windows-874', 'cac7d1', 'สวั'],
    ['pl', 'windows-1250', 'b9ea', 'ąę'],
    ['ro', 'windows-1250', 'e3', 'ă'],
    ['fr-CA', 'windows-1252', '636166e9', 'café'],
    [undefined, 'windows-1252', '636166e9', 'café'],
  ])('in the language %s and the encoding %s are decoded', (language, _encoding, hex, text) => {
    const bytes = Buffer.concat([Buffer.from(CUE), Buffer.from(hex, 'hex')]);
    expect(parseCaptions(bytes, language)[0]?.text).toBe(text);
  });

  it.each(['utf16le', 'utf-16be'])('are decoded as %s without a byte order mark', encoding => {
    const bytes = Buffer.from(`${CUE}wide 你`, 'utf16le');
    if (encoding === 'utf-16be') bytes.swap16();
    expect(parseCaptions(bytes, 'zh')[0]?.text).toBe('wide 你');
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
    expect(formatWebVttTime(3_723_004)).toBe('01:02:03.004');
  });
});
