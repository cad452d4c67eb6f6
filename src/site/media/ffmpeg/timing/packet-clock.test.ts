import { describe, expect, it } from 'vitest';
import { PacketClock } from './packet-clock.ts';

const FRAME = 0.04;

/** Adds the packets of one stream from `start` to `end`; the first one is a key frame. */
function add(clock: PacketClock, stream: number, start: number, end: number): void {
  for (let i = 0; start + i * FRAME < end - 1e-6; i++) {
    const time = start + i * FRAME;
    clock.add({ stream, pts: time, dts: time, duration: FRAME, isKey: i === 0 });
  }
}

/** The times at which a stream begins and ends, and its first packets and additions, rounded to milliseconds. */
function of(clock: PacketClock, stream: number) {
  const { startSeconds, endSeconds, periods } = clock.finish().tracks.get(stream) ?? { periods: [] };
  const round = (value = Number.NaN): number => Math.round(value * 1_000) / 1_000 + 0;
  return {
    start: round(startSeconds),
    end: round(endSeconds),
    periods: periods.map(({ firstPacket, addSeconds }) => [firstPacket, round(addSeconds)]),
  };
}

describe('a clock that may jump', () => {
  it('is one period while it runs', () => {
    const clock = new PacketClock([0, 1], true);
    add(clock, 0, 10, 14);
    add(clock, 1, 9.8, 14.1);
    expect(clock.finish()).toMatchObject({ periodCount: 1, startSeconds: 9.8 });
    expect(of(clock, 0)).toMatchObject({ start: 0.2, end: 4.2 });
    expect(of(clock, 1)).toMatchObject({ start: 0, periods: [[0, -9.8]] });
  });

  it('joins a period that restarts, although its streams enter it one after another', () => {
    const clock = new PacketClock([0, 1], true);
    add(clock, 0, 1, 5);
    add(clock, 1, 1, 4);
    add(clock, 0, 1, 2);
    add(clock, 1, 4, 5);
    add(clock, 1, 1, 2);
    expect(of(clock, 0)).toEqual({
      start: 0,
      end: 5,
      periods: [
        [0, -1],
        [100, 3],
      ],
    });
    expect(of(clock, 1)).toEqual({
      start: 0,
      end: 5,
      periods: [
        [0, -1],
        [100, 3],
      ],
    });
  });

  it('keeps a gap of one stream, because the others continue', () => {
    const clock = new PacketClock([0, 1], true);
    add(clock, 0, 0, 2);
    add(clock, 1, 0, 60);
    add(clock, 0, 60, 62);
    expect(clock.finish().periodCount).toBe(1);
    expect(of(clock, 0)).toMatchObject({ end: 62 });
    expect(clock.finish().tracks.get(0)?.longestGapSeconds).toBeCloseTo(58);
  });

  it('puts a single damaged timestamp back into its place', () => {
    const clock = new PacketClock([0, 1], true);
    add(clock, 0, 0, 2);
    add(clock, 1, 0, 2);
    clock.add({ stream: 0, pts: 5_000, dts: 5_000, duration: FRAME, isKey: false });
    add(clock, 1, 2, 4);
    add(clock, 0, 2.04, 4);
    expect(of(clock, 0)).toEqual({
      start: 0,
      end: 4,
      periods: [
        [0, 0],
        [50, -4998],
        [51, 0],
      ],
    });
    expect(of(clock, 1)).toMatchObject({ end: 4, periods: [[0, 0]] });
  });

  it('counts no frame before the first key frame, and no stream that is not asked for', () => {
    const clock = new PacketClock([0], true);
    clock.add({ stream: 0, pts: 1, dts: 1, duration: FRAME, isKey: false });
    clock.add({ stream: 7, pts: 0, dts: 0, duration: FRAME, isKey: true });
    add(clock, 0, 1.04, 2);
    expect(clock.finish()).toMatchObject({ startSeconds: 1.04 });
    expect(clock.finish().tracks.size).toBe(1);
  });
});

it('a clock with an index never jumps', () => {
  const clock = new PacketClock([0], false);
  add(clock, 0, 0, 2);
  add(clock, 0, 100, 102);
  expect(of(clock, 0)).toEqual({ start: 0, end: 102, periods: [[0, 0]] });
});
