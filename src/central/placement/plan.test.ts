/** The plan: each rule alone, and what they do to one another. */
import { describe, expect, test } from 'vitest';
import { type PlacementRule, placementRuleSchema } from '../../protocol/copies.ts';
import {
  newRevisionId,
  newSiteId,
  newVideoId,
  type RevisionId,
  type SiteId,
  type VideoId,
} from '../../protocol/ids.ts';
import { type PlanInput, type PlannedSite, type PlannedVideo, plan } from './plan.ts';
import { makeCopyReport } from './report.ts';

const MB = 1_000_000;
const site = (name: string, region?: string): PlannedSite => ({
  id: newSiteId(),
  name,
  region,
  isAvailable: true,
});
const north1 = site('Beijing', 'North');
const north2 = site('Tianjin', 'North');
const south1 = site('Guangzhou', 'South');
const south2 = site('Shenzhen', 'South');
const sites = [north1, north2, south1, south2];
const video = (origin: PlannedSite, sizeBytes = 100 * MB): PlannedVideo => ({
  id: newVideoId(),
  name: 'A lecture',
  origin: origin.id,
  revision: newRevisionId(),
  sizeBytes,
});
const rule = (body: unknown): PlacementRule => placementRuleSchema.parse(body);
const copyOf = ({ id, revision, sizeBytes }: PlannedVideo, at: PlannedSite, other?: RevisionId) => ({
  video: id,
  site: at.id,
  revision: other ?? revision,
  sizeBytes,
});
const input = (changes: Partial<PlanInput>): PlanInput => ({
  rules: [],
  videos: [],
  sites,
  copies: [],
  plays: new Map<VideoId, number>(),
  ...changes,
});
const sitesOf = (result: ReturnType<typeof plan>, { id }: PlannedVideo): SiteId[] =>
  result.copies.filter(copy => copy.video === id).map(copy => copy.site);
const codes = (list: readonly { readonly why: { readonly code: string } }[]): string[] =>
  list.map(({ why }) => why.code);

describe('at least N copies', () => {
  const twice = rule({ kind: 'at-least', copies: 2 });
  const apart = rule({ kind: 'at-least', copies: 2, inDifferentRegions: true });

  test('counts the origin, and never puts a copy there', () => {
    const films = Array.from({ length: 20 }, () => video(north1));
    const result = plan(input({ rules: [twice], videos: films }));
    for (const film of films) {
      expect(sitesOf(result, film)).toHaveLength(1);
      expect(sitesOf(result, film)).not.toContain(north1.id);
    }
    expect(result.unmet).toEqual([]);
  });

  test('stands in another region where that is asked for', () => {
    const films = Array.from({ length: 20 }, () => video(north1));
    const result = plan(input({ rules: [apart], videos: films }));
    for (const film of films) expect([south1.id, south2.id]).toContain(sitesOf(result, film)[0]);
  });

  test('says what cannot be: there are two regions, and three are asked for', () => {
    const film = video(north1);
    const result = plan(
      input({ rules: [rule({ kind: 'at-least', copies: 3, inDifferentRegions: true })], videos: [film] }),
    );
    expect(sitesOf(result, film)).toHaveLength(1);
    expect(result.unmet).toMatchObject([{ video: film.id, why: { code: 'too-few' } }]);
  });

  test('keeps what stands already, and so moves nothing when asked again', () => {
    const films = Array.from({ length: 50 }, () => video(north1));
    const first = plan(input({ rules: [twice], videos: films }));
    const standing = films.map(film => {
      const at = sites.find(({ id }) => id === sitesOf(first, film)[0]) ?? south1;
      return copyOf(film, at);
    });
    const more = [...films, video(south1)];
    const again = plan(input({ rules: [twice], videos: more, copies: standing }));
    for (const film of films) expect(sitesOf(again, film)).toEqual(sitesOf(first, film));
  });

  test('spreads over the sites by what they hold', () => {
    const films = Array.from({ length: 90 }, () => video(north1));
    const result = plan(input({ rules: [twice], videos: films }));
    for (const { id } of [north2, south1, south2]) {
      expect(result.copies.filter(copy => copy.site === id)).toHaveLength(30);
    }
  });

  test('makes up for a site that is lost', () => {
    const film = video(north1);
    const gone = { ...north1, isAvailable: false };
    const result = plan(
      input({
        rules: [twice],
        videos: [film],
        sites: [gone, north2, south1, south2],
        copies: [copyOf(film, south1)],
      }),
    );
    expect(sitesOf(result, film)).toHaveLength(2);
    expect(sitesOf(result, film)).toContain(south1.id);
  });

  test('is for the videos of some sites alone, where it says so', () => {
    const [mine, theirs] = [video(north1), video(south1)];
    const ofNorth = rule({ kind: 'at-least', copies: 2, of: { region: 'North' } });
    const result = plan(input({ rules: [ofNorth], videos: [mine, theirs] }));
    expect(sitesOf(result, mine)).toHaveLength(1);
    expect(sitesOf(result, theirs)).toEqual([]);
  });
});

