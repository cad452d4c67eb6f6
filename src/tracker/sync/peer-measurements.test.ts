/** What one tracker tells another of its viewers, and what the other makes of it. */
import { expect, test } from 'vitest';
import type { SiteId } from '../../protocol/ids.ts';
import { measurementSummarySchema } from '../../protocol/peer-measurements.ts';
import { makeSiteTable } from '../choice/sites.ts';
import { createLearning } from '../reports/report-ingestion.ts';
import { NetworkMemory } from '../memory/network-memory.ts';
import { SiteEvidence } from '../reports/site-evidence.ts';

const idOf = (n: number): SiteId => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}` as SiteId;
const [one, two] = [idOf(1), idOf(2)];
const table = makeSiteTable([1, 2].map(n => ({ id: idOf(n), name: `Site ${n}`, active: true })));
const whereOf = (n: number) => ({ prefix: `10.1.${n}.0/24`, area: '10.1.0.0/16' });
const NOW_MS = 1_700_000_000_000;

function makeTracker() {
  const memory = new NetworkMemory();
  const evidence = new SiteEvidence();
  const turned: [SiteId, boolean][] = [];
  const learning = createLearning({
    memory,
    evidence,
    isSite: site => site === one || site === two,
    siteAt: () => undefined,
    isUp: () => true,
    onEvidence: (site, failed) => void turned.push([site, failed]),
  });
  return { memory, evidence, learning, turned };
}

test('networks whose viewers fail at a site are evidence to the other trackers, for as long as to this one', () => {
  const [here, there] = [makeTracker(), makeTracker()];
  for (const network of [1, 2, 3]) {
    here.memory.note(whereOf(network), 1, { site: two, bps: 8e6, weight: 1 }, NOW_MS - 1_000);
    here.memory.note(whereOf(network), 1, { site: one, failed: true, weight: 1 }, NOW_MS);
  }
  const tell = (nowMs: number, sinceMs = 0) => [...here.memory.summaries(sinceMs, nowMs, 500)];
  const told = tell(NOW_MS + 2_000).map(summary => measurementSummarySchema.parse(summary));
  expect(told.filter(({ failedAgoMs }) => failedAgoMs !== undefined).map(({ site }) => site)).toEqual(
    Array(3).fill(one),
  );

  const nowMs = NOW_MS + 4_000;
  const aged = told.map(each => ({
    ...each,
    ageMs: each.ageMs + 2_000,
    failedAgoMs: each.failedAgoMs === undefined ? undefined : each.failedAgoMs + 2_000,
  }));
  there.memory.absorb('here', aged, nowMs);
  for (const summary of aged) there.learning.heard(summary, nowMs);
  expect(there.evidence.failureShare(one, nowMs)).toBe(1);
  expect(there.evidence.failureShare(two, nowMs)).toBe(0);
  expect(there.turned).toContainEqual([one, true]);
  expect(there.evidence.failureShare(one, NOW_MS + 15_001)).toBe(0);
  // A failure alone says nothing of a line, and nothing is told back.
  expect(
    there.memory.network(whereOf(1), undefined, table, nowMs).measured.map(({ index }) => index),
  ).toEqual([1]);
  expect([...there.memory.summaries(0, nowMs, 500)]).toEqual([]);

  // Told once, until there is more; and no failure that is over.
  expect(tell(NOW_MS + 5_000, NOW_MS + 2_000)).toEqual([]);
  expect(tell(NOW_MS + 30_000).every(({ failedAgoMs }) => failedAgoMs === undefined)).toBe(true);
});

test('what was heard here later stands; of sites that are none here nothing is heard', () => {
  const { evidence, learning } = makeTracker();
  const failed = { site: one, area: '10.1.0.0/16', weight: 0, ageMs: 3_000, failedAgoMs: 3_000 };
  for (const network of [1, 2, 3, 4]) {
    const { prefix } = whereOf(network);
    learning.heard({ ...failed, prefix }, NOW_MS);
    learning.heard({ ...failed, prefix, site: idOf(9) }, NOW_MS);
  }
  expect(evidence.failureShare(one, NOW_MS)).toBe(1);
  expect(evidence.failureShare(idOf(9), NOW_MS)).toBe(0);
  // It works again for one; what another tracker heard before that changes nothing.
  const { prefix } = whereOf(1);
  learning.heard({ ...failed, prefix, ageMs: 1_000, failedAgoMs: undefined }, NOW_MS);
  learning.heard({ ...failed, prefix }, NOW_MS);
  expect(evidence.failureShare(one, NOW_MS)).toBe(0.75);
});

test('a network where viewers begin and nobody speaks is kept as long as one where somebody does', () => {
  const memory = new NetworkMemory({ maxPrefixes: 3, forgetMs: 3_600_000 });
  memory.noteViewer(whereOf(1), NOW_MS);
  memory.note(whereOf(2), 1, { site: one, bps: 8e6, weight: 1 }, NOW_MS + 1);
  for (let s = 0; s < 3_600; s += 30) memory.noteViewer(whereOf(1), NOW_MS + s * 1_000);
  memory.noteViewer(whereOf(3), NOW_MS + 3_500_000);
  memory.sweep(NOW_MS + 3_700_000);
  const prefixes = () => memory.viewers(NOW_MS + 3_700_000).map(({ where }) => where.prefix);
  expect(prefixes()).toEqual([whereOf(1).prefix, whereOf(3).prefix]);
  expect(memory.prefixCount).toBe(2);
  memory.noteViewer(whereOf(4), NOW_MS + 3_700_000);
  memory.noteViewer(whereOf(5), NOW_MS + 3_700_001);
  expect(memory.prefixCount).toBe(3);
});
