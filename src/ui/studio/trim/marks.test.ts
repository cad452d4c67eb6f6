import { describe, expect, it } from 'vitest';
import { moveEnd, moveStart, readFrameMs } from './marks.ts';

const LIMITS = { durationMs: 12_010, frameMs: 40 };

describe('marks', () => {
  it('are on frames, in order, and within the video', () => {
    const marks = { startMs: 0, endMs: 12_010 };
    expect(moveStart(marks, 3_171, LIMITS).startMs).toBe(3_160);
    expect(moveStart(marks, -5, LIMITS).startMs).toBe(0);
    expect(moveStart({ startMs: 0, endMs: 1_000 }, 5_000, LIMITS).startMs).toBe(960);
    expect(moveEnd(marks, 9_239, LIMITS).endMs).toBe(9_240);
    expect(moveEnd(marks, 99_999, LIMITS).endMs).toBe(12_010);
    expect(moveEnd({ startMs: 1_000, endMs: 2_000 }, 500, LIMITS).endMs).toBe(1_040);
  });
  it('are rounded to milliseconds if frames begin between them', () => {
    const ntsc = { durationMs: 10_010, frameMs: 1_001 / 30 };
    expect(moveStart({ startMs: 0, endMs: 10_010 }, 34, ntsc).startMs).toBe(33);
  });
  it('take the frame rate from the playlist', () => {
    expect(readFrameMs('#EXT-X-STREAM-INF:FRAME-RATE=25.000\n#EXT-X-STREAM-INF:FRAME-RATE=50.000')).toBe(20);
    expect(readFrameMs('#EXTM3U')).toBe(40);
  });
});
