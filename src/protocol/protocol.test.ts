import { describe, expect, it } from 'vitest';
import { canonicalJson } from './base/canonical.ts';
import { newRevisionId, newSiteId, newVideoId, videoIdSchema } from './base/ids.ts';
import {
  descriptionSchema,
  languageSchema,
  nameSchema,
  normaliseForSearch,
  searchWords,
  storedDescriptionSchema,
  storedNameSchema,
} from './base/text.ts';
import { formatMultivariantPlaylist } from './media/hls.ts';
import { givenTrackNameSchema, type Rendition } from './media/media.ts';
import { addressSchema, recordSchema } from './publication/record.ts';

describe('names', () => {
  it('are normalised and trimmed', () => {
    expect(nameSchema.parse('  Cafe\u0301  ')).toBe('Café');
  });
  it.each([
    ['', 'empty'],
    ['   ', 'empty'],
    ['x'.repeat(201), 'too long'],
    ['\u200e\u2068\u2069', 'empty'],
    ['a\u0000b', 'control character'],
    ['a\nb', 'control character'],
  ])('%j is refused', (text, why) => {
    expect(
      nameSchema
        .safeParse(text)
        .error?.issues.map(issue => issue.message)
        .join(),
    ).toContain(why);
  });
  it.each([
    ['Screen Recording at 10.00.00\u202fAM', 'Screen Recording at 10.00.00 AM'],
    ['\u2068Lecture\u2069', 'Lecture'],
    ['\u202aJohn\u202c\u200e', 'John'],
    ['gpj.\u202emov', 'gpj.mov'],
    ['\ufeffa\u00a0b\u200bc', 'a bc'],
    // Scripts, emoji and the ideographic space keep their characters.
    ['می\u200cخواهم 👩\u200d💻 讲座\u3000一', 'می\u200cخواهم 👩\u200d💻 讲座\u3000一'],
  ])('%j loses characters that nobody can see or remove', (text, name) => {
    expect(nameSchema.parse(text)).toBe(name);
    expect(storedNameSchema.parse(name)).toBe(name);
    expect(givenTrackNameSchema.parse(text)).toBe(name);
  });
  it('in records may have the invisible characters of earlier versions, and nothing that reverses text', () => {
    expect(storedNameSchema.parse('a\u200eb\u202fc')).toBe('a\u200eb\u202fc');
    for (const text of ['a\u202eb', ' a', 'Cafe\u0301', '', 'a\nb'])
      expect(storedNameSchema.safeParse(text).success).toBe(false);
    expect(storedDescriptionSchema.safeParse('a\u2067b').success).toBe(false);
  });
  it('descriptions keep marks of the writing direction, and lose what lasts longer', () => {
    expect(descriptionSchema.parse('\u202bשלום\u202c\u200e.\n\u2067b\u2069')).toBe('שלום\u200e.\nb');
  });
  it.each([
    ['10.00.00 am', 'Recording at 10.00.00\u202fAM'],
    ['lecture one', 'Lec\u200eture\u00a0\u2068one\u2069'],
    ['10.00.00\u202fAM', 'Recording at 10.00.00 AM'],
    ['讲座 一', '讲座\u3000一'],
  ])('a search for %j finds %j', (query, name) => {
    const text = normaliseForSearch(name);
    for (const word of searchWords(query)) expect(text).toContain(word);
  });
  it('counts characters, not code units', () => {
    expect(nameSchema.safeParse('🎞'.repeat(200)).success).toBe(true);
  });
  it('descriptions may have lines', () => {
    expect(descriptionSchema.parse('one\r\ntwo')).toBe('one\ntwo');
  });
  it.each(['en', 'zh-Hans', 'zh-Hant-TW'])('%s is a language', tag => {
    expect(languageSchema.safeParse(tag).success).toBe(true);
  });
});

