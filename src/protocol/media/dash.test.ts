import { describe, expect, it } from 'vitest';
import { formatDashManifest, formatFrameRate } from './dash.ts';
import { formatMultivariantPlaylist } from './hls.ts';
import type { AudioRendition, VideoRendition } from './media.ts';
import { revisionTimelineSchema, toRuns } from './timeline.ts';

const picture = (id: string, height: number, more: Partial<VideoRendition> = {}): VideoRendition => ({
  kind: 'video',
  id,
  codec: 'avc1.64001f',
  bandwidthBps: height * 4_000,
  averageBandwidthBps: height * 3_000,
  width: Math.round((height * 16) / 9),
  height,
  frameRate: 25,
  ...more,
});
const sound = (id: string, more: Partial<AudioRendition> = {}): AudioRendition => ({
  kind: 'audio',
  id,
  codec: 'mp4a.40.2',
  bandwidthBps: 128_000,
  averageBandwidthBps: 128_000,
  channels: 2,
  sampleRateHz: 48_000,
  ...more,
});
const timelineOf = (...ids: readonly string[]) =>
  revisionTimelineSchema.parse({
    durationMs: 10_000,
    renditions: Object.fromEntries(
      ids.map(id => [id, { timescale: 1_000, runs: toRuns([4_000, 4_000, 2_000]) }]),
    ),
  });

describe('a DASH manifest', () => {
  it('joins consecutive equal segments and counts the repetitions after the first', () => {
    expect(toRuns([4, 4, 4, 2, 0, 4])).toEqual([
      [4, 3],
      [2, 1],
      [1, 1],
      [4, 1],
    ]);
    const text = formatDashManifest([picture('h264-360', 360)], timelineOf('h264-360'));
    expect(text).toContain('<S t="0" d="4000" r="1"/>\n            <S d="2000"/>');
    expect(text).toContain('mediaPresentationDuration="PT10.000S"');
  });

  it('keeps HDR and SDR of one codec apart, and makes the colour of HDR essential if there is SDR', () => {
    const pq = { primaries: 9, transfer: 16, matrix: 9 };
    const sdr = picture('av1-360', 360, {
      codec: 'av01.0.04M.08',
      colour: { primaries: 1, transfer: 1, matrix: 1 },
    });
    const hdr = picture('av1-720', 720, { codec: 'av01.0.05M.10', colour: pq });
    const setsOf = (...renditions: readonly VideoRendition[]) =>
      formatDashManifest(renditions, timelineOf(...renditions.map(({ id }) => id)))
        .split('<AdaptationSet')
        .slice(1);
    const property = (kind: string, value: number) =>
      `<${kind}Property schemeIdUri="urn:mpeg:mpegB:cicp:TransferCharacteristics" value="${value}"/>`;
    const [first, second, ...none] = setsOf(hdr, sdr);
    expect([first, second]).toEqual([
      expect.stringContaining(property('Essential', 16)),
      expect.stringContaining(property('Supplemental', 1)),
    ]);
    expect(none).toEqual([]);
    expect(setsOf(hdr)).toEqual([expect.stringContaining(property('Supplemental', 16))]);
  });

  it('puts renditions of one codec into one set, and each other codec and language into its own set', () => {
    const renditions = [
      picture('h264-720', 720),
      picture('h264-360', 360),
      picture('av1-720', 720, { codec: 'av01.0.05M.08' }),
      sound('audio-1', { language: 'zh' }),
      sound('audio-2', { language: 'en' }),
    ];
    const text = formatDashManifest(renditions, timelineOf(...renditions.map(({ id }) => id)));
    const sets = text.split('<AdaptationSet').slice(1);
    expect(sets.map(set => [...set.matchAll(/Representation id="([^"]+)"/g)].map(match => match[1]))).toEqual(
      [['h264-720', 'h264-360'], ['av1-720'], ['audio-1'], ['audio-2']],
    );
    expect(sets[3]).toContain('lang="en"');
  });

  it('names every site as a service location, and the steering server', () => {
    const text = formatDashManifest(
      [picture('h264-360', 360)],
      timelineOf('h264-360'),
      [
        { id: 'a', baseUrl: 'https://a.example/v/1/2/' },
        { id: 'b', baseUrl: 'https://b.example/v/1/2/' },
      ],
      { serverUrl: 'https://t.example/steer/1?session=x&pathways=a.b', defaultServiceLocation: 'a' },
    );
    expect(text).toContain('<BaseURL serviceLocation="b">https://b.example/v/1/2/</BaseURL>');
    expect(text).toContain('session=x&amp;pathways=a.b</ContentSteering>');
  });

  it('formats frame rates as integers or fractions, and television rates as their exact fractions', () => {
    expect([25, 29.97, 23.976, 59.94, 17.3].map(formatFrameRate)).toEqual([
      '25',
      '30000/1001',
      '24000/1001',
      '60000/1001',
      '17300/1000',
    ]);
  });

  it('rejects a rendition without a timeline', () => {
    expect(() => formatDashManifest([picture('x', 1)], timelineOf('y'))).toThrow(RangeError);
  });
});

describe('audio groups in a multivariant playlist', () => {
  it('bind every variant to its own group', () => {
    const text = formatMultivariantPlaylist(
      [
        picture('source-video', 720),
        sound('source-audio', { codec: 'flac', bandwidthBps: 1_000_000 }),
        picture('h264-360', 360, { audioGroup: 'aac' }),
        sound('audio-1', { group: 'aac' }),
      ],
      [{ id: '.', baseUri: '' }],
    );
    const variants = [...text.matchAll(/STREAM-INF:(.*)\n(.*)/g)].map(match => [match[2], match[1]]);
    expect(variants).toHaveLength(2);
    expect(variants[0]?.[1]).toMatch(/CODECS="avc1\.64001f,flac".*AUDIO="audio-0"/);
    expect(variants[1]?.[1]).toMatch(
      /BANDWIDTH=1568000,.*CODECS="avc1\.64001f,mp4a\.40\.2".*AUDIO="audio-0-aac"/,
    );
    expect(text.match(/GROUP-ID="audio-0-aac",NAME="Audio 1"/)).not.toBeNull();
  });
});
