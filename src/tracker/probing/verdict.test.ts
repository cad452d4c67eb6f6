import { describe, expect, test } from 'vitest';
import {
  afterFailure,
  afterGood,
  proofMs,
  restored,
  suspectsItself,
  UNKNOWN_VERDICT,
  type Verdict,
} from './verdict.ts';

const good = (verdict: Verdict, atMs: number) => afterGood(verdict, atMs);
const bad = (verdict: Verdict, atMs: number, isUnreachable = true) =>
  afterFailure(verdict, isUnreachable, atMs);
const fall = (verdict: Verdict, atMs: number) => bad(bad(verdict, atMs), atMs + 200);

test('one failure is forgiven, two in a row are not, one good answer brings a site back', () => {
  let verdict = good(UNKNOWN_VERDICT, 0);
  expect(verdict.up).toBe(true);
  verdict = bad(verdict, 1_000);
  expect(verdict).toMatchObject({ up: true, failures: 1 });
  expect(good(verdict, 1_200)).toMatchObject({ up: true, failures: 0 });
  verdict = bad(verdict, 1_200);
  expect(verdict.up).toBe(false);
  expect(good(verdict, 2_200).up).toBe(true);
});

test('a site that flaps has to prove itself for longer each time, and is forgiven in the end', () => {
  let verdict = good(UNKNOWN_VERDICT, 0);
  const proofs = [];
  let nowMs = 0;
  for (let n = 0; n < 8; n++) {
    verdict = fall(verdict, nowMs);
    proofs.push(proofMs(verdict.falls, nowMs));
    nowMs += 300;
    verdict = good(verdict, nowMs);
    const proof = proofMs(verdict.falls, nowMs);
    expect(verdict.up).toBe(proof === 0);
    nowMs += proof;
    verdict = good(verdict, nowMs);
    expect(verdict.up).toBe(true);
  }
  expect(proofs).toEqual([0, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
  expect(proofMs(verdict.falls, nowMs + 400_000)).toBe(0);
});

test('a failure in the proof begins it anew', () => {
  const twice = fall(good(fall(good(UNKNOWN_VERDICT, 0), 100), 1_000), 2_000);
  const proving = good(twice, 3_000);
  expect(proving.up).toBe(false);
  const again = good(bad(proving, 4_000), 4_900);
  expect(good(again, 6_000).up).toBe(false);
  expect(good(again, 6_900).up).toBe(true);
});

describe('the tracker suspects itself', () => {
  const up = good(UNKNOWN_VERDICT, 0);
  test('when all that were up cannot be reached, some of them fallen a moment ago', () => {
    const fallen = fall(up, 1_000);
    expect(suspectsItself([bad(up, 1_000), fallen], 1_500)).toBe(true);
    expect(restored(fallen, 1_500)).toMatchObject({ up: true, falls: [] });
  });
  test('not while one answers, nor where they refuse, nor of one site alone', () => {
    expect(suspectsItself([bad(up, 1_000), up], 1_500)).toBe(false);
    expect(suspectsItself([bad(up, 1_000), bad(up, 1_000, false)], 1_500)).toBe(false);
    expect(suspectsItself([bad(up, 1_000)], 1_500)).toBe(false);
    expect(suspectsItself([], 1_500)).toBe(false);
  });
  test('a site that fell long before has no part in it', () => {
    const longDown = fall(up, 1_000);
    expect(suspectsItself([longDown, bad(up, 60_000), bad(up, 60_000)], 60_100)).toBe(true);
    expect(suspectsItself([longDown, bad(up, 60_000)], 60_100)).toBe(false);
    expect(restored(longDown, 60_100).up).toBe(false);
  });
});
