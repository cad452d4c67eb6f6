/**
 * Every change that is reported is applied to the sites: it must change the decision, and a slightly smaller change
 * must not.
 */
import { describe, expect, test } from 'vitest';
import type { SiteId } from '../../protocol/base/ids.ts';
import type { RankChange } from '../../protocol/tracker.ts';
import { findRankChanges } from './changes.ts';
import { type Holding, type Measured, type Question, type RankingState, rank } from './choose.ts';
import { makePriors } from './prior.ts';
import { makeSiteTable, type SiteFacts, SiteStates } from './sites.ts';

const idOf = (n: number): SiteId => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}` as SiteId;
const BITRATE_BPS = 2_000_000;
const ALL = [0, 1, 2, 3];

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

interface Case {
  readonly sites: readonly SiteFacts[];
  readonly holding: Holding;
  /** The measurements have so much weight that they are the expectation. */
  readonly bps: readonly number[];
}

function makeCase(seed: number): Case {
  const next = random(seed);
  const sites = ALL.map(n => ({
    id: idOf(n),
    name: `Site ${n}`,
    active: true,
    weight: 0.5 + next(),
    failoverOrder: seed % 2 ? n : 0,
  }));
  return {
    sites,
    holding: { full: [seed % 4, (seed + 1) % 4], partial: [(seed + 2) % 4] },
    bps: ALL.map(() => 10 ** (6 + 2 * next())),
  };
}

function ask({ sites, holding, bps }: Case): {
  state: RankingState;
  question: Question;
  order: readonly number[];
  changesOf(index: number): readonly RankChange[];
} {
  const table = makeSiteTable(sites);
  const states = new SiteStates(table);
  for (const index of ALL)
    states.set(index, { up: true, degraded: false, activeResponses: 0, egressBps: 0, failureShare: 0 });
  const state: RankingState = { table, states, policy: 'auto' };
  const indexOf = (n: number): number => table.indexOf.get(idOf(n)) ?? -1;
  const measured = bps.map(
    (each, n): Measured => ({
      index: indexOf(n),
      logBps: Math.log(each),
      weight: 1e9,
      ageMs: 0,
      failing: false,
    }),
  );
  const question: Question = {
    client: {},
    holding: { full: holding.full.map(indexOf), partial: holding.partial.map(indexOf) },
    bitrateBps: BITRATE_BPS,
    hash: 12_345,
    network: { measured, accessLinkLogBps: Number.POSITIVE_INFINITY },
    priors: makePriors(table, {}, 'auto'),
  };
  const picks = rank(state, question, ALL);
  const siteOf = (index: number): number => Number(table.facts[index]?.id.slice(-4));
  return {
    state,
    question,
    order: picks.map(({ index }) => siteOf(index)),
    changesOf: n => findRankChanges(state, question, picks, indexOf(n)),
  };
}
const withBps = (one: Case, site: number, bps: number): Case => ({
  ...one,
  bps: one.bps.map((each, n) => (n === site ? bps : each)),
});
const withWeight = (one: Case, site: number, times: number): Case => ({
  ...one,
  sites: one.sites.map((each, n) => (n === site ? { ...each, weight: (each.weight ?? 1) * times } : each)),
});

describe('what would change a decision', () => {
  const cases = Array.from({ length: 200 }, (_, seed) => makeCase(seed + 1));
  const found = { falls: 0, rises: 0, beyondEnough: 0, heavier: 0, held: 0 };

  test('the reported throughput changes the first rank, and slightly less does not', () => {
    for (const one of cases) {
      const { order, changesOf } = ask(one);
      for (const site of ALL) {
        for (const { code, figures } of changesOf(site)) {
          const needed = figures?.neededBps ?? 0;
          const firstWith = (bps: number): number | undefined => ask(withBps(one, site, bps)).order[0];
          if (code === 'rises') {
            expect(firstWith(needed)).toBe(site);
            expect(firstWith(needed * 0.98)).toBe(order[0]);
            found.rises++;
            found.beyondEnough += Number(needed > 4 * BITRATE_BPS);
          } else if (code === 'falls') {
            expect(firstWith(needed)).toBe(order[1]);
            expect(firstWith(needed * 1.02)).toBe(site);
            found.falls++;
            found.beyondEnough += Number(needed > 4 * BITRATE_BPS);
          }
        }
      }
    }
    expect(found.falls).toBeGreaterThan(100);
    expect(found.rises).toBeGreaterThan(100);
    expect(found.beyondEnough).toBeGreaterThan(100);
  });

  test('the reported weight changes the first rank, and slightly less does not', () => {
    for (const one of cases) {
      const { order, changesOf } = ask(one);
      for (const site of ALL) {
        const times = changesOf(site).find(({ code }) => code === 'raise-weight')?.figures?.weight;
        if (times === undefined) continue;
        expect(ask(withWeight(one, site, times)).order[0]).toBe(site);
        expect(ask(withWeight(one, site, times * 0.98)).order[0]).toBe(order[0]);
        found.heavier++;
      }
    }
    expect(found.heavier).toBeGreaterThan(100);
  });

  test('holding the video is reported only where it would suffice', () => {
    for (const one of cases) {
      const { changesOf } = ask(one);
      for (const site of ALL.filter(each => !one.holding.full.includes(each))) {
        const changes = changesOf(site);
        if (changes.some(({ code }) => code === 'falls' || code === 'falls-never')) continue;
        const { full, partial } = one.holding;
        const holding = { full: [...full, site], partial: partial.filter(each => each !== site) };
        const isFirst = ask({ ...one, holding }).order[0] === site;
        expect(changes.some(({ code }) => code === 'hold-video')).toBe(isFirst);
        found.held += Number(isFirst);
      }
    }
    expect(found.held).toBeGreaterThan(0);
  });

  test('no throughput is reported where none would change the decision', () => {
    const sites = ALL.map(n => ({ id: idOf(n), name: `Site ${n}`, active: true, drained: n > 0 }));
    const { changesOf } = ask({ sites, holding: { full: ALL, partial: [] }, bps: [1e5, 9e7, 9e7, 9e7] });
    expect(changesOf(0).map(({ code }) => code)).toEqual(['falls-never']);
    expect(changesOf(1).map(({ code }) => code)).toEqual(['end-drain']);
  });
});
