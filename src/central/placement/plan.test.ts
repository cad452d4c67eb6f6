/** The placement plan: each rule by itself, and rules in combination. */
import { describe, expect, test } from 'vitest';
import {
  newRevisionId,
  newSiteId,
  newVideoId,
  type RevisionId,
  type SiteId,
  type VideoId,
} from '../../protocol/base/ids.ts';
import { type PlacementRule, placementRuleSchema } from '../../protocol/copies.ts';
import { type PlanInput, type PlannedSite, type PlannedVideo, plan } from './plan.ts';
import { makeCopyReport, type ReportInput } from './report.ts';

const MB = 1_000_000;
const site = (name: string, region?: string): PlannedSite => ({
  id: newSiteId(),
  name,
  region,
  isAvailable: true,
  presence: 'steady',
  servesViewers: true,
});
const north1 = site('Beijing', 'North');
const north2 = site('Tianjin', 'North');
const south1 = site('Guangzhou', 'South');
const south2 = site('Shenzhen', 'South');
const sites = [north1, north2, south1, south2];
const makeVideo = (origin: PlannedSite, sizeBytes = 100 * MB): PlannedVideo => ({
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
  assigned: new Map(),
  plays: new Map<VideoId, number>(),
  ...changes,
});
const reportInput = (changes: Partial<ReportInput>): ReportInput => ({
  ...input(changes),
  stored: [],
  reports: new Map(),
  ...changes,
});
const sitesOf = (result: ReturnType<typeof plan>, { id }: PlannedVideo): SiteId[] =>
  result.copies.filter(copy => copy.video === id).map(copy => copy.site);
const codes = (list: readonly { readonly why: { readonly code: string } }[]): string[] =>
  list.map(({ why }) => why.code);

describe('at least N copies', () => {
  const twice = rule({ kind: 'at-least', copies: 2 });
  const elsewhere = rule({ kind: 'at-least', copies: 2, inDifferentRegions: true });

  test('counts the origin, and never assigns a copy to it', () => {
    const videos = Array.from({ length: 20 }, () => makeVideo(north1));
    const result = plan(input({ rules: [twice], videos }));
    for (const video of videos) {
      expect(sitesOf(result, video)).toHaveLength(1);
      expect(sitesOf(result, video)).not.toContain(north1.id);
    }
    expect(result.unmet).toEqual([]);
  });

  test('chooses another region if the rule requires it', () => {
    const videos = Array.from({ length: 20 }, () => makeVideo(north1));
    const result = plan(input({ rules: [elsewhere], videos }));
    for (const video of videos) expect([south1.id, south2.id]).toContain(sitesOf(result, video)[0]);
  });

  test('reports an impossible rule: there are two regions, and it requires three', () => {
    const video = makeVideo(north1);
    const result = plan(
      input({ rules: [rule({ kind: 'at-least', copies: 3, inDifferentRegions: true })], videos: [video] }),
    );
    expect(sitesOf(result, video)).toHaveLength(1);
    expect(result.unmet).toMatchObject([{ video: video.id, why: { code: 'too-few' } }]);
  });

  test('keeps the stored copies, so planning again changes nothing', () => {
    const videos = Array.from({ length: 50 }, () => makeVideo(north1));
    const first = plan(input({ rules: [twice], videos }));
    const stored = videos.map(video => {
      const at = sites.find(({ id }) => id === sitesOf(first, video)[0]) ?? south1;
      return copyOf(video, at);
    });
    const more = [...videos, makeVideo(south1)];
    const again = plan(input({ rules: [twice], videos: more, copies: stored }));
    for (const video of videos) expect(sitesOf(again, video)).toEqual(sitesOf(first, video));
  });

  test('distributes copies evenly over the sites', () => {
    const videos = Array.from({ length: 90 }, () => makeVideo(north1));
    const result = plan(input({ rules: [twice], videos }));
    for (const { id } of [north2, south1, south2]) {
      expect(result.copies.filter(copy => copy.site === id)).toHaveLength(30);
    }
  });

  test('replaces the copies of a lost site', () => {
    const video = makeVideo(north1);
    const gone = { ...north1, isAvailable: false };
    const result = plan(
      input({
        rules: [twice],
        videos: [video],
        sites: [gone, north2, south1, south2],
        copies: [copyOf(video, south1)],
      }),
    );
    expect(sitesOf(result, video)).toHaveLength(2);
    expect(sitesOf(result, video)).toContain(south1.id);
  });

  test('applies only to the videos of the named sites', () => {
    const [mine, theirs] = [makeVideo(north1), makeVideo(south1)];
    const ofNorth = rule({ kind: 'at-least', copies: 2, of: { region: 'North' } });
    const result = plan(input({ rules: [ofNorth], videos: [mine, theirs] }));
    expect(sitesOf(result, mine)).toHaveLength(1);
    expect(sitesOf(result, theirs)).toEqual([]);
  });
});