describe('ids and addresses', () => {
  it('are UUIDs of version 7 that rise with time', () => {
    const ids = Array.from({ length: 100 }, newVideoId);
    expect([...ids].sort()).toEqual(ids);
    for (const id of ids) expect(videoIdSchema.safeParse(id).success).toBe(true);
    expect(videoIdSchema.safeParse('../../etc/passwd').success).toBe(false);
  });
  it.each([
    ['192.0.2.7:8090', true],
    ['[2001:db8::7]:8090', true],
    ['host:80', false],
    ['192.0.2.7', false],
  ])('%s', (text, good) => expect(addressSchema.safeParse(text).success).toBe(good));
});

describe('canonicalJson', () => {
  it('does not depend on the order of members', () => {
    expect(canonicalJson({ b: [1, { d: 1, c: '"' }], a: undefined })).toBe('{"b":[1,{"c":"\\"","d":1}]}');
    expect(canonicalJson({ y: 1, x: 2 })).toBe(canonicalJson({ x: 2, y: 1 }));
  });
  it('sorts names as texts, also where they are numbers', () => {
    expect(canonicalJson({ 10: 'a', 9: [{ b: 1, a: undefined }] })).toBe('{"10":"a","9":[{"b":1}]}');
  });
  it('is how a parsed record is spelt by itself, whatever order it came in', () => {
    const record = {
      kind: 'copy',
      video: newVideoId(),
      version: 1,
      revision: newRevisionId(),
      origin: newSiteId(),
      path: 'copies/1',
      sourceAddress: '192.0.2.7:8090',
      sizeBytes: 1,
      files: 2,
      copiedAt: '2026-05-01T08:00:00.000Z',
    };
    const turned = Object.fromEntries(Object.entries(record).reverse());
    expect(JSON.stringify(recordSchema.parse(turned))).toBe(canonicalJson(record));
  });
});

const renditions: readonly Rendition[] = [
  {
    kind: 'video',
    id: 'source-video',
    codec: 'avc1.64001f',
    bandwidthBps: 2_000_000,
    averageBandwidthBps: 1_500_000,
    width: 1280,
    height: 720,
    frameRate: 25,
  },
  {
    kind: 'audio',
    id: 'source-audio',
    codec: 'mp4a.40.2',
    bandwidthBps: 130_000,
    averageBandwidthBps: 128_000,
    channels: 2,
    sampleRateHz: 48_000,
  },
];

describe('multivariant playlists', () => {
  it('of one site use relative URIs and know nothing of pathways', () => {
    expect(formatMultivariantPlaylist(renditions, [{ id: 'x', baseUri: '' }])).toBe(
      [
        '#EXTM3U',
        '#EXT-X-VERSION:7',
        '#EXT-X-INDEPENDENT-SEGMENTS',
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio-0",NAME="Audio 1",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="source-audio/media.m3u8"',
        '#EXT-X-STREAM-INF:BANDWIDTH=2130000,AVERAGE-BANDWIDTH=1628000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=25.000,VIDEO-RANGE=SDR,AUDIO="audio-0"',
        'source-video/media.m3u8',
        '',
      ].join('\n'),
    );
  });

  it('of several sites give each pathway its own variants and audio group', () => {
    const text = formatMultivariantPlaylist(
      renditions,
      [
        { id: 'a', baseUri: 'http://a/' },
        { id: 'b', baseUri: 'http://b/' },
      ],
      { serverUri: 'data:x', pathwayId: 'a' },
    );
    expect(text).toContain('#EXT-X-CONTENT-STEERING:SERVER-URI="data:x",PATHWAY-ID="a"');
    expect(text.match(/PATHWAY-ID="[ab]"$/gm)).toHaveLength(3);
    expect(text).toContain('AUDIO="audio-1",PATHWAY-ID="b"\nhttp://b/source-video/media.m3u8');
    expect(text).toContain('URI="http://b/source-audio/media.m3u8"');
  });

  it('of audio only have the audio as variant', () => {
    const text = formatMultivariantPlaylist(renditions.slice(1), [{ id: 'x', baseUri: '' }]);
    expect(text).not.toContain('EXT-X-MEDIA');
    expect(text).toContain('CODECS="mp4a.40.2"\nsource-audio/media.m3u8');
  });
});
