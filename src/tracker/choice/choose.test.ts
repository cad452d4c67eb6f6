import { describe, expect, test } from 'vitest';
import type { SiteId } from '../../protocol/ids.ts';
import { reasonSchema } from '../../protocol/tracker.ts';
import { choose, type Question, type SiteState, shortlist, type Viewer } from './choose.ts';

const id = (n: number): SiteId => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}` as SiteId;
const [hangzhou, guangzhou, beijing] = [id(1), id(2), id(3)];
const places = {
  [hangzhou]: { name: 'Hangzhou', coordinates: { latitude: 30.27, longitude: 120.15 } },
  [guangzhou]: { name: 'Guangzhou', coordinates: { latitude: 23.13, longitude: 113.26 } },
  [beijing]: { name: 'Beijing', coordinates: { latitude: 39.9, longitude: 116.4 } },
};
const NOW = 1_800_000_000_000;

const site = (which: SiteId, changes: Partial<SiteState> = {}): SiteState => ({
  site: which,
  name: which,
  ...places[which],
  active: true,
  up: true,
  sinceMs: NOW - 12_000,
  activeResponses: 3,
  ...changes,
});
const inZoneOf = (which: SiteId): Viewer => ({
  zone: { site: which, prefix: '10.1.0.0/16' },
  place: places[which]?.coordinates,
});
const nowhere: Viewer = {};
const ask = (changes: Partial<Question>): Question => ({
  viewer: nowhere,
  holders: [guangzhou],
  sites: [site(beijing), site(guangzhou), site(hangzhou)],
  nowMs: NOW,
  ...changes,
});
const order = (question: Question): readonly SiteId[] =>
  choose(question)
    .filter(({ offered }) => offered)
    .map(({ state }) => state.site);

describe('the order', () => {
  const busy = { activeResponses: 150 };
  const noPlace = { coordinates: undefined };
  test.each<[string, Partial<Question>, readonly SiteId[]]>([
    ["the viewer's zone first, then by distance", { viewer: inZoneOf(hangzhou) }, [hangzhou, guangzhou, beijing]],
    ['from Beijing', { viewer: inZoneOf(beijing) }, [beijing, hangzhou, guangzhou]],
    ['the zone site is first however busy it is, and without holding the video', {
      viewer: inZoneOf(hangzhou),
      sites: [site(beijing), site(guangzhou), site(hangzhou, busy)],
    }, [hangzhou, guangzhou, beijing]],
    ['the zone site is down: the nearest to it', {
      viewer: inZoneOf(beijing),
      sites: [site(beijing, { up: false }), site(guangzhou), site(hangzhou)],
    }, [hangzhou, guangzhou]],
    ['no place known: the holder, then by load', {
      sites: [site(beijing, busy), site(guangzhou, busy), site(hangzhou)],
    }, [guangzhou, hangzhou, beijing]],
    ['no place known, equal load: by id', {}, [guangzhou, hangzhou, beijing]],
    ['a site without coordinates comes after those with', {
      viewer: inZoneOf(hangzhou),
      sites: [site(hangzhou), site(guangzhou, noPlace), site(beijing)],
    }, [hangzhou, beijing, guangzhou]],
    ['the zone site has no coordinates: first all the same', {
      viewer: { zone: { site: beijing, prefix: '10.3.0.0/16' } },
      sites: [site(beijing, noPlace), site(guangzhou), site(hangzhou)],
    }, [beijing, guangzhou, hangzhou]],
    ['one city: load decides', {
      viewer: inZoneOf(hangzhou),
      sites: [site(hangzhou, { up: false }), site(id(8), { ...places[beijing], ...busy }), site(id(9), places[beijing])],
    }, [id(9), id(8)]],
    ['one city, equal load: the holder', {
      viewer: inZoneOf(hangzhou),
      holders: [id(9)],
      sites: [site(id(8), places[beijing]), site(id(9), places[beijing])],
    }, [id(9), id(8)]],
    ['a buffer that fills: the holder, though another is nearer', {
      viewer: { asking: beijing, place: places[beijing]?.coordinates },
    }, [guangzhou, hangzhou]],
    ['a buffer that fills from several holders: the nearest', {
      viewer: { asking: beijing, place: places[beijing]?.coordinates },
      holders: [guangzhou, hangzhou],
    }, [hangzhou, guangzhou]],
    ['the only holder is down: the others may have it buffered', {
      viewer: inZoneOf(beijing),
      sites: [site(beijing), site(guangzhou, { up: false }), site(hangzhou)],
    }, [beijing, hangzhou]],
    ['revoked sites are not offered', {
      viewer: inZoneOf(guangzhou),
      sites: [site(beijing), site(guangzhou, { active: false }), site(hangzhou)],
    }, [hangzhou, beijing]],
    ['nothing is up', { sites: [site(beijing, { up: false })] }, []],
    ['no sites', { sites: [] }, []],
  ])('%s', (_, question, expected) => {
    expect(order(ask(question))).toEqual(expected);
  });
});

describe('the reasons', () => {
  const reasonsOf = (question: Partial<Question>, which: SiteId) =>
    choose(ask(question))
      .find(({ state }) => state.site === which)
      ?.reasons() ?? [];

  test('sentences with figures, the decisive one first', () => {
    expect(reasonsOf({ viewer: inZoneOf(hangzhou) }, hangzhou)).toEqual([
      { code: 'coverage-zone', text: 'Your network 10.1.0.0/16 belongs to the zone of Hangzhou.' },
      { code: 'distance', text: 'Less than 1 km away.' },
      {
        code: 'fills-from-holder',
        text: 'Fills its buffer from a site that holds the video; it was uploaded at Guangzhou.',
      },
      { code: 'load', text: '3 of 200 responses under way.' },
    ]);
    expect(reasonsOf({ viewer: inZoneOf(hangzhou) }, guangzhou)).toEqual([
      { code: 'distance', text: '1,044 km away.' },
      { code: 'holds-original', text: 'Guangzhou holds the original.' },
      { code: 'load', text: '3 of 200 responses under way.' },
    ]);
  });

  test('where nobody knows the place, holding the video decides', () => {
    expect(reasonsOf({}, guangzhou).map(({ code }) => code)).toEqual([
      'holds-original',
      'distance-unknown',
      'load',
    ]);
  });

  test('a site whose only source is down says so', () => {
    const sites = [site(beijing), site(guangzhou, { up: false })];
    expect(reasonsOf({ sites, viewer: inZoneOf(beijing) }, beijing)[0]).toEqual({
      code: 'fills-from-holder',
      text: 'Plays only what it has buffered: no site that holds the video is up (it was uploaded at Guangzhou, which is down).',
    });
  });

  test('why a site is not offered', () => {
    const sites = [
      site(beijing, { up: false, lastError: 'connect ECONNREFUSED' }),
      site(guangzhou, { active: false }),
      site(hangzhou),
    ];
    const viewer = { asking: hangzhou };
    expect(reasonsOf({ sites, viewer }, beijing)[0]).toEqual({
      code: 'site-down',
      text: 'Beijing is down since 12 s: connect ECONNREFUSED.',
    });
    expect(reasonsOf({ sites, viewer }, guangzhou)[0]?.code).toBe('site-inactive');
    expect(reasonsOf({ sites, viewer }, hangzhou)[0]?.code).toBe('asking-site');
  });

  test('a holder that is not registered here is no reason to fail', () => {
    expect(reasonsOf({ holders: [id(99)] }, beijing)[0]?.text).toContain('a site that is not known here');
    expect(reasonsOf({ holders: [] }, beijing)[0]?.code).toBe('fills-from-holder');
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
      }),
    );
    const pick = () => sites[Math.floor(random() * sites.length)];
    const zone = random() < 0.7 ? pick() : undefined;
    const viewer: Viewer =
      random() < 0.2
        ? { asking: pick()?.site, place: pick()?.coordinates }
        : { zone: zone && { site: zone.site, prefix: '10.0.0.0/8' }, place: zone?.coordinates };
    return { viewer, holders: sites.filter(() => random() < 0.3).map(s => s.site), sites, nowMs: NOW };
  }

  test('every site once; offered first; total, stable order; score and reasons fit', () => {
    for (let seed = 0; seed < 3_000; seed++) {
      const random = createRandom(seed);
      const question = makeQuestion(random);
      const ranking = choose(question);
      const message = `seed ${seed}`;
      const ids = ranking.map(({ state }) => state.site);
      expect([...ids].sort(), message).toEqual(question.sites.map(s => s.site).sort());

      const shuffled = question.sites
        .map(s => ({ s, at: random() }))
        .sort((x, y) => x.at - y.at)
        .map(({ s }) => s);
      const again = choose({ ...question, sites: shuffled });
      expect(again.map(({ state }) => state.site), message).toEqual(ids);

      const offers = ranking.map(({ offered }) => offered);
      expect(offers.lastIndexOf(true) < (offers.indexOf(false) + 1 || offers.length + 1), message).toBe(true);
      for (const [index, { state, offered, score, reasons }] of ranking.entries()) {
        expect(offered, message).toBe(state.up && state.active && state.site !== question.viewer.asking);
        expect(score, message).toBeLessThanOrEqual(ranking[index - 1]?.score ?? 1);
        expect(score > 0, message).toBe(offered);
        for (const reason of reasons()) reasonSchema.parse(reason);
      }
      const zoneSite = ranking.find(({ state }) => state.site === question.viewer.zone?.site);
      const holderUp = ranking.some(({ offered, holds }) => offered && holds);
      if (zoneSite?.offered && holderUp) expect(ranking[0], message).toBe(zoneSite);

      const few = shortlist(ranking, 3);
      expect(few.length, message).toBe(Math.min(3, offers.filter(Boolean).length));
      if (holderUp) expect(few.some(({ holds }) => holds), message).toBe(true);
    }
  });
});
