import { describe, expect, it } from 'vitest';
import { chooseFrameClock, readOpusTicks, snapTimes } from './audio-frames.ts';

describe('the frame clock of audio', () => {
  it('knows the length of frames', () => {
    const lc44100 = Buffer.from([0x12, 0x10]);
    expect(chooseFrameClock('A_AAC', lc44100, 44_100)).toEqual({ timescale: 44_100, frameTicks: 1_024 });
    // The core of HE-AAC runs at half the sample rate of the output.
    const he22050 = Buffer.from([0x2b, 0x92, 0x08, 0x00]);
    expect(chooseFrameClock('A_AAC', he22050, 44_100)).toEqual({ timescale: 22_050, frameTicks: 1_024 });
    expect(chooseFrameClock('A_OPUS', Buffer.alloc(19), 44_100).timescale).toBe(48_000);
  });

  it.each([
    ['SILK, 60 ms', 0x18, 0, 2_880],
    ['CELT, 2.5 ms', 0x80, 0, 120],
    ['CELT, 20 ms', 0xfc, 0, 960],
    ['two frames', 0xfd, 0, 1_920],
    ['three frames of any size', 0xff, 3, 2_880],
  ])('reads the length of an Opus packet: %s', (_what, first, second, ticks) => {
    expect(readOpusTicks(first, second)).toBe(ticks);
  });

  it('removes jitter and drift from two hours of rounded times', () => {
    const count = Math.round((7_200 * 44_100) / 1_024);
    const times = Float64Array.from({ length: count }, (_, i) =>
      Math.round(Math.round((i * 1_024_000) / 44_100) * 44.1),
    );
    snapTimes(times, new Uint32Array(count).fill(1_024), 68);
    expect(times.every((time, i) => time === i * 1_024)).toBe(true);
  });

  it('keeps gaps, places frames without a time, and derives unknown lengths', () => {
    const times = Float64Array.from([0, 1_030, 10_000, Number.NaN, 12_040]);
    snapTimes(times, new Uint32Array(5).fill(1_024), 68);
    expect([...times]).toEqual([0, 1_024, 10_000, 11_024, 12_048]);
    const durations = new Uint32Array(3);
    snapTimes(Float64Array.from([0, 500, 1_100]), durations, 68);
    expect([...durations]).toEqual([500, 600, 600]);
  });
});