describe('sites that are not simply up', () => {
  const twice = rule({ kind: 'at-least', copies: 2 });
  const withSites = (...changed: readonly PlannedSite[]): readonly PlannedSite[] =>
    sites.map(each => changed.find(({ id }) => id === each.id) ?? each);
  const videos = Array.from({ length: 12 }, () => makeVideo(north1));

  test.each(['interrupted', 'absent', 'returning'] as const)('get no new copies while %s', presence => {
    const down = [north2, south1].map(each => ({ ...each, presence }));
    const rules = [
      twice,
      rule({ kind: 'hot', top: 100, at: 'all', minPlaysADay: 1 }),
      ...videos.map(({ id }) => rule({ kind: 'by-hand', video: id, site: south1.id })),
    ];
    const plays = new Map(videos.map(({ id }) => [id, 9]));
    const result = plan(input({ rules, videos, plays, sites: withSites(...down) }));
    expect(new Set(result.copies.map(copy => copy.site))).toEqual(new Set([south2.id]));
    expect(new Set(codes(result.rejected))).toEqual(new Set(['site-down']));
  });

  test('keep their copies during a short outage, and no copies are made elsewhere', () => {
    const copies = videos.map(video => copyOf(video, south1));
    const down = { ...south1, presence: 'interrupted' as const };
    const result = plan(input({ rules: [twice], videos, copies, sites: withSites(down) }));
    for (const video of videos) expect(sitesOf(result, video)).toEqual([south1.id]);
  });

  test('do not count when they are down for long, and keep their copies until they are back for a while', () => {
    const copies = videos.map(video => copyOf(video, south1));
    for (const presence of ['absent', 'returning'] as const) {
      const down = { ...south1, presence };
      const result = plan(input({ rules: [twice], videos, copies, sites: withSites(down) }));
      for (const video of videos) {
        expect(sitesOf(result, video)).toHaveLength(2);
        expect(sitesOf(result, video)).toContain(south1.id);
        expect(result.holders.get(video.id)).toBe(1);
      }
    }
    const replaced = [...copies, ...videos.map(video => copyOf(video, south2))];
    const back = plan(input({ rules: [twice], videos, copies: replaced }));
    for (const video of videos) expect(sitesOf(back, video)).toHaveLength(1);
  });

  test('as an origin that is down for long or damaged do not count either', () => {
    const down = withSites({ ...north1, presence: 'absent' });
    const lone = plan(input({ rules: [twice], videos, sites: down }));
    for (const video of videos) expect(sitesOf(lone, video)).toHaveLength(2);
    const damaged = videos.map(video => ({ ...video, isDamaged: true as const }));
    const result = plan(input({ rules: [twice], videos: damaged }));
    for (const video of damaged) {
      expect(sitesOf(result, video)).toHaveLength(2);
      expect(result.holders.get(video.id)).toBe(0);
    }
  });

  test('that fetch a copy keep the assignment, also while they are down for a short time', () => {
    const first = plan(input({ rules: [twice], videos }));
    const assigned = new Map(videos.map(video => [video.id, new Set(sitesOf(first, video))]));
    const more = [...videos, ...Array.from({ length: 5 }, () => makeVideo(south2))];
    const down = withSites({ ...south1, presence: 'interrupted' });
    const again = plan(input({ rules: [twice], videos: more, assigned, sites: down }));
    for (const video of videos) expect(sitesOf(again, video)).toEqual(sitesOf(first, video));
  });

  test('that serve no viewers get no popular videos, and copies for redundancy only if no other site can', () => {
    const silent = [south1, south2].map(each => ({ ...each, servesViewers: false }));
    const plays = new Map(videos.map(({ id }) => [id, 9]));
    const rules = [twice, rule({ kind: 'hot', top: 100, at: { region: 'South' } })];
    const result = plan(input({ rules, videos, plays, sites: withSites(...silent) }));
    expect(new Set(result.copies.map(copy => copy.site))).toEqual(new Set([north2.id]));
    expect(new Set(codes(result.rejected))).toEqual(new Set(['uploads-only']));
    const only = [north1, ...silent];
    expect(plan(input({ rules: [twice], videos, sites: only })).copies).toHaveLength(videos.length);
  });

  test('without space get no copies, and lose those that they have not finished', () => {
    const [small, large] = [makeVideo(north1, 60 * MB), makeVideo(north1, 60 * MB)];
    const pins = [small, large].map(({ id }) => rule({ kind: 'by-hand', video: id, site: south1.id }));
    const tight = withSites({ ...south1, freeBytes: 100 * MB });
    const result = plan(input({ rules: pins, videos: [small, large], sites: tight }));
    expect(result.copies).toHaveLength(1);
    expect(codes(result.rejected)).toEqual(['no-space']);
    const full = withSites({ ...south1, freeBytes: 0 });
    const assigned = new Map([[small.id, new Set([south1.id])]]);
    expect(
      sitesOf(plan(input({ rules: [twice], videos: [small], assigned, sites: full })), small),
    ).not.toContain(south1.id);
    const copies = [copyOf(small, south1)];
    expect(sitesOf(plan(input({ rules: [twice], videos: [small], copies, sites: full })), small)).toEqual([
      south1.id,
    ]);
  });
});

