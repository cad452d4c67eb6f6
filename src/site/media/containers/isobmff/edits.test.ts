import { describe, expect, it } from 'vitest';
import { SampleColumns } from '../source/samples.ts';
import { findBox, formatFullBox, u16, u32, u64 } from './box.ts';
import { applyPresentation, choosePresentation, type Edit, type EditedTrack, readEdits } from './edits.ts';

const edit = (mediaTime: number | undefined, duration: number): Edit => ({ mediaTime, duration });

describe('edit lists', () => {
  it('are read in both versions', () => {
    const whole = (box: Buffer) =>
      readEdits(box, findBox(box, { type: '', start: 0, body: 0, end: box.length }, 'elst'));
    const long = formatFullBox(
      'elst',
      1,
      0,
      u32(2),
      u64(5_000),
      u64(2 ** 64 - 2 ** 11),
      u16(1, 0),
      u64(7),
      u64(9),
      u16(1, 0),
    );
    expect(whole(long)).toEqual([edit(undefined, 5_000), edit(9, 7)]);
    const short = formatFullBox(
      'elst',
      0,
      0,
      u32(2),
      u32(500, 0xffffffff),
      u16(1, 0),
      u32(70, 1_024),
      u16(1, 0),
    );
    expect(whole(short)).toEqual([edit(undefined, 500), edit(1_024, 70)]);
    const slow = formatFullBox('elst', 0, 0, u32(1), u32(70, 0), u16(0, 0x8000));
    expect(() => whole(slow)).toThrow(/changes the speed/);
    expect(() => whole(formatFullBox('elst', 0, 0, u32(900), u32(1, 1)))).toThrow(/malformed/);
  });

  it('are joined to one interval of the media after one delay', () => {
    expect(choosePresentation([], 44_100, 1_000)).toBeUndefined();
    expect(choosePresentation([edit(undefined, 1_500), edit(1_024, 10_000)], 44_100, 1_000)).toEqual({
      delay: 66_150,
      mediaTime: 1_024,
      duration: 441_000,
    });
    // Duration 0: to the end.
    expect(choosePresentation([edit(0, 0)], 25, 1_000)?.duration).toBe(Number.POSITIVE_INFINITY);
    // Two pieces that follow each other are one.
    expect(choosePresentation([edit(0, 1_000), edit(25, 2_000)], 25, 1_000)).toMatchObject({
      mediaTime: 0,
      duration: 75,
    });
    expect(() => choosePresentation([edit(0, 1_000), edit(500, 2_000)], 25, 1_000)).toThrow(/joins pieces/);
    expect(() => choosePresentation([edit(50, 1_000), edit(0, 1_000)], 25, 1_000)).toThrow(/joins pieces/);
  });

  it('keep only the frames that are needed to decode the frames they show', () => {
    const samples = makeSamples(100, 10, 25);
    const kept = applyPresentation(track('video', samples, 1_000), {
      delay: 0,
      mediaTime: 300,
      duration: 200,
    });
    // From the key frame at 250 to the first key frame at or after the end.
    expect(kept.count).toBe(26);
    expect(kept.presentationTimes[0]).toBe(-50);
    expect(kept.presentationTimes[5]).toBe(0);
  });

  it('begin an audio track in the middle of a frame', () => {
    const samples = makeSamples(100, 1_024, 1);
    const kept = applyPresentation(track('audio', samples, 48_000), {
      delay: 480,
      mediaTime: 1_500,
      duration: Number.POSITIVE_INFINITY,
    });
    expect(kept.count).toBe(100);
    expect(kept.presentationTimes[0]).toBe(480 - 1_500);
  });

  it('that show nothing are rejected', () => {
    const samples = makeSamples(1, 10, 1);
    expect(() =>
      applyPresentation(track('video', samples, 1_000), { delay: 0, mediaTime: 500, duration: 10 }),
    ).toThrow(/shows nothing/);
  });
});

const track = (kind: 'video' | 'audio', samples: SampleColumns, timescale: number): EditedTrack => ({
  kind,
  samples,
  timescale,
  hasComposition: false,
});

/** Samples of equal length, with a sync sample every `gop` samples. */
function makeSamples(count: number, duration: number, gop: number): SampleColumns {
  const samples = new SampleColumns();
  for (let i = 0; i < count; i++) {
    samples.append();
    samples.sizes[i] = 1;
    samples.decodeTimes[i] = i * duration;
    samples.presentationTimes[i] = i * duration;
    samples.durations[i] = duration;
    samples.sync[i] = i % gop === 0 ? 1 : 0;
  }
  return samples;
}
