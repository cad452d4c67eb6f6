import { expect, it } from 'vitest';
import type { EncodePlan } from './encode-plan.ts';
import { EXPRESS_URGENCY, type JobKind, URGENCY, urgencyOf } from './job-kinds.ts';

const LADDER = [
  [1920, 1080],
  [1280, 720],
  [854, 480],
  [640, 360],
] as const;

const plan = (
  sizes: readonly (readonly [number, number])[],
  durationSeconds: number,
  framesPerSecond?: number,
) =>
  ({
    durationSeconds,
    video: { framesPerSecond, renditions: sizes.map(([width, height]) => ({ width, height })) },
  }) as unknown as EncodePlan;

it.each([
  ['a first rendition of two hours', 'first-rendition', plan(LADDER.slice(3), 7_200), true],
  ['a ladder of 20 seconds', 'ladder', plan(LADDER, 20), true],
  ['a ladder of an hour', 'ladder', plan(LADDER, 3_600), false],
  ['a small ladder of five minutes', 'ladder', plan(LADDER.slice(3), 300), true],
  ['a ladder of 20 seconds in 4K', 'ladder', plan([[3840, 2160], ...LADDER], 20, 60), false],
] as const satisfies readonly (readonly [string, JobKind, EncodePlan, boolean])[])(
  '%s',
  (_what, kind, encodePlan, isExpress) => {
    expect(urgencyOf(kind, encodePlan) >= EXPRESS_URGENCY).toBe(isExpress);
  },
);

it('what makes a video playable comes before what improves it, and a short ladder before a long one', () => {
  const short = urgencyOf('ladder', plan(LADDER, 20));
  expect([short, URGENCY.ladder, URGENCY['first-rendition'], URGENCY.remux].sort()).toEqual([
    URGENCY.ladder,
    short,
    URGENCY['first-rendition'],
    URGENCY.remux,
  ]);
  expect(URGENCY.inspect).toBeGreaterThanOrEqual(EXPRESS_URGENCY);
});