describe('popular videos', () => {
  const videos = Array.from({ length: 5 }, () => makeVideo(north1));
  const plays = new Map(videos.map((video, n) => [video.id, 10 * n]));
  const hot = (more: object = {}) => rule({ kind: 'hot', top: 2, at: { region: 'South' }, ...more });

  test('are copied to every site of the region', () => {
    const result = plan(input({ rules: [hot()], videos, plays }));
    expect(videos.map(video => sitesOf(result, video).length)).toEqual([0, 0, 0, 2, 2]);
    expect(new Set(codes(result.copies))).toEqual(new Set(['hot']));
  });

  test('must reach the minimum number of plays', () => {
    const result = plan(input({ rules: [hot({ minPlaysADay: 35 })], videos, plays }));
    expect(videos.map(video => sitesOf(result, video).length)).toEqual([0, 0, 0, 0, 2]);
  });

  test('count for redundancy, too: no additional copy is made', () => {
    const result = plan(
      input({
        rules: [rule({ kind: 'at-least', copies: 2 }), hot({ at: { sites: [south2.id] } })],
        videos,
        plays,
      }),
    );
    expect(sitesOf(result, videos[4] as PlannedVideo)).toEqual([south2.id]);
  });

  test('yield to redundancy under a storage limit, and the most played video comes first', () => {
    const cold = makeVideo(north2);
    const rules = [
      rule({ kind: 'at-least', copies: 2, of: { sites: [north2.id] } }),
      hot({ at: { sites: [south1.id] } }),
      rule({ kind: 'at-most', bytes: 200 * MB, at: { sites: [south1.id] } }),
      rule({ kind: 'at-most', bytes: 0, at: { sites: [north1.id, south2.id] } }),
    ];
    const result = plan(input({ rules, videos: [...videos, cold], plays }));
    expect(sitesOf(result, cold)).toEqual([south1.id]);
    expect(sitesOf(result, videos[4] as PlannedVideo)).toEqual([south1.id]);
    expect(result.rejected).toMatchObject([
      { video: videos[3]?.id, site: south1.id, why: { code: 'over-limit' } },
    ]);
  });
});

