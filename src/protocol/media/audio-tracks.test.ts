import { describe, expect, test } from 'vitest';
import { readMultivariant } from '../../../test/media/strict-hls.ts';
import { checkMpd } from '../../../test/media/strict-mpd.ts';
import { formatDashManifest } from './dash.ts';
import { formatMultivariantPlaylist } from './hls.ts';
import type { AudioRendition, Rendition } from './media.ts';
import { revisionTimelineSchema } from './timeline.ts';

const rates = { bandwidthBps: 128_000, averageBandwidthBps: 128_000 };
const video: Rendition = {
  kind: 'video',
  id: 'source-video',
  codec: 'avc1.64001f',
  ...rates,
  width: 1_280,
  height: 720,
  frameRate: 18.2,
  maxFrameRate: 25,
};
const audio = (id: string, language?: string, name?: string): AudioRendition => ({
  kind: 'audio',
  id,
  codec: 'mp4a.40.2',
  ...rates,
  channels: 2,
  sampleRateHz: 48_000,
  ...(language === undefined ? {} : { language }),
  ...(name === undefined ? {} : { name }),
});
const captions = (id: string): Rendition => ({
  kind: 'captions',
  id,
  codec: 'wvtt',
  ...rates,
  language: 'en',
});
const timeline = (renditions: readonly Rendition[], ticks = 4_000) =>
  revisionTimelineSchema.parse({
    durationMs: 10_000,
    renditions: Object.fromEntries(renditions.map(({ id }) => [id, { timescale: 999, runs: [[ticks, 2]] }])),
  });

describe('audio tracks of one language', () => {
  const tracks = [
    audio('a-1', 'en'),
    audio('a-2', 'en'),
    audio('a-3', 'en', "Director's commentary"),
    audio('a-4', 'en', 'Audio description'),
    audio('a-5', 'zh', '解说'),
    audio('a-6', 'zh'),
  ];

  test('differ in HLS by name and characteristics, and only one of them is selected by language', () => {
    const text = formatMultivariantPlaylist(
      [video, ...tracks, captions('c-1'), captions('c-2')],
      [{ id: '.', baseUri: '' }],
    );
    readMultivariant(text);
    const audios = [
      ...text.matchAll(/TYPE=AUDIO.*NAME="([^"]+)".*AUTOSELECT=(\w+)(?:,CHARACTERISTICS="([^"]+)")?/g),
    ];
    expect(audios.map(([, ...found]) => found)).toEqual([
      ['en 1', 'YES', undefined],
      ['en 2', 'NO', undefined],
      ["Director's commentary (3)", 'YES', 'public.auxiliary-content'],
      ['Audio description (4)', 'YES', 'public.accessibility.describes-video'],
      ['解说 (5)', 'YES', 'public.auxiliary-content'],
      ['zh 6', 'YES', undefined],
    ]);
  });

  test('differ in DASH by label, role and accessibility', () => {
    const text = formatDashManifest([video, ...tracks], timeline([video, ...tracks]));
    checkMpd(text);
    const sets = text.split('<AdaptationSet').slice(2);
    expect(sets.map(set => [/Label>([^<]*)/.exec(set)?.[1], /Role .*value="([^"]*)/.exec(set)?.[1]])).toEqual(
      [
        ['en 1', 'main'],
        ['en 2', 'alternate'],
        ["Director's commentary (3)", 'commentary'],
        ['Audio description (4)', 'alternate'],
        ['解说 (5)', 'commentary'],
        ['zh 6', 'main'],
      ],
    );
    expect(sets.map(set => set.includes('<Accessibility'))).toEqual([
      false,
      false,
      false,
      true,
      false,
      false,
    ]);
  });

  test('the strict readers reject tracks that cannot be distinguished', () => {
    const hls = formatMultivariantPlaylist([video, ...tracks], [{ id: '.', baseUri: '' }]);
    expect(() => readMultivariant(hls.replace('AUTOSELECT=NO', 'AUTOSELECT=YES'))).toThrow('are selected');
    const dash = formatDashManifest([video, ...tracks], timeline([video, ...tracks]));
    expect(() => checkMpd(dash.replace('value="alternate"', 'value="main"'))).toThrow('two audio sets');
  });
});

describe('limits in manifests', () => {
  test('FRAME-RATE is the maximum, and the DASH frame rate the mean', () => {
    expect(formatMultivariantPlaylist([video], [{ id: '.', baseUri: '' }])).toContain('FRAME-RATE=25.000');
    expect(formatDashManifest([video], timeline([video]))).toContain('frameRate="18200/1000"');
  });

  test('maxSegmentDuration is not below the longest segment', () => {
    // 4000 / 999 = 4.004004… s
    const text = formatDashManifest([video], timeline([video]));
    expect(text).toContain('maxSegmentDuration="PT4.005S"');
    checkMpd(text);
    expect(() => checkMpd(text.replace('PT4.005S', 'PT4.004S'))).toThrow('a maximum');
    expect(formatDashManifest([video], timeline([video], 3_996))).toContain('maxSegmentDuration="PT4.000S"');
  });
});
