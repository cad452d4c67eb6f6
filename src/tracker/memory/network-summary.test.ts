import { expect, test } from 'vitest';
import type { SiteId } from '../../protocol/base/ids.ts';
import { makeSiteTable } from '../choice/sites.ts';
import { NetworkMemory } from './network-memory.ts';

const idOf = (n: number): SiteId => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}` as SiteId;
const table = makeSiteTable([0, 1, 2].map(n => ({ id: idOf(n), name: `Site ${n}`, active: true })));
const where = { prefix: '10.1.2.0/24', widerNetwork: '10.1.0.0/16' };
const NOW_MS = 1_700_000_000_000;

function filled(): NetworkMemory {
  const memory = new NetworkMemory();
  for (const reporter of [1, 2, 3, 4]) {
    for (const [site, bps] of [20e6, 8e6].entries())
      memory.record(
        where,
        reporter,
        { site: idOf(site), bps: bps * (1 + reporter / 10), rttMs: 9 + reporter, weight: 1 },
        NOW_MS + reporter,
      );
  }
  for (const neighbour of [3, 4, 5])
    memory.record(
      { prefix: `10.1.${neighbour}.0/24`, widerNetwork: where.widerNetwork },
      9,
      { site: idOf(2), bps: 4e6, weight: 1 },
      NOW_MS,
    );
  return memory;
}
const round = ({ measured, accessLinkLogBps }: ReturnType<NetworkMemory['estimatesFor']>) => ({
  accessLink: Number(accessLinkLogBps.toFixed(6)),
  measured: measured
    .map(each => ({
      ...each,
      logBps: Number(each.logBps.toFixed(6)),
      weight: Number(each.weight.toFixed(6)),
    }))
    .sort((a, b) => a.index - b.index),
});

test('the estimate for a new viewer does not depend on when the summary was made', () => {
  const warm = filled();
  warm.estimatesFor({ network: where, reporterId: 77 }, table, NOW_MS + 10_000);
  const later = NOW_MS + 60_000;
  const estimated = warm.estimatesFor({ network: where, reporterId: 77 }, table, later);
  expect(estimated.measured).toHaveLength(3);
  expect(round(estimated)).toEqual(
    round(filled().estimatesFor({ network: where, reporterId: 77 }, table, later)),
  );
});

test('a new sample takes effect at once', () => {
  const memory = filled();
  const before = memory.estimatesFor({ network: where, reporterId: 77 }, table, NOW_MS + 10_000);
  for (const reporter of [1, 2, 3, 4])
    memory.record(where, reporter, { site: idOf(0), bps: 1e6, weight: 1 }, NOW_MS + 10_001);
  const after = memory.estimatesFor({ network: where, reporterId: 77 }, table, NOW_MS + 10_002);
  const logOf = ({ measured }: typeof before) => measured.find(({ index }) => index === 0)?.logBps ?? 0;
  expect(logOf(after)).toBeLessThan(logOf(before) - 1);
});

test('samples of neighbouring networks take effect within two seconds', () => {
  const memory = filled();
  const other = { prefix: '10.1.99.0/24', widerNetwork: where.widerNetwork };
  const weightAt = (nowMs: number) =>
    memory
      .estimatesFor({ network: other, reporterId: 77 }, table, nowMs)
      .measured.find(({ index }) => index === 1)?.weight ?? 0;
  const before = weightAt(NOW_MS + 10_000);
  for (const neighbour of [6, 7, 8, 9, 10]) {
    const there = { prefix: `10.1.${neighbour}.0/24`, widerNetwork: where.widerNetwork };
    memory.record(there, 9, { site: idOf(1), bps: 4e6, weight: 1 }, NOW_MS + 10_001);
  }
  expect(weightAt(NOW_MS + 11_000)).toBeLessThanOrEqual(before);
  expect(weightAt(NOW_MS + 12_000)).toBeGreaterThan(before);
});

test('one failure counts for its reporter, two count for everybody, both for a limited time', () => {
  const memory = filled();
  const failing = (reporterId: number, nowMs: number) =>
    memory
      .estimatesFor({ network: where, reporterId }, table, nowMs)
      .measured.find(({ index }) => index === 0)?.failing;
  memory.record(where, 1, { site: idOf(0), failed: true, weight: 1 }, NOW_MS + 1_000);
  expect([failing(1, NOW_MS + 1_001), failing(77, NOW_MS + 1_001)]).toEqual([true, false]);
  memory.record(where, 2, { site: idOf(0), failed: true, weight: 1 }, NOW_MS + 2_000);
  expect(failing(77, NOW_MS + 2_001)).toBe(true);
  expect(failing(77, NOW_MS + 20_999)).toBe(true);
  expect(failing(77, NOW_MS + 21_000)).toBe(false);
});

test('one other reporter is ignored, two have a low weight, and own samples always count', () => {
  const memory = new NetworkMemory();
  const report = (reporter: number, site: number, bps: number) =>
    memory.record(where, reporter, { site: idOf(site), bps, weight: 1 }, NOW_MS);
  report(1, 0, 40e6);
  report(1, 1, 4e6);
  const weightOf = (reporterId: number) =>
    memory
      .estimatesFor({ network: where, reporterId }, table, NOW_MS + 1)
      .measured.find(({ index }) => index === 1)?.weight ?? 0;
  expect(weightOf(77)).toBe(0);
  expect(weightOf(1)).toBeGreaterThan(1.9);
  report(2, 0, 40e6);
  report(2, 1, 4e6);
  expect(weightOf(77)).toBeCloseTo(0.5, 3);
  // The reported share is a tenth of the access link, but two reporters are clamped to a half.
  const estimated = memory.estimatesFor({ network: where, reporterId: 77 }, table, NOW_MS + 1);
  const logs = estimated.measured.map(({ logBps }) => logBps);
  expect(Math.max(...logs) - Math.min(...logs)).toBeCloseTo(Math.LN2, 3);
});
