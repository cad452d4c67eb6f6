import { describe, expect, it } from 'vitest';
import { SampleColumns } from '../containers/containers.ts';
import { measureBandwidth, type PlannedTrack, planAtBoundaries, planSegments } from './segment-plan.ts';

/** Frames of equal length, with a sync sample every `gop` frames. */
function makeTrack(
  kind: 'video' | 'audio',
  of: {
    timescale: number;
    frameTicks: number;
    count: number;
    gop?: number;
    sizeBytes?: number;
    edit?: number;
  },
): PlannedTrack {
  const samples = new SampleColumns(of.count);
  const edit = of.edit ?? 0;
  for (let i = 0; i < of.count; i++) {
    const time = i * of.frameTicks;
    samples.append();
    samples.offsets[i] = i * 1_000;
    samples.sizes[i] = of.sizeBytes ?? 1_000;
    samples.decodeTimes[i] = time;
    samples.presentationTimes[i] = time + edit;
    samples.durations[i] = of.frameTicks;
    samples.sync[i] = i % (of.gop ?? 1) === 0 ? 1 : 0;
  }
  return {
    kind,
    timescale: of.timescale,
    samples,
    editMediaTime: edit,
    start: 0,
    end: of.count * of.frameTicks,
    hasComposition: edit > 0,
    samplePrefixBytes: 0,
  };
}

const durations = (
  segments: readonly { start: number; end: number }[],
  timescale: number,
): readonly number[] => segments.map(({ start, end }) => (end - start) / timescale);

describe('the plan of segments', () => {
  it.each([
    ['2 s', 50, [4, 4, 2]],
    ['4 s', 100, [4, 4, 2]],
    ['3 s: three is nearer to four than six is, but not than the remainder', 75, [3, 3, 4]],
    ['3.96 s', 99, [3.96, 3.96, 2.08]],
    ['5 s', 125, [5, 5]],
    ['frame', 1, [4, 4, 2]],
    ['10 s', 250, [10]],
  ])('cuts at key frames about every four seconds: one every %s', (_often, gop, expected) => {
    const [video] = planSegments([
      makeTrack('video', { timescale: 25_000, frameTicks: 1_000, count: 250, gop }),
    ]);
    expect(durations(video!, 25_000)).toEqual(expected);
  });

  it('leaves no remainder at the end that players would treat as buffered', () => {
    const video = makeTrack('video', { timescale: 25_000, frameTicks: 1_000, count: 103, gop: 100 });
    const audio = makeTrack('audio', { timescale: 48_000, frameTicks: 1_024, count: 190 });
    const [videoSegments, audioSegments] = planSegments([video, audio]);
    expect(durations(videoSegments!, 25_000)).toEqual([4.12]);
    expect(audioSegments).toHaveLength(1);
    const longer = makeTrack('video', { timescale: 25_000, frameTicks: 1_000, count: 201, gop: 100 });
    expect(planAtBoundaries([longer, audio], [4, 8]).map(segments => segments.length)).toEqual([2, 1]);
  });

  it('covers every sample once, also with an edit', () => {
    const [video] = planSegments([
      makeTrack('video', { timescale: 25_000, frameTicks: 1_000, count: 250, gop: 30, edit: 2_000 }),
    ]);
    let next = 0;
    for (const segment of video!) {
      expect(segment.firstSample).toBe(next);
      next += segment.sampleCount;
    }
    expect(next).toBe(250);
    expect(video!.at(-1)!.end).toBe(250_000);
  });

  it('cuts audio within a frame after the video', () => {
    const [video, audio] = planSegments([
      makeTrack('video', { timescale: 25_000, frameTicks: 1_000, count: 250, gop: 60 }),
      makeTrack('audio', { timescale: 44_100, frameTicks: 1_024, count: 431 }),
    ]);
    expect(audio).toHaveLength(video!.length);
    for (const [i, segment] of audio!.entries()) {
      const late = segment.start / 44_100 - video![i]!.start / 25_000;
      expect(late).toBeGreaterThanOrEqual(0);
      expect(late).toBeLessThan(1_024 / 44_100);
    }
  });

  it('continues evenly if audio is longer than the video, and stops if it is shorter', () => {
    const video = makeTrack('video', { timescale: 25, frameTicks: 1, count: 250, gop: 50 });
    const [, long, short] = planSegments([
      video,
      makeTrack('audio', { timescale: 1_000, frameTicks: 20, count: 1_500 }),
      makeTrack('audio', { timescale: 1_000, frameTicks: 20, count: 250 }),
    ]);
    expect(durations(long!, 1_000)).toEqual([4, 4, 6, 4, 4, 4, 4]);
    expect(durations(short!, 1_000)).toEqual([4, 1]);
  });

  it('cuts audio without video every four seconds', () => {
    const [audio] = planSegments([makeTrack('audio', { timescale: 1_000, frameTicks: 20, count: 575 })]);
    expect(durations(audio!, 1_000)).toEqual([4, 4, 3.5]);
  });

  it('rejects key frames too far apart, and segments too large', () => {
    const rare = makeTrack('video', { timescale: 25, frameTicks: 1, count: 25 * 90, gop: 25 * 70 });
    expect(() => planSegments([rare])).toThrow(/key frames of this video are up to 70 seconds apart/);
    const large = makeTrack('video', {
      timescale: 25,
      frameTicks: 1,
      count: 250,
      gop: 125,
      sizeBytes: 2 ** 20,
    });
    expect(() => planSegments([large])).toThrow(/takes 132 MB for 5\.0 seconds/);
  });

  it('rejects a video of a thousand years at once', () => {
    const slow = makeTrack('audio', { timescale: 1, frameTicks: 2 ** 31, count: 15 });
    expect(() => planSegments([slow])).toThrow(/claims to last 8947849 hours; the limit is 100 hours/);
  });

  it('measures the peak over runs of about a target duration, not over a short remainder', () => {
    const segment = (start: number, end: number, sizeBytes: number) => ({
      firstSample: 0,
      sampleCount: 1,
      dataBytes: sizeBytes,
      sizeBytes,
      start,
      end,
    });
    const plan = [segment(0, 4_000, 1_000), segment(4_000, 8_000, 2_000), segment(8_000, 8_010, 500)];
    expect(measureBandwidth(plan, 1_000)).toEqual({
      peakBps: Math.ceil((2_500 * 8) / 4.01),
      averageBps: 3_496,
    });
  });
});
