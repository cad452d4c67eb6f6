/** Publication records as a site would write them. */
import { newRevisionId, newVideoId, type VideoId } from '../../src/protocol/base/ids.ts';
import type { PublicationRecord, VideoRecord } from '../../src/protocol/publication/record.ts';

export function videoRecord(changes: Partial<VideoRecord> = {}): VideoRecord {
  return {
    kind: 'video',
    video: newVideoId(),
    version: 1,
    revision: newRevisionId(),
    name: 'A lecture',
    description: '',
    path: 'videos/a/source.mp4',
    sourceAddress: '192.0.2.7:8090',
    sizeBytes: 1_000_000,
    bitrateBps: 800_000,
    durationMs: 10_000,
    width: 1280,
    height: 720,
    sha256: 'a'.repeat(64),
    container: 'mp4',
    renditions: [
      {
        kind: 'video',
        id: 'source-video',
        codec: 'avc1.64001f',
        bandwidthBps: 900_000,
        averageBandwidthBps: 800_000,
        width: 1280,
        height: 720,
        frameRate: 25,
      },
    ],
    createdAt: '2024-05-01T08:00:00.000Z',
    ...changes,
  };
}

export const tombstone = (video: VideoId, version: number): PublicationRecord => ({
  kind: 'tombstone',
  video,
  version,
  withdrawnAt: '2024-05-02T08:00:00.000Z',
});
