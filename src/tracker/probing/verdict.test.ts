import { describe, expect, test } from 'vitest';
import {
  afterFailure,
  afterSuccess,
  isSelfIsolated,
  recoveryMs,
  UNKNOWN_VERDICT,
  type Verdict,
  withoutLastFlap,
} from './verdict.ts';

const good = (verdict: Verdict, atMs: number) => afterSuccess(verdict, atMs);
const bad = (verdict: Verdict, atMs: number, isUnreachable = true) =>
  afterFailure(verdict, isUnreachable, atMs);
const goDown = (verdict: Verdict, atMs: number) => bad(bad(verdict, atMs), atMs + 200);

test('one failure is tolerated, two in a row take a site down, one success brings it back', () => {
  let verdict = good(UNKNOWN_VERDICT, 0);
  expect(verdict.up).toBe(true);
  verdict = bad(verdict, 1_000);
  expect(verdict).toMatchObject({ up: true, failures: 1 });
  expect(good(verdict, 1_200)).toMatchObject({ up: true, failures: 0 });
  verdict = bad(verdict, 1_200);
  expect(verdict.up).toBe(false);
  expect(good(verdict, 2_200).up).toBe(true);
});

test('a site that flaps must recover for longer each time, and outages expire', () => {
  let verdict = good(UNKNOWN_VERDICT, 0);
  const recoveries = [];
  let nowMs = 0;
  for (let n = 0; n < 8; n++) {
    verdict = goDown(verdict, nowMs);
    recoveries.push(recoveryMs(verdict.flaps, nowMs));
    nowMs += 300;
    verdict = good(verdict, nowMs);
    const recovery = recoveryMs(verdict.flaps, nowMs);
    expect(verdict.up).toBe(recovery === 0);
    nowMs += recovery;
    verdict = good(verdict, nowMs);
    expect(verdict.up).toBe(true);
  }
  expect(recoveries).toEqual([0, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
  expect(recoveryMs(verdict.flaps, nowMs + 400_000)).toBe(0);
});

test('a failure during the recovery restarts it', () => {
  const twice = goDown(good(goDown(good(UNKNOWN_VERDICT, 0), 100), 1_000), 2_000);
  const recovering = good(twice, 3_000);
  expect(recovering.up).toBe(false);
  const again = good(bad(recovering, 4_000), 4_900);
  expect(good(again, 6_000).up).toBe(false);
  expect(good(again, 6_900).up).toBe(true);
});

describe('the tracker is isolated', () => {
  const up = good(UNKNOWN_VERDICT, 0);
  test('when no site that was up can be reached, including those that just went down', () => {
    const down = goDown(up, 1_000);
    expect(isSelfIsolated([bad(up, 1_000), down], 1_500)).toBe(true);
    expect(withoutLastFlap(down, 1_500)).toMatchObject({ up: true, flaps: [] });
  });
  test('not while a site responds, nor if sites refuse, nor with only one site', () => {
    expect(isSelfIsolated([bad(up, 1_000), up], 1_500)).toBe(false);
    expect(isSelfIsolated([bad(up, 1_000), bad(up, 1_000, false)], 1_500)).toBe(false);
    expect(isSelfIsolated([bad(up, 1_000)], 1_500)).toBe(false);
    expect(isSelfIsolated([], 1_500)).toBe(false);
  });
  test('regardless of a site that went down long before', () => {
    const longDown = goDown(up, 1_000);
    expect(isSelfIsolated([longDown, bad(up, 60_000), bad(up, 60_000)], 60_100)).toBe(true);
    expect(isSelfIsolated([longDown, bad(up, 60_000)], 60_100)).toBe(false);
    expect(withoutLastFlap(longDown, 60_100).up).toBe(false);
  });
});