describe('hot titles', () => {
  const films = Array.from({ length: 5 }, () => video(north1));
  const plays = new Map(films.map((film, n) => [film.id, 10 * n]));
  const hot = (more: object = {}) => rule({ kind: 'hot', top: 2, at: { region: 'South' }, ...more });

  test('stand at every site of the region, the most played ones', () => {
    const result = plan(input({ rules: [hot()], videos: films, plays }));
    expect(films.map(film => sitesOf(result, film).length)).toEqual([0, 0, 0, 2, 2]);
    expect(new Set(codes(result.copies))).toEqual(new Set(['hot']));
  });

  test('must be played that often', () => {
    const result = plan(input({ rules: [hot({ minPlaysADay: 35 })], videos: films, plays }));
    expect(films.map(film => sitesOf(result, film).length)).toEqual([0, 0, 0, 0, 2]);
  });

  test('count for safety too: no second copy is made where one is wanted anyway', () => {
    const result = plan(
      input({
        rules: [rule({ kind: 'at-least', copies: 2 }), hot({ at: { sites: [south2.id] } })],
        videos: films,
        plays,
      }),
    );
    expect(sitesOf(result, films[4] as PlannedVideo)).toEqual([south2.id]);
  });

  test('give way to safety where there is no room for both, and the most played one comes first', () => {
    const cold = video(north2);
    const rules = [
      rule({ kind: 'at-least', copies: 2, of: { sites: [north2.id] } }),
      hot({ at: { sites: [south1.id] } }),
      rule({ kind: 'at-most', bytes: 200 * MB, at: { sites: [south1.id] } }),
      rule({ kind: 'at-most', bytes: 0, at: { sites: [north1.id, south2.id] } }),
    ];
    const result = plan(input({ rules, videos: [...films, cold], plays }));
    expect(sitesOf(result, cold)).toEqual([south1.id]);
    expect(sitesOf(result, films[4] as PlannedVideo)).toEqual([south1.id]);
    expect(result.rejected).toMatchObject([
      { video: films[3]?.id, site: south1.id, why: { code: 'over-limit' } },
    ]);
  });
});

