/** Rogue clients: nobody who reports from a few networks can move the viewers of other networks, whatever and however they report. */
import { describe, expect, test } from 'vitest';
import { type SiteId, siteIdSchema } from '../../protocol/base/ids.ts';
import { choose, isWorthSwitching, type Question, type RankingState, rank } from '../choice/choose.ts';
import { makePriors } from '../choice/prior.ts';
import { makeSiteTable, SiteStates } from '../choice/sites.ts';
import type { Client } from '../client/client.ts';
import { prefixOf, reporterIdOf, widerNetworkOf } from '../client/network-prefix.ts';
import { createSessions } from '../client/sessions.ts';
import { NetworkMemory } from '../memory/network-memory.ts';
import { createReportIngestion } from './report-ingestion.ts';
import { SiteEvidence } from './site-evidence.ts';

const NOW_MS = 1_700_000_000_000;
const siteId = (n: number): SiteId => siteIdSchema.parse(`00000000-0000-7000-8000-00000000000${n}`);
const [good, rival] = [siteId(1), siteId(2)];
const table = makeSiteTable(
  [good, rival].map((id, n) => ({
    ...{ id, name: `Site ${n}`, active: true, zone: [] },
    // The rival is slightly farther from the viewers.
    coordinates: { latitude: 30, longitude: 120 + n },
  })),
);
const place = { coordinates: { latitude: 30, longitude: 120 } };

const clientAt = (address: string): Client => {
  const prefix = prefixOf(address) ?? '';
  return {
    ...place,
    network: { prefix, widerNetwork: widerNetworkOf(prefix) },
    reporterId: reporterIdOf(address, 'key'),
  };
};

function makeTracker() {
  const memory = new NetworkMemory();
  const evidence = new SiteEvidence();
  const sessions = createSessions(Buffer.alloc(32));
  let isProbeFailing = false;
  const ingestion = createReportIngestion({
    ...{ memory, evidence },
    isSite: () => true,
    siteAt: () => undefined,
    isUp: () => true,
    onEvidence: () => {},
  });
  const report = (address: string, atMs: number, ...results: readonly object[]): void => {
    const client = clientAt(address);
    const session = sessions.start(client.network?.prefix ?? '', atMs);
    ingestion.beacon(session, client, { current: undefined, results: results as never }, atMs);
  };
  const decide = (address: string, nowMs: number) => {
    const states = new SiteStates(table);
    for (const [index, site] of [good, rival].entries()) {
      states.set(index, {
        ...{ up: true, degraded: false, activeResponses: 0, egressBps: 0 },
        failureShare: evidence.failureShare(site, isProbeFailing && site === good, nowMs),
      });
    }
    const state: RankingState = { table, states, policy: 'auto' };
    const client = clientAt(address);
    const question: Question = {
      client,
      holding: { full: [0, 1], partial: [] },
      bitrateBps: 4e6,
      hash: 1,
      network: memory.estimatesFor(client, table, nowMs),
      priors: makePriors(table, place, 'auto'),
    };
    const [first] = choose(state, question, 2);
    const ranked = rank(state, question, [0, 1]);
    const scoreOf = (index: number) => ({ score: ranked.find(each => each.index === index)?.score ?? 0 });
    return {
      first: table.facts[first?.index ?? -1]?.id,
      // A session that is moved by the smallest gain.
      isMoved: isWorthSwitching(scoreOf(1), scoreOf(0), 0),
    };
  };
  return {
    ...{ memory, evidence, report, decide },
    failProbes: () => {
      isProbeFailing = true;
    },
  };
}

const segment = (site: SiteId, bps: number) => ({ site, kind: 'segment', bps });
const failed = (site: SiteId) => ({ site, kind: 'segment', failed: true });

