import { describe, expect, it } from 'vitest';
import { parseContainerKind } from './reject-unsupported.ts';
import { type ContainerKind, SNIFF_BYTES, sniff, sniffFile } from './sniff.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const transportStream = Buffer.concat(
  Array.from({ length: 5 }, () => Buffer.concat([hex('47400010'), Buffer.alloc(184)])),
);

describe('the kind of a file by its first bytes', () => {
  it.each([
    ['isobmff', Buffer.from('\0\0\0\x18ftypisom\0\0\0\0isom')],
    ['isobmff', Buffer.from('\0\0\0\x14ftypqt  \0\0\0\0')],
    ['isobmff', Buffer.from('\0\0\0\x08wide\0\0\0\0mdat')],
    ['matroska', hex('1a45dfa3 a3428681 01')],
    ['empty', Buffer.alloc(0)],
    ['avi', Buffer.from('RIFF\0\0\0\0AVI LIST')],
    ['wav', Buffer.from('RIFF\0\0\0\0WAVEfmt ')],
    ['webp', Buffer.from('RIFF\0\0\0\0WEBPVP8 ')],
    ['mpeg-ts', transportStream],
    ['mpeg-ps', hex('000001ba 44000400')],
    ['flv', Buffer.from('FLV\x01\x05\0\0\0\x09')],
    ['asf', hex('3026b2758e66cf11a6d900aa0062ce6c')],
    ['ogg', Buffer.from('OggS\0\x02')],
    ['html', Buffer.from('\n\n  <!doctype html><html lang="en">')],
    ['html', Buffer.from('\ufeff<HTML><HEAD>')],
    ['svg', Buffer.from('<?xml version="1.0"?>\n<!-- made by --><svg xmlns="http://www.w3.org/2000/svg">')],
    ['svg', Buffer.from('<svg onload="alert(1)">')],
    ['xml', Buffer.from('<?xml version="1.0"?><rss>')],
    ['hls-playlist', Buffer.from('#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n')],
    ['hls-playlist', Buffer.from('\r\n# a comment first\n#EXT-X-TARGETDURATION:10\n')],
    ['ffconcat', Buffer.from("ffconcat version 1.0\nfile '/etc/passwd'\n")],
    ['ffconcat', Buffer.from("# list\nfile 'other.mp4'\n")],
    ['subtitles', Buffer.from('WEBVTT\n\n00:00.000 --> 00:01.000\nHello')],
    ['text', Buffer.from('Dear Sir or Madam, ünïcödé')],
    ['image', hex('ffd8ffe0 00104a46')],
    ['image', hex('89504e470d0a1a0a')],
    ['image', Buffer.from('\0\0\0\x18ftypheic\0\0\0\0')],
    ['pdf', Buffer.from('%PDF-1.7\n')],
    ['zip', hex('504b0304 14000000')],
    ['mp3', Buffer.from('ID3\x04\0\0')],
    ['mp3', hex('fffb9064')],
    ['adts', hex('fff15080')],
    ['program', hex('7f454c46 02010100')],
    ['unknown', hex('0badcafe 00000000 12345678 9abcdef0')],
    ['unknown', hex('00')],
  ] as const)('%s', (kind, bytes) => {
    expect(sniff(bytes)).toBe(kind);
  });

  it('does not search a hostile document again and again', () => {
    // 421 bytes like these once took minutes. `test/regular-expressions.test.ts` counts the steps of every expression.
    expect(sniff(Buffer.from(`<?xml?>${'<!---->'.repeat(59)}`))).toBe('xml');
    expect(sniff(Buffer.from(`${'<!---->'.repeat(59)}<svg>`))).toBe('svg');
    expect(sniff(Buffer.from(`${'<!-- '.repeat(800)}`))).toBe('xml');
    expect(sniff(Buffer.from(`${'<!---->'.repeat(99)}<!DOCTYPE svg PUBLIC "-">`))).toBe('svg');
  });

  it('recognizes text that is cut off within a character', () => {
    expect(sniff(Buffer.from('häuser '.repeat(900)).subarray(0, 4_096))).toBe('text');
  });

  it('rejects other kinds with a message that says what to do', () => {
    const parse = (bytes: Buffer) => parseContainerKind((at, length) => bytes.subarray(at, at + length));
    expect(() => parse(Buffer.from('#EXTM3U\n'))).toThrow(
      'This file is a playlist that only names other files, not a video. Upload a video file such as MP4, MOV, MKV or WebM.',
    );
    expect(() => parse(Buffer.alloc(0))).toThrow('This file is empty.');
    expect(() => parse(Buffer.from('GIF89a'))).toThrow('GIF animations are not accepted: convert it to MP4');
  });
});

