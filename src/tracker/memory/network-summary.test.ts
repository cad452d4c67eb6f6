import { expect, test } from 'vitest';
import type { SiteId } from '../../protocol/ids.ts';
import { makeSiteTable } from '../choice/sites.ts';
import { NetworkMemory } from './network-memory.ts';

const idOf = (n: number): SiteId => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}` as SiteId;
const table = makeSiteTable([0, 1, 2].map(n => ({ id: idOf(n), name: `Site ${n}`, active: true })));
const where = { prefix: '10.1.2.0/24', area: '10.1.0.0/16' };
const NOW_MS = 1_700_000_000_000;

function filled(): NetworkMemory {
  const memory = new NetworkMemory();
  for (const voice of [1, 2, 3, 4]) {
    for (const [site, bps] of [20e6, 8e6].entries())
      memory.note(
        where,
        voice,
        { site: idOf(site), bps: bps * (1 + voice / 10), rttMs: 9 + voice, weight: 1 },
        NOW_MS + voice,
      );
  }
  for (const neighbour of [3, 4, 5])
    memory.note(
      { prefix: `10.1.${neighbour}.0/24`, area: where.area },
      9,
      { site: idOf(2), bps: 4e6, weight: 1 },
      NOW_MS,
    );
  return memory;
}
const round = ({ measured, lineLogBps }: ReturnType<NetworkMemory['network']>) => ({
  line: Number(lineLogBps.toFixed(6)),
  measured: measured
    .map(each => ({
      ...each,
      logBps: Number(each.logBps.toFixed(6)),
      weight: Number(each.weight.toFixed(6)),
    }))
    .sort((a, b) => a.index - b.index),
});

test('what a stranger hears is the same whether it was found now or long before', () => {
  const asked = filled();
  asked.network(where, 77, table, NOW_MS + 10_000);
  const later = NOW_MS + 60_000;
  const heard = asked.network(where, 77, table, later);
  expect(heard.measured).toHaveLength(3);
  expect(round(heard)).toEqual(round(filled().network(where, 77, table, later)));
});

test('as soon as somebody speaks, it is heard', () => {
  const memory = filled();
  const before = memory.network(where, 77, table, NOW_MS + 10_000);
  for (const voice of [1, 2, 3, 4])
    memory.note(where, voice, { site: idOf(0), bps: 1e6, weight: 1 }, NOW_MS + 10_001);
  const after = memory.network(where, 77, table, NOW_MS + 10_002);
  const logOf = ({ measured }: typeof before) => measured.find(({ index }) => index === 0)?.logBps ?? 0;
  expect(logOf(after)).toBeLessThan(logOf(before) - 1);
});

test('what neighbours say is heard two seconds later at most', () => {
  const memory = filled();
  const stranger = { prefix: '10.1.99.0/24', area: where.area };
  const weightAt = (nowMs: number) =>
    memory.network(stranger, 77, table, nowMs).measured.find(({ index }) => index === 1)?.weight ?? 0;
  const before = weightAt(NOW_MS + 10_000);
  for (const neighbour of [6, 7, 8]) {
    const there = { prefix: `10.1.${neighbour}.0/24`, area: where.area };
    memory.note(there, 9, { site: idOf(1), bps: 4e6, weight: 1 }, NOW_MS + 10_001);
  }
  expect(weightAt(NOW_MS + 11_000)).toBeLessThanOrEqual(before);
  expect(weightAt(NOW_MS + 12_000)).toBeGreaterThan(before);
});

test('one failure is believed by who had it, two by everybody, and for a while', () => {
  const memory = filled();
  const failing = (who: number, nowMs: number) =>
    memory.network(where, who, table, nowMs).measured.find(({ index }) => index === 0)?.failing;
  memory.note(where, 1, { site: idOf(0), failed: true, weight: 1 }, NOW_MS + 1_000);
  expect([failing(1, NOW_MS + 1_001), failing(77, NOW_MS + 1_001)]).toEqual([true, false]);
  memory.note(where, 2, { site: idOf(0), failed: true, weight: 1 }, NOW_MS + 2_000);
  expect(failing(77, NOW_MS + 2_001)).toBe(true);
  expect(failing(77, NOW_MS + 20_999)).toBe(true);
  expect(failing(77, NOW_MS + 21_000)).toBe(false);
});

test('one stranger is not heard, two count for little, and who has spoken hears itself', () => {
  const memory = new NetworkMemory();
  const say = (voice: number, site: number, bps: number) =>
    memory.note(where, voice, { site: idOf(site), bps, weight: 1 }, NOW_MS);
  say(1, 0, 40e6);
  say(1, 1, 4e6);
  const weightOf = (who: number) =>
    memory.network(where, who, table, NOW_MS + 1).measured.find(({ index }) => index === 1)?.weight ?? 0;
  expect(weightOf(77)).toBe(0);
  expect(weightOf(1)).toBeGreaterThan(1.9);
  say(2, 0, 40e6);
  say(2, 1, 4e6);
  expect(weightOf(77)).toBeCloseTo(0.5, 3);
  // Ten times less than its line, but two may not say more than half.
  const heard = memory.network(where, 77, table, NOW_MS + 1);
  const logs = heard.measured.map(({ logBps }) => logBps);
  expect(Math.max(...logs) - Math.min(...logs)).toBeCloseTo(Math.LN2, 3);
});
