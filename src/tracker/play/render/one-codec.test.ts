import { describe, expect, test } from 'vitest';
import type { Rendition } from '../../../protocol/media/media.ts';
import { selectOneCodec } from './one-codec.ts';

const rates = { bandwidthBps: 1_000, averageBandwidthBps: 1_000 };
const video = (id: string, codec: string, audioGroup?: string): Rendition => ({
  kind: 'video',
  id,
  codec,
  ...rates,
  width: 640,
  height: 360,
  frameRate: 25,
  ...(audioGroup === undefined ? {} : { audioGroup }),
});
const audio = (id: string, codec: string, group?: string): Rendition => ({
  kind: 'audio',
  id,
  codec,
  ...rates,
  channels: 2,
  sampleRateHz: 48_000,
  ...(group === undefined ? {} : { group }),
});
const captions: Rendition = { kind: 'captions', id: 'captions-en', codec: 'wvtt', ...rates };

describe('the renditions of one codec', () => {
  test.each<[string, readonly Rendition[], readonly string[]]>([
    [
      'H.264 before the codec of the source, with the captions',
      [video('source', 'vp09.00.11.08'), video('h264', 'avc1.64000d'), audio('audio', 'opus'), captions],
      ['h264', 'audio', 'captions-en'],
    ],
    ['every profile of H.264', [video('a', 'avc1.64001f'), video('b', 'avc1.42c00d')], ['a', 'b']],
    ['both spellings of HEVC', [video('a', 'hvc1.1.6.L60.90'), video('b', 'hev1.1.6.L60.90')], ['a', 'b']],
    ['the first codec if none is H.264', [video('a', 'av01.0.05M.08'), video('b', 'vp09.00.11.08')], ['a']],
    [
      'the audio group in AAC',
      [
        video('source', 'avc1.64001f'),
        video('h264', 'avc1.64000d', 'aac'),
        audio('source-audio', 'flac'),
        audio('aac-audio', 'mp4a.40.2', 'aac'),
      ],
      ['h264', 'aac-audio'],
    ],
    ['of audio only', [audio('source-audio', 'flac'), audio('aac-audio', 'mp4a.40.2')], ['aac-audio']],
    ['of a video without audio', [video('a', 'avc1.64001f')], ['a']],
  ])('are %s', (_, renditions, ids) => {
    expect(selectOneCodec(renditions).map(({ id }) => id)).toEqual(ids);
  });
});