/** What the file is, with each read limited as for a file. */
function sniffWhole(bytes: Buffer): ContainerKind {
  const search = sniffFile();
  let step = search.next();
  while (!step.done) step = search.next(bytes.subarray(step.value, step.value + SNIFF_BYTES));
  return step.value;
}
const tag = (bytes: number): Buffer =>
  Buffer.concat([
    Buffer.from('ID3\x04\0\0'),
    Buffer.from([0, 0, bytes >> 7, bytes & 127]),
    Buffer.alloc(bytes),
  ]);
const repeated = (header: string, bytes: number): Buffer =>
  Buffer.concat(
    Array.from({ length: 12 }, () =>
      Buffer.concat([hex(header), Buffer.alloc(bytes - header.replaceAll(' ', '').length / 2, 0x55)]),
    ),
  );
const bare = {
  // MPEG-1 layer III, 128 kbit/s, 44.1 kHz; AAC-LC with 300 bytes; AC-3, 192 kbit/s, 48 kHz; E-AC-3 with 768 bytes.
  mp3: repeated('fffb9064', 417),
  adts: repeated('fff15080 259ffc', 300),
  ac3: repeated('0b77 0000 1440', 768),
  eac3: repeated('0b77 017f 3480', 768),
  dts: repeated('7ffe8001', 512),
  flac: Buffer.concat([Buffer.from('fLaC'), Buffer.alloc(2_000, 0x55)]),
} as const;

describe('the kind of a file whose beginning is a tag, zeroes or the rest of a frame', () => {
  it.each(Object.entries(bare))('%s after tags of any length', (kind, bytes) => {
    expect(sniffWhole(bytes)).toBe(kind);
    expect(sniffWhole(Buffer.concat([tag(70), bytes]))).toBe(kind);
    expect(sniffWhole(Buffer.concat([tag(16_000), tag(5), bytes]))).toBe(kind);
  });

  it.each(['mp3', 'adts', 'ac3', 'eac3'] as const)('%s after zeroes, or cut in a frame', kind => {
    for (const zeroes of [1, 3, 100, 4_096, 70_000])
      expect(sniffWhole(Buffer.concat([Buffer.alloc(zeroes), bare[kind]]))).toBe(kind);
    expect(sniffWhole(bare[kind].subarray(100))).toBe(kind);
    expect(sniffWhole(Buffer.concat([tag(70), Buffer.alloc(500), bare[kind]]))).toBe(kind);
  });

  it('a transport stream that is cut in a packet', () => {
    const packets = Buffer.concat(
      Array.from({ length: 30 }, () => Buffer.concat([hex('47400010'), Buffer.alloc(184, 0xff)])),
    );
    for (const at of [1, 100, 187, 1_000]) expect(sniffWhole(packets.subarray(at))).toBe('mpeg-ts');
    expect(sniffWhole(Buffer.concat([Buffer.alloc(1_000), packets]))).toBe('mpeg-ts');
  });

  it.each([
    ['h264-video', '00000001 0605ffff 80 00000001 67640028'],
    ['h264-video', '000001 0605ffff 80 000001 27640028'],
    ['hevc-video', '00000001 4e010588 80'],
    ['mpeg4-video', '000001b0 f1000001 b5'],
    ['mpeg4-video', '00000100 00000120 08d4'],
    ['mpeg4-video', '00000120 08d48d08'],
    ['mpeg-video', '000001b3 16012000'],
    ['mpeg-ps', '000001ba 44000400'],
    // SEI without the parameters of a sequence, and a picture of MPEG-2 without its sequence.
    ['unknown', '00000001 0605ffff 80'],
    ['unknown', '00000100 0057fffb 80'],
  ] as const)('%s: %s', (kind, bytes) => {
    expect(sniffWhole(hex(bytes))).toBe(kind);
    expect(sniffWhole(Buffer.concat([Buffer.alloc(200), hex(bytes)]))).toBe(kind);
  });

  it.each([
    ['ivf', Buffer.from('DKIF\0\0 \0VP80')],
    ['gif', Buffer.from('GIF89a')],
    ['w64', hex('726966662e91cf11a5d628db04c10000')],
    ['wav', Buffer.from('RIFX\0\0\0\0WAVEfmt ')],
    ['wav', Buffer.from('BW64\xff\xff\xff\xffWAVEds64')],
    ['aiff', Buffer.from('FORM\0\0\0\0AIFCFVER')],
    ['mp3', tag(70)],
    ['unknown', Buffer.alloc(3_000_000)],
    // A tag or zeroes do not make a playlist, a video or a program out of the bytes after them.
    ['mp3', Buffer.concat([tag(70), Buffer.from('#EXTM3U\n')])],
    ['unknown', Buffer.concat([Buffer.alloc(5_000), Buffer.from('\0\0\0\x18ftypisom')])],
    ['unknown', Buffer.concat([Buffer.alloc(5_000), hex('7f454c46 02010100')])],
  ] as const)('%s', (kind, bytes) => {
    expect(sniffWhole(bytes)).toBe(kind);
  });
});
