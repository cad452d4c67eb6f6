import { describe, expect, test } from 'vitest';
import { newRevisionId, newVideoId } from '../../../protocol/base/ids.ts';
import { createGrowingPace } from './growing-pace.ts';

const CHUNK_S = 32;
const SEGMENT_S = 4;
const CHUNKS = 40;
/** RFC 8216bis, section 6.2.1. */
const LIMIT_S = 1.5 * SEGMENT_S;
const POLL_S = 0.5;

/** Times at which a site publishes: after each chunk, for encoders with this speed in seconds per second, later or earlier by a share. */
const publishTimes = (speed: number, jitter: number): readonly number[] => {
  let atS = 0;
  return Array.from({ length: CHUNKS }, (_, n) => {
    atS += (CHUNK_S / speed) * (1 + jitter * Math.sin(n * 2.4));
    return atS;
  });
};

describe.each([1.6, 2, 5, 20])('a video that is encoded %f times as fast as it plays', speed => {
  test.each([0, 0.2])('has a playlist that always grows in time (jitter %f)', jitter => {
    const pace = createGrowingPace();
    const video = newVideoId();
    const times = publishTimes(speed, jitter);
    const revisions = times.map(() => newRevisionId());
    const [firstS = 0] = times;
    const lastS = times.at(-1) ?? 0;
    let segments = 0;
    let changedAtS = firstS;
    let longestS = 0;
    for (let nowS = firstS; nowS < lastS; nowS += POLL_S) {
      const published = times.filter(time => time <= nowS).length;
      const revision = revisions[published - 1] ?? newRevisionId();
      const listed = pace.list(video, revision, published * CHUNK_S, nowS * 1_000);
      expect(listed).toBeLessThanOrEqual(published * CHUNK_S);
      const now = Math.floor(listed / SEGMENT_S);
      expect(now).toBeGreaterThanOrEqual(Math.max(3, segments));
      if (now > segments) {
        longestS = Math.max(longestS, nowS - changedAtS);
        changedAtS = nowS;
      }
      segments = now;
    }
    expect(longestS).toBeLessThanOrEqual(LIMIT_S);
    // It is never far behind the published length.
    expect(segments * SEGMENT_S).toBeGreaterThan((CHUNKS - 4) * CHUNK_S);
  });
});

describe('a growing playlist', () => {
  test('lists almost all of a video that was first requested late', () => {
    expect(createGrowingPace().list(newVideoId(), newRevisionId(), 640, 0)).toBe(612);
  });

  test('lists all of a beginning that is shorter than three segments', () => {
    expect(createGrowingPace().list(newVideoId(), newRevisionId(), 8, 0)).toBe(8);
  });

  test('does not become shorter if an earlier revision is read again', () => {
    const pace = createGrowingPace();
    const [video, early, late] = [newVideoId(), newRevisionId(), newRevisionId()];
    pace.list(video, early, 32, 0);
    pace.list(video, late, 96, 10_000);
    const before = pace.list(video, late, 96, 20_000);
    expect(pace.list(video, early, 32, 20_000)).toBeGreaterThanOrEqual(before);
  });
});
