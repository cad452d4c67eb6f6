import { describe, expect, test } from 'vitest';
import type { SiteId } from '../../protocol/ids.ts';
import { reasonSchema } from '../../protocol/tracker.ts';
import { type Candidate, choose, shortlist, type Viewer } from './choose.ts';

const id = (n: number): SiteId => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}` as SiteId;
const [hangzhou, guangzhou, beijing] = [id(1), id(2), id(3)];
const places: Readonly<Record<SiteId, Pick<Candidate, 'name' | 'coordinates'>>> = {
  [hangzhou]: { name: 'Hangzhou', coordinates: { latitude: 30.27, longitude: 120.15 } },
  [guangzhou]: { name: 'Guangzhou', coordinates: { latitude: 23.13, longitude: 113.26 } },
  [beijing]: { name: 'Beijing', coordinates: { latitude: 39.9, longitude: 116.4 } },
};
const site = (which: SiteId, changes: Partial<Candidate> = {}): Candidate => ({
  id: which,
  name: which,
  ...places[which],
  active: true,
  up: true,
  activeResponses: 3,
  egressBps: 0,
  ...changes,
});
interface Question {
  readonly viewer: Viewer;
  readonly holders: readonly SiteId[];
  readonly sites: readonly Candidate[];
}
const inZoneOf = (which: SiteId): Viewer => ({
  zone: { site: which, prefix: '10.1.0.0/16' },
  coordinates: places[which]?.coordinates,
});
const filling = (which: SiteId): Viewer => ({
  fillingSite: which,
  coordinates: places[which]?.coordinates,
});
const rank = (changes: Partial<Question>) => {
  const sites = changes.sites ?? [site(beijing), site(guangzhou), site(hangzhou)];
  return choose(changes.viewer ?? {}, new Set(changes.holders ?? [guangzhou]), sites);
};
const order = (question: Partial<Question>): readonly SiteId[] =>
  rank(question)
    .filter(({ offered }) => offered)
    .map(entry => entry.site.id);

describe('the order', () => {
  const busy = { activeResponses: 150 };
  const noPlace = { coordinates: undefined };
  test.each<[string, Partial<Question>, readonly SiteId[]]>([
    [
      "the viewer's zone first, then by distance",
      { viewer: inZoneOf(hangzhou) },
      [hangzhou, guangzhou, beijing],
    ],
    ['from Beijing', { viewer: inZoneOf(beijing) }, [beijing, hangzhou, guangzhou]],
    [
      'the zone site is first however busy it is, and without holding the video',
      {
        viewer: inZoneOf(hangzhou),
        sites: [site(beijing), site(guangzhou), site(hangzhou, busy)],
      },
      [hangzhou, guangzhou, beijing],
    ],
    [
      'the zone site is down: the nearest to it',
      {
        viewer: inZoneOf(beijing),
        sites: [site(beijing, { up: false }), site(guangzhou), site(hangzhou)],
      },
      [hangzhou, guangzhou],
    ],
    [
      'no place known: the holder, then by load',
      {
        sites: [site(beijing, busy), site(guangzhou, busy), site(hangzhou)],
      },
      [guangzhou, hangzhou, beijing],
    ],
    ['no place known, equal load: by id', {}, [guangzhou, hangzhou, beijing]],
    [
      'a site without coordinates comes after those with',
      {
        viewer: inZoneOf(hangzhou),
        sites: [site(hangzhou), site(guangzhou, noPlace), site(beijing)],
      },
      [hangzhou, beijing, guangzhou],
    ],
    [
      'the zone site has no coordinates: first all the same',
      {
        viewer: { zone: { site: beijing, prefix: '10.3.0.0/16' } },
        sites: [site(beijing, noPlace), site(guangzhou), site(hangzhou)],
      },
      [beijing, guangzhou, hangzhou],
    ],
    [
      'one city: load decides',
      {
        viewer: inZoneOf(hangzhou),
        sites: [
          site(hangzhou, { up: false }),
          site(id(8), { ...places[beijing], ...busy }),
          site(id(9), places[beijing]),
        ],
      },
      [id(9), id(8)],
    ],
    [
      'one city, equal load: the holder',
      {
        viewer: inZoneOf(hangzhou),
        holders: [id(9)],
        sites: [site(id(8), places[beijing]), site(id(9), places[beijing])],
      },
      [id(9), id(8)],
    ],
    [
      'a buffer that fills: the holder, though another is nearer',
      {
        viewer: filling(beijing),
      },
      [guangzhou, hangzhou],
    ],
    [
      'a buffer that fills from several holders: the nearest',
      {
        viewer: filling(beijing),
        holders: [guangzhou, hangzhou],
      },
      [hangzhou, guangzhou],
    ],
    [
      'the only holder is down: the others may have it buffered',
      {
        viewer: inZoneOf(beijing),
        sites: [site(beijing), site(guangzhou, { up: false }), site(hangzhou)],
      },
      [beijing, hangzhou],
    ],
    [
      'revoked sites are not offered',
      {
        viewer: inZoneOf(guangzhou),
        sites: [site(beijing), site(guangzhou, { active: false }), site(hangzhou)],
      },
      [hangzhou, beijing],
    ],
    ['nothing is up', { sites: [site(beijing, { up: false })] }, []],
    ['no sites', { sites: [] }, []],
  ])('%s', (_, question, expected) => {
    expect(order(question)).toEqual(expected);
  });
});

describe('the reasons', () => {
  const reasonsOf = (question: Partial<Question>, which: SiteId) =>
    rank(question).find(entry => entry.site.id === which)?.reasons ?? [];
  const codesOf = (question: Partial<Question>, which: SiteId) =>
    reasonsOf(question, which).map(({ code }) => code);

  test('sentences with figures, the decisive one first', () => {
    const zone = reasonsOf({ viewer: inZoneOf(hangzhou) }, hangzhou);
    expect(zone.map(({ code }) => code)).toEqual(['coverage-zone', 'fills-from-holder', 'load']);
    expect(zone[0]?.text).toContain('10.1.0.0/16');
    const [distance, holds, load] = reasonsOf({ viewer: inZoneOf(hangzhou) }, guangzhou);
    expect(distance).toMatchObject({ code: 'distance' });
    expect(distance?.text).toMatch(/1,04\d km/);
    expect(holds?.code).toBe('holds-original');
    expect(load?.text).toMatch(/^3 responses/);
    for (const { text } of [...zone, ...reasonsOf({}, guangzhou)]) expect(text).toMatch(/^[A-Z\d].*\.$/);
  });

  test('a site whose only source is down says so', () => {
    const sites = [site(beijing), site(guangzhou, { up: false })];
    const holding = reasonsOf({ sites }, beijing).find(({ code }) => code === 'fills-from-holder');
    expect(holding?.text).toMatch(/down.*buffered/);
    const fine = reasonsOf({}, beijing).find(({ code }) => code === 'fills-from-holder');
    expect(fine?.text).not.toMatch(/down/);
  });

  test('why a site is not offered comes first', () => {
    const sites = [site(beijing, { up: false }), site(guangzhou, { active: false }), site(hangzhou)];
    const viewer = filling(hangzhou);
    expect(codesOf({ sites, viewer }, beijing)[0]).toBe('site-down');
    expect(codesOf({ sites, viewer }, guangzhou)[0]).toBe('site-inactive');
    expect(codesOf({ sites, viewer }, hangzhou)[0]).toBe('asking-site');
  });

  test('unknown places are said to be unknown', () => {
    expect(codesOf({}, beijing)[0]).toBe('distance-unknown');
    const sites = [site(beijing, { coordinates: undefined })];
    expect(codesOf({ sites, viewer: inZoneOf(hangzhou) }, beijing)[0]).toBe('distance-unknown');
  });

  test('a holder that is not registered here is no reason to fail', () => {
    expect(codesOf({ holders: [id(99)] }, beijing)).toContain('fills-from-holder');
    expect(codesOf({ holders: [] }, beijing)).toContain('fills-from-holder');
  });
});

describe('any question', () => {
  /** Seeded, so that a failure can be seen again (mulberry32). */
  function createRandom(seed: number): () => number {
    let state = seed;
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
  }
  function makeQuestion(random: () => number): Question {
    const sites = Array.from({ length: Math.floor(random() * 12) }, (_, n) =>
      site(id(n), {
        name: `Site ${n}`,
        coordinates:
          random() < 0.8
            ? { latitude: Math.round(random() * 4) * 30 - 60, longitude: Math.round(random() * 4) * 60 - 120 }
            : undefined,
        active: random() < 0.9,
        up: random() < 0.7,
        activeResponses: Math.floor(random() * 300),
        egressBps: Math.floor(random() * 1e9),
      }),
    );
    const pick = () => sites[Math.floor(random() * sites.length)];
    const zone = random() < 0.7 ? pick() : undefined;
    const viewer: Viewer =
      random() < 0.2
        ? { fillingSite: pick()?.id, coordinates: pick()?.coordinates }
        : { zone: zone && { site: zone.id, prefix: '10.0.0.0/8' }, coordinates: zone?.coordinates };
    return { viewer, holders: sites.filter(() => random() < 0.3).map(each => each.id), sites };
  }

  test('every site once; offered first; total, stable order; score and reasons fit', () => {
    for (let seed = 0; seed < 3_000; seed++) {
      const random = createRandom(seed);
      const { viewer, holders, sites } = makeQuestion(random);
      const ranking = choose(viewer, new Set(holders), sites);
      const message = `seed ${seed}`;
      const ids = ranking.map(entry => entry.site.id);
      expect([...ids].sort(), message).toEqual(sites.map(each => each.id).sort());

      const shuffled = sites
        .map(each => ({ each, at: random() }))
        .sort((x, y) => x.at - y.at)
        .map(({ each }) => each);
      const again = choose(viewer, new Set(holders), shuffled);
      expect(
        again.map(entry => entry.site.id),
        message,
      ).toEqual(ids);

      const offers = ranking.map(({ offered }) => offered);
      const offeredCount = offers.filter(Boolean).length;
      expect(offers.lastIndexOf(true), message).toBe(offeredCount - 1);
      for (const [index, entry] of ranking.entries()) {
        const { site: each, offered, score, reasons } = entry;
        expect(offered, message).toBe(each.up && each.active && each.id !== viewer.fillingSite);
        expect(score, message).toBeLessThanOrEqual(ranking[index - 1]?.score ?? 1);
        expect(score > 0, message).toBe(offered);
        expect(reasons.length, message).toBeGreaterThan(0);
        for (const reason of reasons) reasonSchema.parse(reason);
      }
      const zoneSite = ranking.find(entry => entry.site.id === viewer.zone?.site);
      if (zoneSite?.offered) expect(ranking[0], message).toBe(zoneSite);

      const few = shortlist(ranking, 3);
      expect(few.length, message).toBe(Math.min(3, offeredCount));
      const isHolderOffered = ranking.some(({ offered, holds }) => offered && holds);
      expect(
        few.some(({ holds }) => holds),
        message,
      ).toBe(isHolderOffered);
    }
  });
});