describe('what may not be', () => {
  test('nothing of a site leaves it, not even by hand, and that is said', () => {
    const film = video(north1);
    const rules = [
      rule({ kind: 'stays', of: { sites: [north1.id] } }),
      rule({ kind: 'at-least', copies: 2 }),
      rule({ kind: 'by-hand', video: film.id, site: south1.id }),
    ];
    const result = plan(input({ rules, videos: [film], copies: [copyOf(film, south2)] }));
    expect(result.copies).toEqual([]);
    expect(codes(result.rejected)).toEqual(['stays']);
    expect(codes(result.unmet)).toEqual(['stays']);
  });

  test('a limit holds to the byte, by what copies really take', () => {
    const [small, large] = [video(north1, 60 * MB), video(north1, 60 * MB)];
    const rules = [
      rule({ kind: 'at-most', bytes: 120 * MB, at: 'all' }),
      ...[small, large].map(film => rule({ kind: 'by-hand', video: film.id, site: south1.id })),
    ];
    expect(plan(input({ rules, videos: [small, large] })).copies).toHaveLength(2);
    const grown = [{ ...copyOf(small, south1), sizeBytes: 60 * MB + 1 }];
    const result = plan(input({ rules, videos: [small, large], copies: grown }));
    expect(sitesOf(result, small)).toEqual([south1.id]);
    expect(codes(result.rejected)).toEqual(['over-limit']);
  });

  test('a rule for a video or a site that is not there does nothing', () => {
    const film = video(north1);
    const rules = [
      rule({ kind: 'by-hand', video: newVideoId(), site: south1.id }),
      rule({ kind: 'by-hand', video: film.id, site: newSiteId() }),
      rule({ kind: 'by-hand', video: film.id, site: north1.id }),
    ];
    expect(plan(input({ rules, videos: [film] })).copies).toEqual([]);
  });
});

describe('the report', () => {
  const [safe, risky, old] = [video(north1), video(north1), video(south1)];
  const report = makeCopyReport(
    input({
      rules: [
        rule({ kind: 'by-hand', video: safe.id, site: south1.id }),
        rule({ kind: 'by-hand', video: old.id, site: north2.id }),
        rule({ kind: 'hot', top: 1, at: { sites: [south1.id] } }),
      ],
      videos: [safe, risky, old],
      copies: [copyOf(safe, south1), copyOf(old, north2, newRevisionId()), copyOf(safe, south2)],
      plays: new Map([[risky.id, 3]]),
    }),
    { after: 0, limit: 10 },
  );
  const of = ({ id }: PlannedVideo) => report.placements.find(placement => placement.video === id);

  test('names what one site alone holds in its present revision, first', () => {
    expect(report.atRisk).toBe(2);
    expect(new Set(report.placements.slice(0, 2).map(({ video: id }) => id))).toEqual(
      new Set([risky.id, old.id]),
    );
    expect(of(safe)?.holders).toBe(3);
  });

  test('says of each copy how far it is, and why', () => {
    expect(of(safe)?.copies.map(copy => [copy.site.name, copy.state, copy.code])).toEqual([
      ['Guangzhou', 'complete', 'by-hand'],
      ['Shenzhen', 'leaving', 'not-wanted'],
    ]);
    expect(of(old)?.copies).toMatchObject([{ state: 'outdated' }]);
    expect(of(risky)?.copies).toMatchObject([{ state: 'copying', code: 'hot' }]);
  });

  test('says what would go next: what is played goes before what was put there by hand', () => {
    const south = report.sites.find(({ id }) => id === south1.id);
    expect(south?.nextEvictions.map(({ video: id }) => id)).toEqual([risky.id, safe.id]);
  });

  test('comes in pages', () => {
    const page = makeCopyReport(input({ videos: [safe, risky, old] }), { after: 1, limit: 1 });
    expect(page.placements).toHaveLength(1);
    expect(page.more).toBe(true);
  });
});

test('ten thousand videos and a hundred sites are planned within five seconds', () => {
  const many = Array.from({ length: 100 }, (_, n) => site(`Site ${n}`, `Region ${n % 10}`));
  const films = Array.from({ length: 10_000 }, (_, n) => video(many[n % 100] as PlannedSite));
  const startedMs = performance.now();
  const result = plan(
    input({
      rules: [rule({ kind: 'at-least', copies: 2, inDifferentRegions: true })],
      videos: films,
      sites: many,
    }),
  );
  expect(result.copies).toHaveLength(10_000);
  expect(performance.now() - startedMs).toBeLessThan(5_000);
});
