/** What a tracker sends to other trackers, and how they use it. */
import { expect, test } from 'vitest';
import type { SiteId } from '../../protocol/base/ids.ts';
import { measurementSummarySchema } from '../../protocol/peer-measurements.ts';
import { makeSiteTable } from '../choice/sites.ts';
import { NetworkMemory } from '../memory/network-memory.ts';
import { createReportIngestion } from '../reports/report-ingestion.ts';
import { SiteEvidence } from '../reports/site-evidence.ts';

const idOf = (n: number): SiteId => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}` as SiteId;
const [one, two] = [idOf(1), idOf(2)];
const table = makeSiteTable([1, 2].map(n => ({ id: idOf(n), name: `Site ${n}`, active: true })));
const networkOf = (n: number) => ({ prefix: `10.1.${n}.0/24`, widerNetwork: '10.1.0.0/16' });
const NOW_MS = 1_700_000_000_000;

function makeTracker() {
  const memory = new NetworkMemory();
  const evidence = new SiteEvidence();
  const changes: [SiteId, boolean][] = [];
  const ingestion = createReportIngestion({
    memory,
    evidence,
    isSite: site => site === one || site === two,
    siteAt: () => undefined,
    isUp: () => true,
    onEvidence: (site, failed) => void changes.push([site, failed]),
  });
  return { memory, evidence, ingestion, changes };
}

test('failing networks are evidence for the other trackers, for as long as for this one', () => {
  const [here, there] = [makeTracker(), makeTracker()];
  for (const network of [1, 2, 3]) {
    here.memory.record(networkOf(network), 1, { site: two, bps: 8e6, weight: 1 }, NOW_MS - 1_000);
    here.memory.record(networkOf(network), 1, { site: one, failed: true, weight: 1 }, NOW_MS);
  }
  const send = (nowMs: number, sinceMs = 0) => [...here.memory.summaries(sinceMs, nowMs, 500)];
  const reported = send(NOW_MS + 2_000).map(summary => measurementSummarySchema.parse(summary));
  expect(reported.filter(({ failedAgoMs }) => failedAgoMs !== undefined).map(({ site }) => site)).toEqual(
    Array(3).fill(one),
  );

  const nowMs = NOW_MS + 4_000;
  const aged = reported.map(each => ({
    ...each,
    ageMs: each.ageMs + 2_000,
    failedAgoMs: each.failedAgoMs === undefined ? undefined : each.failedAgoMs + 2_000,
  }));
  there.memory.absorb('here', aged, nowMs);
  for (const summary of aged) there.ingestion.peerMeasurement(summary, nowMs);
  expect(there.evidence.failureShare(one, true, nowMs)).toBe(1);
  expect(there.evidence.failureShare(two, true, nowMs)).toBe(0);
  expect(there.changes).toContainEqual([one, true]);
  expect(there.evidence.failureShare(one, true, NOW_MS + 15_001)).toBe(0);
  // A failure is no throughput sample, and nothing is sent back.
  expect(
    there.memory.estimatesFor({ network: networkOf(1) }, table, nowMs).measured.map(({ index }) => index),
  ).toEqual([1]);
  expect([...there.memory.summaries(0, nowMs, 500)]).toEqual([]);

  // Each sample is sent once, and failures that have expired are not sent.
  expect(send(NOW_MS + 5_000, NOW_MS + 2_000)).toEqual([]);
  expect(send(NOW_MS + 30_000).every(({ failedAgoMs }) => failedAgoMs === undefined)).toBe(true);
});

test('newer local outcomes win; reports on unknown sites are ignored', () => {
  const { evidence, ingestion } = makeTracker();
  const failed = { site: one, widerNetwork: '10.1.0.0/16', weight: 0, ageMs: 3_000, failedAgoMs: 3_000 };
  for (const network of [1, 2, 3, 4]) {
    const { prefix } = networkOf(network);
    ingestion.peerMeasurement({ ...failed, prefix }, NOW_MS);
    ingestion.peerMeasurement({ ...failed, prefix, site: idOf(9) }, NOW_MS);
  }
  expect(evidence.failureShare(one, true, NOW_MS)).toBe(1);
  expect(evidence.failureShare(idOf(9), true, NOW_MS)).toBe(0);
  // The site works again for one network. An older report of another tracker changes nothing.
  const { prefix } = networkOf(1);
  ingestion.peerMeasurement({ ...failed, prefix, ageMs: 1_000, failedAgoMs: undefined }, NOW_MS);
  ingestion.peerMeasurement({ ...failed, prefix }, NOW_MS);
  expect(evidence.failureShare(one, true, NOW_MS)).toBe(0.75);
});

test('a network with viewers but without samples is kept as long as one with samples', () => {
  const memory = new NetworkMemory({ maxPrefixes: 3, forgetMs: 3_600_000 });
  memory.recordViewer(networkOf(1), NOW_MS);
  memory.record(networkOf(2), 1, { site: one, bps: 8e6, weight: 1 }, NOW_MS + 1);
  for (let s = 0; s < 3_600; s += 30) memory.recordViewer(networkOf(1), NOW_MS + s * 1_000);
  memory.recordViewer(networkOf(3), NOW_MS + 3_500_000);
  memory.sweep(NOW_MS + 3_700_000);
  const prefixes = () => memory.viewers(NOW_MS + 3_700_000).map(({ network }) => network.prefix);
  expect(prefixes()).toEqual([networkOf(1).prefix, networkOf(3).prefix]);
  expect(memory.prefixCount).toBe(2);
  memory.recordViewer(networkOf(4), NOW_MS + 3_700_000);
  memory.recordViewer(networkOf(5), NOW_MS + 3_700_001);
  expect(memory.prefixCount).toBe(3);
});
