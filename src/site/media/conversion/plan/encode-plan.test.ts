import { describe, expect, test } from 'vitest';
import { chunkSecondsFor, listChunks, listPublications } from './encode-plan.ts';

describe('a growing video', () => {
  const planned = (durationSeconds: number, isGrowing = true) => {
    const chunks = listChunks(durationSeconds, undefined);
    return { chunks, counts: listPublications({ chunks, isGrowing }) };
  };

  test('is published in steps of one chunk, which become longer only with the video', () => {
    const { chunks, counts } = planned(2 * 3_600);
    expect(counts[0]).toBe(1);
    expect(counts.at(-1)).toBe(chunks.length);
    for (const [at, count] of counts.entries()) {
      const before = counts[at - 1] ?? 0;
      expect(count - before).toBeGreaterThan(0);
      expect(count - before).toBeLessThanOrEqual(Math.max(1, before / 32));
    }
    expect(counts.length).toBeLessThan(120);
  });

  test.each([20, 40, 320])('of %i s is published after each chunk', seconds => {
    const { chunks, counts } = planned(seconds);
    expect(counts).toEqual(chunks.map((_, at) => at + 1));
  });

  test('that is not published as it grows is published once', () => {
    const { chunks, counts } = planned(320, false);
    expect(counts).toEqual([chunks.length]);
  });
});

describe('the chunks of large frames', () => {
  test('are shorter, so that a worker is free for other videos soon', () => {
    expect(chunkSecondsFor(0)).toBe(32);
    expect(chunkSecondsFor(1_920 * 1_080)).toBe(32);
    expect(chunkSecondsFor(2_560 * 1_440)).toBeCloseTo(18, 5);
    expect(chunkSecondsFor(3_840 * 2_160)).toBe(8);
    expect(chunkSecondsFor(8_192 * 4_320)).toBe(8);
    expect(listChunks(40, undefined, 8)).toEqual([0, 8, 16, 24, 32]);
    expect(listChunks(40, [0, 5, 10, 15, 20, 25, 30, 35], 8)).toEqual([0, 10, 20, 30]);
  });
});