/** All of them in one /32 or /16, and in networks of others. */
const rogueNetworks = {
  'three /48 networks of one provider': ['2001:db8:a::1', '2001:db8:b::1', '2001:db8:c::1'],
  'three /48 networks of three providers': ['2001:db8:a::1', '2001:db9:a::1', '2001:dba:a::1'],
  'three /24 networks': ['10.9.1.1', '10.9.2.1', '10.9.3.1'],
  'three /24 networks of three providers': ['10.9.1.1', '11.9.2.1', '12.9.3.1'],
  'a mix of seven networks': [
    '10.9.1.1',
    '11.9.2.1',
    '12.9.3.1',
    '13.9.1.1',
    '2001:db8:a::1',
    '2001:db9::1',
    '2001:dba::1',
  ],
} as const;

/** 30 viewers: neighbours of the rogue, in its provider's network, and elsewhere. */
const viewers = Array.from({ length: 30 }, (_, n) =>
  n % 3 === 0 ? `2001:db8:${100 + n}::7` : n % 3 === 1 ? `10.9.${100 + n}.7` : `172.16.${n}.7`,
);

const attacks: Readonly<
  Record<string, (tracker: ReturnType<typeof makeTracker>, address: string, atMs: number) => void>
> = {
  failures: ({ report }, address, atMs) => report(address, atMs, failed(good)),
  'low rates of the site and high ones of its rival': ({ report }, address, atMs) =>
    report(address, atMs, segment(good, 9_000), segment(rival, 9e9)),
  'everything at once, from many addresses': ({ report }, address, atMs) => {
    for (let n = 0; n < 8; n++) {
      const each = address.includes(':')
        ? address.replace(/::1$/, `:${n}::1`)
        : address.replace(/\d+$/, String(n + 1));
      report(each, atMs, failed(good), segment(good, 9_000), segment(rival, 9e9));
    }
  },
};

describe.each(Object.entries(rogueNetworks))('one host that reports from %s', (_, addresses) => {
  test.each(Object.entries(attacks))('moves none of 30 other viewers: %s', (__, attack) => {
    for (const areMeasured of [true, false]) {
      const tracker = makeTracker();
      // A slow drip over ten minutes, with what the others measure in between.
      for (let s = 0; s < 600; s += 10) {
        const atMs = NOW_MS + s * 1_000;
        for (const address of addresses) attack(tracker, address, atMs);
        if (areMeasured && s % 30 === 0) {
          for (const viewer of viewers) tracker.report(viewer, atMs, segment(good, 2e7));
        }
        if (s % 120 !== 0 && s !== 590) continue;
        for (const viewer of viewers) {
          expect([viewer, tracker.decide(viewer, atMs)]).toEqual([viewer, { first: good, isMoved: false }]);
        }
      }
    }
  });
});

test('its own reports move the client itself', () => {
  const tracker = makeTracker();
  tracker.report('10.9.1.1', NOW_MS, failed(good), segment(rival, 2e7));
  expect(tracker.decide('10.9.1.1', NOW_MS + 1_000).first).toBe(rival);
});

test('the failures of three networks count once the tracker’s own probe fails, too', () => {
  const tracker = makeTracker();
  for (const address of ['10.9.1.1', '11.9.2.1', '12.9.3.1']) tracker.report(address, NOW_MS, failed(good));
  expect(tracker.decide('172.16.3.7', NOW_MS + 1_000).first).toBe(good);
  tracker.failProbes();
  expect(tracker.decide('172.16.3.7', NOW_MS + 1_000).first).toBe(rival);
});

test('most of many independent networks may contradict the tracker’s probes', () => {
  const tracker = makeTracker();
  for (let n = 0; n < 8; n++) tracker.report(`${20 + n}.1.1.1`, NOW_MS, failed(good));
  expect(tracker.decide('172.16.3.7', NOW_MS + 1_000).first).toBe(rival);
  for (let n = 0; n < 8; n++) tracker.report(`${40 + n}.1.1.1`, NOW_MS, segment(good, 2e7));
  expect(tracker.decide('172.16.3.7', NOW_MS + 1_000).first).toBe(good);
});
