import { describe, expect, it } from 'vitest';
import { parseContainerKind } from './reject-unsupported.ts';
import { sniff } from './sniff.ts';

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
    expect(() => parseContainerKind(Buffer.from('#EXTM3U\n'))).toThrow(
      'This file is a playlist that only names other files, not a video. Upload a video file such as MP4, MOV, MKV or WebM.',
    );
    expect(() => parseContainerKind(Buffer.alloc(0))).toThrow('This file is empty.');
  });
});
