import { describe, expect, test } from 'vitest';
import type { SiteId } from '../../protocol/base/ids.ts';
import { reasonSchema } from '../../protocol/tracker.ts';
import {
  type ClientLocation,
  choose,
  isWorthSwitching,
  type Measured,
  type Question,
  rank,
  UNMEASURED,
} from './choose.ts';
import { makePriors, POLICIES, type Policy } from './prior.ts';
import { reasonsOf } from './reasons.ts';
import { makeSiteTable, type SiteFacts, type SiteState, SiteStates } from './sites.ts';

const id = (n: number): SiteId => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}` as SiteId;
const [hangzhou, guangzhou, beijing] = [id(1), id(2), id(3)];
const places = {
  [hangzhou]: { latitude: 30.27, longitude: 120.15 },
  [guangzhou]: { latitude: 23.13, longitude: 113.26 },
  [beijing]: { latitude: 39.9, longitude: 116.4 },
} as Readonly<Record<SiteId, { latitude: number; longitude: number }>>;

type Site = SiteFacts & Partial<SiteState> & { readonly assignedBps?: number };
const site = (which: SiteId, changes: Partial<Site> = {}): Site => ({
  id: which,
  name: which,
  coordinates: places[which],
  active: true,
  up: true,
  activeResponses: 3,
  ...changes,
});
type ReportedSite = Partial<Omit<Measured, 'index' | 'logBps'>> & {
  readonly site: SiteId;
  readonly mbit: number;
};
interface Case {
  readonly policy: Policy;
  readonly client: ClientLocation;
  readonly holders: readonly SiteId[];
  readonly partial: readonly SiteId[];
  readonly sites: readonly Site[];
  readonly reported: readonly ReportedSite[];
  readonly accessLinkMbit: number;
  readonly bitrateBps: number;
  readonly hash: number;
}

const inZoneOf = (which: SiteId): ClientLocation => ({
  zone: { site: which, prefix: '10.1.0.0/16' },
  coordinates: places[which],
});
const filling = (which: SiteId): ClientLocation => ({ fillingSite: which, coordinates: places[which] });
const reported = (which: SiteId, mbit: number, changes: Partial<ReportedSite> = {}): ReportedSite => ({
  site: which,
  mbit,
  ...changes,
});

function ask(changes: Partial<Case>) {
  const all: Case = {
    policy: 'auto',
    client: {},
    holders: [guangzhou],
    partial: [],
    sites: [site(beijing), site(guangzhou), site(hangzhou)],
    reported: [],
    accessLinkMbit:
      Math.max(...(changes.reported ?? []).map(({ mbit }) => mbit), 0) || Number.POSITIVE_INFINITY,
    bitrateBps: 4e6,
    hash: 1,
    ...changes,
  };
  const table = makeSiteTable(all.sites);
  const states = new SiteStates(table);
  for (const each of all.sites) {
    const index = table.indexOf.get(each.id)!;
    states.set(index, {
      up: each.up ?? true,
      recovering: each.recovering,
      degraded: each.degraded ?? false,
      activeResponses: each.activeResponses ?? 0,
      egressBps: each.egressBps ?? 0,
      siteLimitBps: each.siteLimitBps,
      servesViewers: each.servesViewers,
      failureShare: each.failureShare ?? 0,
    });
    if (each.assignedBps) states.recordAssignment(index, each.assignedBps, 1_000);
  }
  const indexesOf = (ids: readonly SiteId[]) => ids.flatMap(each => table.indexOf.get(each) ?? []);
  const question: Question = {
    client: all.client,
    holding: { full: indexesOf(all.holders), partial: indexesOf(all.partial) },
    bitrateBps: all.bitrateBps,
    hash: all.hash,
    network: {
      measured: all.reported.map(({ site: which, mbit, ...more }) => ({
        index: table.indexOf.get(which)!,
        logBps: Math.log(mbit * 1e6),
        weight: 3,
        ageMs: 5_000,
        failing: false,
        ...more,
      })),
      accessLinkLogBps: Math.log(all.accessLinkMbit * 1e6),
    },
    priors: makePriors(table, all.client, all.policy),
  };
  return { state: { table, states, policy: all.policy }, question };
}
function order(changes: Partial<Case>, count = 8): readonly SiteId[] {
  const { state, question } = ask(changes);
  return choose(state, question, count).map(({ index }) => state.table.facts[index]!.id);
}

describe('the order', () => {
  const busy = { activeResponses: 150 };
  const noPlace = { coordinates: undefined };
  test.each<[string, Partial<Case>, readonly SiteId[]]>([
    [
      "the site of the client's zone first, then by distance",
      { client: inZoneOf(hangzhou) },
      [hangzhou, guangzhou, beijing],
    ],
    ['from Beijing', { client: inZoneOf(beijing), holders: [] }, [beijing, hangzhou, guangzhou]],
    [
      'the zone site is down: the site nearest to it first',
      {
        client: inZoneOf(beijing),
        holders: [hangzhou],
        sites: [site(beijing, { up: false }), site(guangzhou), site(hangzhou)],
      },
      [hangzhou, guangzhou],
    ],
    [
      'unknown location: the holder first',
      { sites: [site(beijing), site(guangzhou, busy), site(hangzhou)] },
      [guangzhou, hangzhou, beijing],
    ],
    [
      'the zone site is first even without coordinates',
      {
        client: { zone: { site: beijing, prefix: '10.3.0.0/16' } },
        sites: [site(beijing, noPlace), site(guangzhou), site(hangzhou)],
      },
      [beijing, guangzhou, hangzhou],
    ],
    [
      'load decides within one city',
      {
        client: inZoneOf(hangzhou),
        holders: [],
        sites: [
          site(hangzhou, { up: false }),
          site(id(8), { coordinates: places[beijing], activeResponses: 900 }),
          site(id(9), { coordinates: places[beijing] }),
        ],
      },
      [id(9), id(8)],
    ],
    [
      'the holder first within one city at equal load',
      {
        client: inZoneOf(hangzhou),
        holders: [id(9)],
        sites: [site(id(8), { coordinates: places[beijing] }), site(id(9), { coordinates: places[beijing] })],
      },
      [id(9), id(8)],
    ],
    [
      'a site that fills its buffer: the holder first, although another is nearer',
      { client: filling(beijing) },
      [guangzhou, hangzhou],
    ],
    [
      'a site that fills its buffer: the nearest of several holders first',
      { client: filling(beijing), holders: [guangzhou, hangzhou] },
      [hangzhou, guangzhou],
    ],
    [
      'the only holder is down: sites with a part of the video, then the others',
      {
        client: inZoneOf(beijing),
        partial: [hangzhou],
        sites: [site(beijing), site(guangzhou, { up: false }), site(hangzhou)],
      },
      [hangzhou, beijing],
    ],
    [
      'revoked sites are not offered',
      {
        client: inZoneOf(guangzhou),
        sites: [site(beijing), site(guangzhou, { active: false }), site(hangzhou)],
      },
      [hangzhou, beijing],
    ],
    [
      'a drained site ranks last at any distance',
      {
        client: inZoneOf(hangzhou),
        sites: [site(beijing), site(guangzhou), site(hangzhou, { drained: true })],
      },
      [guangzhou, beijing, hangzhou],
    ],
    [
      'weight 0 drains a site',
      { client: inZoneOf(hangzhou), sites: [site(beijing), site(guangzhou), site(hangzhou, { weight: 0 })] },
      [guangzhou, beijing, hangzhou],
    ],
    [
      'a full site ranks after sites with headroom and before a drained one',
      {
        client: inZoneOf(hangzhou),
        sites: [
          site(beijing),
          site(guangzhou, { drained: true }),
          site(hangzhou, { egressLimitBps: 1e8, egressBps: 1.01e8 }),
        ],
      },
      [beijing, hangzhou, guangzhou],
    ],
    [
      "the site's own limit applies like the administrator's",
      {
        client: inZoneOf(hangzhou),
        sites: [
          site(beijing),
          site(guangzhou),
          site(hangzhou, { siteLimitBps: 1e8, egressLimitBps: 1e9, egressBps: 1.01e8 }),
        ],
      },
      [guangzhou, beijing, hangzhou],
    ],
    [
      'a site that serves no viewers is not offered, but the others fill from it',
      {
        client: inZoneOf(hangzhou),
        holders: [hangzhou],
        sites: [site(beijing), site(guangzhou), site(hangzhou, { servesViewers: false })],
      },
      [guangzhou, beijing],
    ],
    [
      'only sites that serve no viewers: nobody is offered',
      {
        client: inZoneOf(hangzhou),
        holders: [hangzhou],
        sites: [site(beijing, { servesViewers: false }), site(hangzhou, { servesViewers: false })],
      },
      [],
    ],
    [
      'a site that serves no viewers ranks first for a filling site if it holds the video',
      {
        client: filling(beijing),
        holders: [hangzhou],
        sites: [site(beijing), site(guangzhou), site(hangzhou, { servesViewers: false })],
      },
      [hangzhou, guangzhou],
    ],
    [
      'newly assigned viewers fill a site before its reports include them',
      {
        client: inZoneOf(hangzhou),
        sites: [
          site(beijing),
          site(guangzhou),
          site(hangzhou, { egressLimitBps: 1e8, egressBps: 4e7, assignedBps: 7e7 }),
        ],
      },
      [guangzhou, beijing, hangzhou],
    ],
    [
      'an administrator’s weight has the effect of throughput',
      { client: inZoneOf(hangzhou), sites: [site(beijing, { weight: 4 }), site(guangzhou), site(hangzhou)] },
      [beijing, hangzhou, guangzhou],
    ],
    [
      'failover order decides between equal sites',
      {
        holders: [],
        sites: [
          site(id(5), { failoverOrder: 2 }),
          site(id(6), { failoverOrder: 1 }),
          site(id(7), { failoverOrder: 3 }),
        ],
      },
      [id(6), id(5), id(7)],
    ],
    ['nothing is up', { sites: [site(beijing, { up: false })] }, []],
    ['no sites', { sites: [] }, []],
  ])('%s', (_, question, expected) => {
    expect(order(question)).toEqual(expected);
  });

  test('videos are distributed over equal sites, and each video stays at one of them', () => {
    const sites = [4, 5, 6, 7].map(n => site(id(n), { coordinates: undefined }));
    const firsts = Array.from(
      { length: 400 },
      (_, hash) => order({ holders: [], sites, hash: hash * 7919 })[0],
    );
    for (const { id: each } of sites) {
      expect(firsts.filter(first => first === each).length, each).toBeGreaterThan(50);
    }
    expect(order({ holders: [], sites, hash: 42 })).toEqual(
      order({ holders: [], sites: sites.toReversed(), hash: 42 }),
    );
  });
});

describe('policies', () => {
  const client = inZoneOf(hangzhou);
  const beijingIsFaster = [reported(hangzhou, 3), reported(guangzhou, 3), reported(beijing, 12)];
  test('nearest ranks by distance only', () => {
    expect(order({ policy: 'nearest', client, reported: beijingIsFaster })[0]).toBe(hangzhou);
    expect(order({ policy: 'nearest', client: inZoneOf(beijing) })).toEqual([beijing, hangzhou, guangzhou]);
    const busy = [site(beijing, { activeResponses: 5_000 }), site(guangzhou), site(hangzhou)];
    expect(order({ policy: 'nearest', client: inZoneOf(beijing), sites: busy })[0]).toBe(beijing);
    const full = [site(beijing, { egressLimitBps: 1e6, egressBps: 2e6 }), site(guangzhou), site(hangzhou)];
    expect(order({ policy: 'nearest', client: inZoneOf(beijing), sites: full })).toEqual([
      hangzhou,
      guangzhou,
      beijing,
    ]);
  });

  test('best-network and auto choose the site with the better network', () => {
    expect(order({ policy: 'best-network', client, reported: beijingIsFaster })[0]).toBe(beijing);
    expect(order({ policy: 'auto', client, reported: beijingIsFaster })[0]).toBe(beijing);
  });

  test('auto stays in the zone for slightly less throughput; best-network does not', () => {
    const little = [reported(hangzhou, 9.6), reported(beijing, 10)];
    expect(order({ policy: 'auto', client, reported: little, holders: [hangzhou, beijing] })[0]).toBe(
      hangzhou,
    );
    expect(order({ policy: 'best-network', client, reported: little, holders: [hangzhou, beijing] })[0]).toBe(
      beijing,
    );
  });

  test('throughput beyond the client’s needs has little value: a near site that suffices keeps the client', () => {
    const both = { client, holders: [hangzhou, beijing], bitrateBps: 1e6 };
    expect(order({ ...both, reported: [reported(hangzhou, 20), reported(beijing, 30)] })[0]).toBe(hangzhou);
    expect(
      order({ ...both, bitrateBps: 20e6, reported: [reported(hangzhou, 20), reported(beijing, 30)] })[0],
    ).toBe(beijing);
  });

  test('old reports decay to the prior', () => {
    const old = [reported(hangzhou, 3, { weight: 0.01 }), reported(beijing, 12, { weight: 0.01 })];
    expect(order({ client, reported: old })[0]).toBe(hangzhou);
  });

  test('a slow access link is no reason to leave the near site for an unmeasured one', () => {
    const slowLine = { client, reported: [reported(hangzhou, 2)], holders: [hangzhou, beijing, guangzhou] };
    expect(order({ ...slowLine, accessLinkMbit: 2 })[0]).toBe(hangzhou);
    expect(order({ ...slowLine, accessLinkMbit: 20 })[0]).not.toBe(hangzhou);
  });

  test('a site where a client on this network just failed ranks last', () => {
    const sites = { client, reported: [reported(hangzhou, 20, { failing: true })] };
    expect(order(sites).at(-1)).toBe(hangzhou);
    expect(order({ ...sites, policy: 'nearest' }).at(-1)).toBe(hangzhou);
  });

  test('a measured round trip replaces the distance', () => {
    const close = Math.log(50e6);
    const far = Math.log(5e6);
    const rtts = [
      { ...reported(hangzhou, 1), weight: 0, logExpected: far },
      { ...reported(beijing, 1), weight: 0, logExpected: close },
    ];
    expect(
      order({ client, reported: rtts, bitrateBps: 20e6, accessLinkMbit: Number.POSITIVE_INFINITY })[0],
    ).toBe(beijing);
  });
});

test('a player switches only for a clear gain, and not all players at the same gain', () => {
  const current = { index: 0, score: 10 };
  const better = (times: number) => ({ index: 1, score: 10 + Math.log(times) });
  expect(isWorthSwitching(better(1.05), current, 0)).toBe(false);
  expect(isWorthSwitching(better(1.2), current, 0)).toBe(true);
  expect(isWorthSwitching(better(1.2), current, 1)).toBe(false);
  expect(isWorthSwitching(better(1.6), current, 0, 1_000)).toBe(false);
  expect(isWorthSwitching(better(1.6), current, 1)).toBe(true);
});

describe('the reasons', () => {
  const reasons = (changes: Partial<Case>, which: SiteId) => {
    const { state, question } = ask(changes);
    return reasonsOf(state, question, state.table.indexOf.get(which)!);
  };
  const codes = (changes: Partial<Case>, which: SiteId) => reasons(changes, which).map(({ code }) => code);

  test('are sentences with figures, the decisive one first', () => {
    const zone = reasons({ client: inZoneOf(hangzhou) }, hangzhou);
    expect(zone.map(({ code }) => code)).toEqual([
      'coverage-zone',
      'expected-network',
      'fills-from-holder',
      'load',
    ]);
    expect(zone[0]?.text).toContain('10.1.0.0/16');
    const [distance, expected, holds, load] = reasons({ client: inZoneOf(hangzhou) }, guangzhou);
    expect(distance?.text).toMatch(/1,04\d km/);
    expect(expected?.text).toMatch(/\d Mbit\/s expected from its distance/);
    expect(holds?.code).toBe('holds-original');
    expect(load?.text).toMatch(/^3 responses/);
    const measured = reasons({ reported: [reported(beijing, 12)] }, beijing);
    expect(measured[0]?.code).toBe('measured-network');
    expect(measured[0]?.text).toMatch(/measured 12 Mbit\/s, last 5 s ago/);
    const sites = [
      site(hangzhou, {
        egressLimitBps: 1e8,
        egressBps: 9e7,
        assignedBps: 5e6,
        weight: 2,
        degraded: true,
        failureShare: 0.4,
      }),
    ];
    const texts = reasons({ sites }, hangzhou)
      .map(({ text }) => text)
      .join(' ');
    expect(texts).toMatch(/sending 90 Mbit\/s of 100 Mbit\/s \(95 %\), 5 Mbit\/s more expected/);
    expect(texts).toMatch(/weight to 2\./);
    expect(texts).toMatch(/40 % of recent viewer reports/);
    for (const { text } of [...zone, ...measured, ...reasons({ sites }, hangzhou)]) {
      expect(text).toMatch(/^[A-Z\d].*\.$/);
    }
  });

  test('include no input that the policy ignores', () => {
    expect(codes({ policy: 'nearest', reported: [reported(beijing, 12)] }, beijing)).not.toContain(
      'measured-network',
    );
  });

  test('say that the only holder is down', () => {
    const sites = [site(beijing), site(guangzhou, { up: false })];
    expect(reasons({ sites }, beijing).find(({ code }) => code === 'fills-from-holder')?.text).toMatch(
      /are down, so this site can only play the part in its buffer/,
    );
    expect(reasons({}, beijing).find(({ code }) => code === 'fills-from-holder')?.text).not.toMatch(/down/);
    expect(codes({ partial: [beijing] }, beijing)).toContain('partly-buffered');
  });

  test('begin with why a site is excluded or last', () => {
    const sites = [
      site(beijing, { up: false }),
      site(guangzhou, { active: false }),
      site(hangzhou),
      site(id(4), { drained: true }),
      site(id(5), { egressLimitBps: 1, egressBps: 2 }),
      site(id(6), { up: false, recovering: true }),
    ];
    const changes = { sites, client: filling(hangzhou) };
    const all = [beijing, guangzhou, hangzhou, id(4), id(5), id(6)];
    expect(all.map(which => codes(changes, which)[0])).toEqual([
      'site-down',
      'site-inactive',
      'requesting-site',
      'drained',
      'full',
      'recovering',
    ]);
  });

  test('a recovering site ranks behind all others, and is better than none', () => {
    const recovering = { up: false, recovering: true };
    const sites = [site(guangzhou, recovering), site(hangzhou, { drained: true })];
    const order = (of: readonly Site[]) => {
      const { state, question } = ask({ sites: of, client: inZoneOf(guangzhou) });
      return choose(state, question, 5).map(({ index }) => state.table.facts[index]?.id);
    };
    expect(order(sites)).toEqual([hangzhou, guangzhou]);
    expect(order([site(guangzhou, recovering)])).toEqual([guangzhou]);
  });

  test('say that a location is unknown', () => {
    expect(codes({}, beijing)[0]).toBe('distance-unknown');
    expect(codes({ holders: [id(99)] }, beijing)).toContain('fills-from-holder');
  });
});

describe('random questions', () => {
  /** Seeded, so that a failure can be reproduced (mulberry32). */
  function createRandom(seed: number): () => number {
    let state = seed;
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
  }
  function makeCase(random: () => number): Case {
    const sites = Array.from({ length: Math.floor(random() * 16) }, (_, n) =>
      site(id(n), {
        coordinates:
          random() < 0.8
            ? { latitude: Math.round(random() * 4) * 30 - 60, longitude: Math.round(random() * 4) * 60 - 120 }
            : undefined,
        active: random() < 0.9,
        up: random() < 0.7,
        degraded: random() < 0.1,
        drained: random() < 0.1,
        weight: random() < 0.3 ? Math.round(random() * 4) : 1,
        failoverOrder: Math.round(random() * 3),
        egressLimitBps: random() < 0.5 ? 5e8 : undefined,
        activeResponses: Math.floor(random() * 300),
        egressBps: Math.floor(random() * 1e9),
        failureShare: random() < 0.2 ? random() : 0,
      }),
    );
    const pick = () => sites[Math.floor(random() * sites.length)];
    const zone = random() < 0.7 ? pick() : undefined;
    return {
      policy: POLICIES[Math.floor(random() * 3)]!,
      client:
        random() < 0.2
          ? { fillingSite: pick()?.id, coordinates: pick()?.coordinates }
          : { zone: zone && { site: zone.id, prefix: '10.0.0.0/8' }, coordinates: zone?.coordinates },
      holders: sites.filter(() => random() < 0.3).map(each => each.id),
      partial: sites.filter(() => random() < 0.2).map(each => each.id),
      sites,
      reported: sites
        .filter(() => random() < 0.4)
        .map(each =>
          reported(each.id, 0.1 + random() * 50, { weight: random() * 3, failing: random() < 0.1 }),
        ),
      accessLinkMbit: random() < 0.5 ? random() * 50 : Number.POSITIVE_INFINITY,
      bitrateBps: 1e6 * (1 + random() * 10),
      hash: Math.floor(random() * 2 ** 32),
    };
  }

  test('the loop over all sites matches the individual ranking; the order is total and stable; a holder is included', () => {
    for (let seed = 0; seed < 3_000; seed++) {
      const random = createRandom(seed);
      const each = makeCase(random);
      const { state, question } = ask(each);
      const message = `seed ${seed}`;
      const all = state.table.facts.map((_, index) => index);
      const ranked = rank(state, question, all);
      expect(choose(state, question, 99), message).toEqual(ranked);

      const shuffled = {
        ...each,
        sites: each.sites
          .map(s => ({ s, at: random() }))
          .sort((x, y) => x.at - y.at)
          .map(({ s }) => s),
      };
      expect(order(shuffled, 99), message).toEqual(order(each, 99));

      const offered = new Set(ranked.map(({ index }) => index));
      for (const index of all) {
        const facts = state.table.facts[index]!;
        const { up } = state.states.of(index);
        expect(offered.has(index), message).toBe(up && facts.active && facts.id !== each.client.fillingSite);
        for (const reason of reasonsOf(state, question, index)) {
          reasonSchema.parse(reason);
          const { code, text, figures } = reason;
          // The prepared JSON matches the reason.
          expect(JSON.parse(reason.json), message).toEqual({ code, text, ...(figures ? { figures } : {}) });
          expect(`${reason.leading}]`, message).toBe(`${JSON.stringify(text)},"reasons":[${reason.json}]`);
          expect(reason.following, message).toBe(`,${reason.json}`);
        }
      }
      const isLast = (index: number) => state.table.drained[index] === 1;
      const firstLast = ranked.findIndex(({ index }) => isLast(index));
      if (firstLast >= 0) {
        expect(
          ranked.slice(firstLast).every(({ index }) => isLast(index)),
          message,
        ).toBe(true);
      }

      const few = choose(state, question, 3);
      expect(few.length, message).toBe(Math.min(3, ranked.length));
      expect(few.slice(0, 2), message).toEqual(ranked.slice(0, Math.min(2, few.length)));
      const isHolder = ({ index }: { index: number }) => question.holding.full.includes(index);
      expect(few.some(isHolder), message).toBe(ranked.some(isHolder));
    }
  });

  test('changing terms keep the sites sorted, and the loop over many sites matches the ranking', () => {
    const random = createRandom(7);
    const sites = Array.from({ length: 300 }, (_, n) =>
      site(id(n), {
        coordinates: { latitude: random() * 120 - 60, longitude: random() * 360 - 180 },
        egressLimitBps: random() < 0.5 ? 5e8 : undefined,
      }),
    );
    for (const accessLinkMbit of [0.5, 8, 20, 40, Number.POSITIVE_INFINITY]) {
      const { state, question } = ask({
        sites,
        accessLinkMbit,
        reported: [reported(id(3), 5), reported(id(90), 30)],
      });
      const all = state.table.facts.map((_, index) => index);
      const { states } = state;
      for (let change = 0; change < 200; change++) {
        const index = Math.floor(random() * sites.length);
        if (random() < 0.3) states.recordAssignment(index, random() * 4e8, change * 100);
        else {
          const before = states.of(index);
          states.set(index, { ...before, up: random() < 0.8, activeResponses: Math.floor(random() * 900) });
        }
        const terms = [...states.byTerm].map(each => states.offered[each]!);
        expect(terms).toEqual([...terms].sort((a, b) => b - a));
        expect(new Set(states.byTerm).size).toBe(sites.length);
        const hash = Math.floor(random() * 2 ** 32);
        const asked = { ...question, hash };
        expect(choose(state, asked, 99)).toEqual(rank(state, asked, all).slice(0, 99));
      }
    }
  });

  test('a decision among 1,000 sites takes a fraction of a millisecond', () => {
    const random = createRandom(1);
    const sites = Array.from({ length: 1_000 }, (_, n) =>
      site(id(n), { coordinates: { latitude: random() * 120 - 60, longitude: random() * 360 - 180 } }),
    );
    const { state, question } = ask({
      sites,
      holders: [id(1), id(500)],
      client: { coordinates: places[hangzhou] },
      reported: [reported(id(3), 5), reported(id(900), 30)],
    });
    for (let warm = 0; warm < 2_000; warm++) choose(state, question, 8);
    const times = Array.from({ length: 2_000 }, () => {
      const started = performance.now();
      choose(state, question, 8);
      return performance.now() - started;
    }).sort((a, b) => a - b);
    // The target is 0.1 ms in 99 of 100 decisions, which the benchmark measures. This limit allows for a busy machine.
    expect(times[1_000]).toBeLessThan(0.3);
    expect(question.network).not.toBe(UNMEASURED);
  });
});