describe('restrictions', () => {
  test('keep the videos of a site there, even if an operator pins one elsewhere, and are reported', () => {
    const video = makeVideo(north1);
    const rules = [
      rule({ kind: 'stays', of: { sites: [north1.id] } }),
      rule({ kind: 'at-least', copies: 2 }),
      rule({ kind: 'by-hand', video: video.id, site: south1.id }),
    ];
    const result = plan(input({ rules, videos: [video], copies: [copyOf(video, south2)] }));
    expect(result.copies).toEqual([]);
    expect(codes(result.rejected)).toEqual(['stays']);
    expect(codes(result.unmet)).toEqual(['stays']);
  });

  test('limit the bytes of copies exactly, by their actual sizes', () => {
    const [small, large] = [makeVideo(north1, 60 * MB), makeVideo(north1, 60 * MB)];
    const rules = [
      rule({ kind: 'at-most', bytes: 120 * MB, at: 'all' }),
      ...[small, large].map(video => rule({ kind: 'by-hand', video: video.id, site: south1.id })),
    ];
    expect(plan(input({ rules, videos: [small, large] })).copies).toHaveLength(2);
    const grown = [{ ...copyOf(small, south1), sizeBytes: 60 * MB + 1 }];
    const result = plan(input({ rules, videos: [small, large], copies: grown }));
    expect(sitesOf(result, small)).toEqual([south1.id]);
    expect(codes(result.rejected)).toEqual(['over-limit']);
  });

  test('ignore rules for an unknown video or site', () => {
    const video = makeVideo(north1);
    const rules = [
      rule({ kind: 'by-hand', video: newVideoId(), site: south1.id }),
      rule({ kind: 'by-hand', video: video.id, site: newSiteId() }),
      rule({ kind: 'by-hand', video: video.id, site: north1.id }),
    ];
    expect(plan(input({ rules, videos: [video] })).copies).toEqual([]);
  });
});

describe('the report', () => {
  const [safe, risky, old] = [makeVideo(north1), makeVideo(north1), makeVideo(south1)];
  const report = makeCopyReport(
    reportInput({
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

  test('lists videos first whose current revision is at only one site', () => {
    expect(report.atRisk).toBe(2);
    expect(new Set(report.placements.slice(0, 2).map(({ video: id }) => id))).toEqual(
      new Set([risky.id, old.id]),
    );
    expect(of(safe)?.holders).toBe(3);
  });

  test('shows the state of each copy, and its reason', () => {
    expect(of(safe)?.copies.map(copy => [copy.site.name, copy.state, copy.code])).toEqual([
      ['Guangzhou', 'complete', 'by-hand'],
      ['Shenzhen', 'leaving', 'not-wanted'],
    ]);
    expect(of(old)?.copies).toMatchObject([{ state: 'outdated' }]);
    expect(of(risky)?.copies).toMatchObject([{ state: 'copying', code: 'hot' }]);
  });

  test('lists the next evictions: popular copies before pinned ones', () => {
    const south = report.sites.find(({ id }) => id === south1.id);
    expect(south?.nextEvictions.map(({ video: id }) => id)).toEqual([risky.id, safe.id]);
  });

  test('has pages', () => {
    const page = makeCopyReport(reportInput({ videos: [safe, risky, old] }), { after: 1, limit: 1 });
    expect(page.placements).toHaveLength(1);
    expect(page.more).toBe(true);
  });
});

test('ten thousand videos and a hundred sites are planned within five seconds', () => {
  const many = Array.from({ length: 100 }, (_, n) => site(`Site ${n}`, `Region ${n % 10}`));
  const videos = Array.from({ length: 10_000 }, (_, n) => makeVideo(many[n % 100] as PlannedSite));
  const startedMs = performance.now();
  const result = plan(
    input({
      rules: [rule({ kind: 'at-least', copies: 2, inDifferentRegions: true })],
      videos,
      sites: many,
    }),
  );
  expect(result.copies).toHaveLength(10_000);
  expect(performance.now() - startedMs).toBeLessThan(5_000);
});
