import { expect, test } from 'vitest';
import type { VideoRecord } from '../../protocol/publication/record.ts';
import { listRevisionFiles } from './revision-files.ts';

test('a copy has the I-frame playlists that its record states, and no others', () => {
  const video = (id: string, more: object = {}) => ({
    kind: 'video' as const,
    id,
    codec: 'avc1.64001f',
    bandwidthBps: 1,
    averageBandwidthBps: 1,
    width: 2,
    height: 2,
    frameRate: 25,
    ...more,
  });
  const record: Pick<VideoRecord, 'version' | 'pictures' | 'renditions'> = {
    version: 1,
    renditions: [video('old'), video('new', { iframeBandwidthBps: 1 })],
  };
  const runs: [number, number][] = [[1, 2]];
  const timeline = {
    durationMs: 2_000,
    renditions: { old: { timescale: 1, runs }, new: { timescale: 1, runs } },
  };
  const files = listRevisionFiles(record, timeline);
  expect(files.filter(name => name.startsWith('old/'))).toEqual([
    'old/media.m3u8',
    'old/init.mp4',
    'old/0.m4s',
    'old/1.m4s',
  ]);
  expect(files.filter(name => name.endsWith('iframes.m3u8'))).toEqual(['new/iframes.m3u8']);
});
