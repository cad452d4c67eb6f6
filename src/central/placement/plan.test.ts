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
  plays: new Map<VideoId, number>(),
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
    const page = makeCopyReport(input({ videos: [safe, risky, old] }), { after: 1, limit: 1 });
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
