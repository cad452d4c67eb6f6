import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { silentLog } from '../../kernel/log.ts';
import { newRevisionId, newSiteId, newVideoId, type SiteId, type VideoId } from '../../protocol/base/ids.ts';
import type { Change } from '../../protocol/central.ts';
import { readSnapshot, writeSnapshot } from '../sync/snapshot.ts';
import { CHUNK_BYTES } from './arena.ts';
import { Registry } from './registry.ts';

const [origin, other] = [newSiteId(), newSiteId()];
const video = newVideoId();
const revision = newRevisionId();
const picture = (bandwidthBps: number) => ({
  kind: 'video' as const,
  id: 'source-video',
  codec: 'avc1.64001f',
  bandwidthBps,
  averageBandwidthBps: bandwidthBps - 1,
  width: 1_280,
  height: 720,
  frameRate: 25,
});
const published = (changes: Partial<Extract<Change, { kind: 'video' }>> = {}): Change => ({
  kind: 'video',
  position: 1,
  site: origin,
  video,
  version: 1,
  revision,
  name: 'A lecture 讲座',
  bitrateBps: 1,
  durationMs: 1,
  renditions: [picture(5_000_000)],
  ...changes,
});
const withdrawn = (version: number, site = origin): Change => ({
  kind: 'withdrawn',
  position: 2,
  site,
  video,
  version,
});
const joined = (zone: string[], active = true): Change => ({
  kind: 'site',
  position: 3,
  site: origin,
  name: 'Hangzhou',
  baseUrl: 'http://127.0.0.2:8090',
  zone,
  active,
});

const registryOf = (...changes: Change[]): Registry => {
  const registry = new Registry();
  registry.apply(changes);
  return registry;
};

/** The properties of a video as plain values. */
function read(registry: Registry, id: VideoId) {
  const found = registry.find(id);
  if (found.kind !== 'known') return found.kind;
  const { site, version, revision, name, bitrateBps, durationMs, renditions, isGrowing, isPrivate } =
    found.video;
  const holders = found.holders.map(siteNumber => registry.siteByNumber(siteNumber));
  const marks = { ...(isGrowing ? { isGrowing } : {}), ...(isPrivate ? { isPrivate } : {}) };
  return { site, version, revision, name, bitrateBps, durationMs, renditions, ...marks, holders };
}
const holdersOf = (registry: Registry): unknown => (read(registry, video) as { holders?: unknown }).holders;

describe('a video', () => {
  test('is unknown, known, withdrawn', () => {
    expect(read(registryOf(), video)).toBe('unknown');
    const { kind: _, position: __, video: id, ...facts } = published() as Extract<Change, { kind: 'video' }>;
    expect(read(registryOf(published()), id)).toEqual({ ...facts, holders: [origin] });
    const registry = registryOf(published(), withdrawn(2));
    expect(read(registry, video)).toBe('withdrawn');
    expect(registry.videoCount).toBe(0);
  });

  test.each<[string, readonly Change[], string, number]>([
    ['a repeated change has no effect', [published(), published()], 'known', 1],
    ['an older version changes nothing', [withdrawn(2), published()], 'withdrawn', 0],
    ['an equal version changes nothing', [published({ version: 2 }), withdrawn(2)], 'known', 1],
    ['published again', [published(), withdrawn(2), published({ version: 3 })], 'known', 1],
    [
      'a copy’s withdrawal leaves the video',
      [published(), published({ site: other }), withdrawn(9, other)],
      'known',
      1,
    ],
    [
      'the origin’s withdrawal includes the copies',
      [published(), published({ site: other }), withdrawn(2)],
      'withdrawn',
      0,
    ],
  ])('%s', (_, changes, state, videos) => {
    const registry = registryOf(...changes);
    expect(registry.find(video).kind).toBe(state);
    expect(registry.videoCount).toBe(videos);
  });

  test('another site holds it only with the same revision, and cannot take it over', () => {
    const copy = published({ site: other, version: 99, name: 'Mine now' });
    expect(read(registryOf(published(), copy), video)).toMatchObject({
      name: 'A lecture 讲座',
      site: origin,
      holders: [origin, other],
    });
    const next = newRevisionId();
    const early = registryOf(published(), published({ site: other, revision: next }));
    expect(read(early, video)).toMatchObject({ revision, holders: [origin] });
    early.apply([published({ version: 2, revision: next })]);
    expect(read(early, video)).toMatchObject({ revision: next, holders: [origin, other] });
    early.apply([published({ version: 3, revision: newRevisionId() })]);
    expect(holdersOf(early)).toEqual([origin]);
  });

  test.each<[string, Partial<Extract<Change, { kind: 'video' }>>]>([
    ['large numbers', { bitrateBps: 2 ** 40, durationMs: 2 ** 53 - 1, version: 2 ** 51 }],
    ['no renditions', { renditions: [] }],
    ['a long name', { name: '讲'.repeat(200) }],
    ['no name', { name: '' }],
    ['a growing video', { isGrowing: true }],
    ['several renditions', { renditions: [picture(9e9), picture(127), picture(128), picture(2 ** 28)] }],
  ])('is returned unchanged: %s', (_, changes) => {
    const {
      kind: __,
      position: ___,
      video: id,
      ...facts
    } = published(changes) as Extract<Change, { kind: 'video' }>;
    expect(read(registryOf(published(changes)), id)).toEqual({ ...facts, holders: [origin] });
  });

  test('unique renditions do not fill the memory', () => {
    const registry = new Registry();
    const ids = Array.from({ length: 60_000 }, () => newVideoId());
    const shaped = (width: number) => [{ ...picture(1_000), width }];
    registry.apply(ids.map((id, n) => published({ video: id, renditions: shaped(n + 1) })));
    expect(registry.tables().shapes.length).toBeLessThanOrEqual(50_000);
    for (const n of [0, 49_999, 50_000, 59_999]) {
      expect(read(registry, ids[n] as VideoId)).toMatchObject({ renditions: shaped(n + 1) });
    }
  });
});

describe('copies', () => {
  const holder = newSiteId();
  const copy = (version: number, of = revision, site = holder): Change => ({
    kind: 'copy',
    position: 4,
    site,
    video,
    version,
    revision: of,
  });
  const gone = (version: number, site = holder): Change => ({
    kind: 'gone',
    position: 5,
    site,
    video,
    version,
  });

  test('count if they have the current revision, in any order of changes', () => {
    expect(holdersOf(registryOf(published(), copy(7)))).toEqual([origin, holder]);
    expect(holdersOf(registryOf(copy(7), published()))).toEqual([origin, holder]);
    const next = newRevisionId();
    const registry = registryOf(published(), copy(7), published({ version: 2, revision: next }));
    expect(holdersOf(registry)).toEqual([origin]);
    registry.apply([copy(8, next)]);
    expect(holdersOf(registry)).toEqual([origin, holder]);
  });

  test('do not create a video that no site has published', () => {
    const registry = registryOf(copy(7));
    expect(read(registry, video)).toBe('unknown');
    expect(registry.videoCount).toBe(0);
    registry.apply([published()]);
    expect(registry.videoCount).toBe(1);
  });

  test('come and go by version without affecting the video', () => {
    const registry = registryOf(published(), copy(7), gone(8), copy(7));
    expect(holdersOf(registry)).toEqual([origin]);
    registry.apply([copy(9)]);
    expect(holdersOf(registry)).toEqual([origin, holder]);
    registry.apply([withdrawn(2)]);
    expect(read(registry, video)).toBe('withdrawn');
    expect(registry.videoCount).toBe(0);
  });

  test('become the video only if central promotes them', () => {
    const inherited = newRevisionId();
    const claim = published({ site: holder, version: 8, revision: inherited });
    const registry = registryOf(published(), copy(7), claim);
    expect(read(registry, video)).toMatchObject({ site: origin, holders: [origin] });
    registry.apply([{ ...claim, version: 9, promoted: true } as Change, gone(1, origin)]);
    expect(read(registry, video)).toMatchObject({ site: holder, revision: inherited, holders: [holder] });
    expect(registry.videoCount).toBe(1);
    // An earlier change of the lost site, repeated after a restart.
    registry.apply([published({ version: 1 })]);
    expect(read(registry, video)).toMatchObject({ site: holder, holders: [holder] });
  });
});

type OfVideo = Extract<Change, { kind: 'video' | 'withdrawn' }>;

/** The same rules, implemented without regard to memory. */
class PlainRegistry {
  readonly #previous = new Map<VideoId, OfVideo[]>();

  apply(change: OfVideo): void {
    const previous = this.#previous.get(change.video) ?? [];
    this.#previous.set(change.video, previous);
    const at = previous.findIndex(each => each.site === change.site);
    if (at < 0) previous.push(change);
    else if ((previous[at]?.version ?? 0) < change.version) previous[at] = change;
  }

  read(id: VideoId) {
    const previous = this.#previous.get(id);
    const first = previous?.[0];
    if (!previous || !first) return 'unknown';
    if (first.kind === 'withdrawn') return 'withdrawn';
    const { kind: _, position: __, video: ___, ...facts } = first;
    const holding = previous.filter(each => each.kind === 'video' && each.revision === first.revision);
    return { ...facts, holders: holding.map(each => each.site) };
  }

  get count(): number {
    return [...this.#previous.values()].filter(([first]) => first?.kind === 'video').length;
  }
}

/** mulberry32 */
function makeRandom(seed: number): (below: number) => number {
  let state = seed;
  return below => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

test.each([1, 2, 3, 4])('random changes give the same result as plain maps (seed %s)', seed => {
  const random = makeRandom(seed);
  const ids = Array.from({ length: 300 }, () => newVideoId());
  const sites = Array.from({ length: 200 }, () => newSiteId());
  const revisions = Array.from({ length: 3 }, () => newRevisionId());
  const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T;
  const registry = new Registry();
  const plain = new PlainRegistry();
  for (let n = 0; n < 20_000; n++) {
    const change = {
      ...(random(4) === 0
        ? withdrawn(1 + random(12))
        : published({
            version: 1 + random(12),
            revision: pick(revisions),
            name: 'n'.repeat(random(40)),
            renditions: Array.from({ length: random(4) }, () => picture(1 + random(1e7))),
          })),
      video: pick(ids),
      site: sites[random(random(8) === 0 ? 200 : 5)] as SiteId,
    } as OfVideo;
    registry.apply([change]);
    plain.apply(change);
  }
  expect(ids.map(id => read(registry, id))).toEqual(ids.map(id => plain.read(id)));
  expect(registry.videoCount).toBe(plain.count);
});

test('a repeated site is replaced, and the version rises', () => {
  const registry = registryOf(joined(['10.1.0.0/16']));
  const before = registry.sitesVersion;
  registry.apply([joined(['10.2.0.0/16'], false)]);
  expect(registry.sitesVersion).toBeGreaterThan(before);
  expect(registry.sites).toHaveLength(1);
  expect(registry.findSite(origin)).toMatchObject({ zone: ['10.2.0.0/16'], active: false });
});

describe('the snapshot', () => {
  async function inDirectory(run: (path: string) => Promise<void>): Promise<void> {
    const directory = await mkdtemp(join(tmpdir(), 'tributary-snapshot-'));
    try {
      await run(join(directory, 'registry.snapshot'));
    } finally {
      await rm(directory, { recursive: true });
    }
  }
  const central = 'http://127.0.0.1:8080';

  const open = async (path: string, from = central) => {
    const registry = new Registry();
    return { registry, position: await readSnapshot(path, from, registry, silentLog) };
  };

  test('restores the registry, which then accepts changes', () =>
    inDirectory(async path => {
      const full = registryOf(joined(['10.1.0.0/16']), published(), published({ site: other }));
      const ids = Array.from({ length: 5_000 }, () => newVideoId());
      for (const [n, id] of ids.entries()) {
        full.apply([published({ video: id, name: `n${n}`, renditions: [picture(n + 2), picture(2 ** 30)] })]);
      }
      full.apply([{ kind: 'withdrawn', position: 9, site: origin, video: ids[7] as VideoId, version: 3 }]);
      await writeSnapshot(path, central, 7, full);
      const { registry, position } = await open(path);
      expect(position).toBe(7);
      expect(registry.videoCount).toBe(5_000);
      expect(registry.sites).toEqual(full.sites);
      for (const id of [video, ...ids]) expect(read(registry, id)).toEqual(read(full, id));

      registry.apply([published({ site: newSiteId() }), published({ video: ids[7] as VideoId, version: 4 })]);
      expect(holdersOf(registry)).toHaveLength(3);
      expect(read(registry, ids[7] as VideoId)).toMatchObject({
        version: 4,
        renditions: [picture(5_000_000)],
      });
    }));

  test('changes during the write may be included and have no effect when repeated', () =>
    inDirectory(async path => {
      const full = registryOf(joined([]));
      const ids = Array.from({ length: 10_000 }, () => newVideoId());
      full.apply(ids.map(id => published({ video: id })));
      const writing = writeSnapshot(path, central, 7, full);
      let isWritten = false;
      const later: Change[] = [];
      const done = writing.then(() => {
        isWritten = true;
      });
      for (let n = 0; !isWritten && n < ids.length; n++) {
        const id = ids[n] as VideoId;
        const more = [published({ video: id, site: other }), published({ video: newVideoId(), site: other })];
        full.apply(more);
        later.push(...more);
        if (n % 50 === 0) await new Promise(resolve => setImmediate(resolve));
      }
      await done;
      const { registry } = await open(path);
      registry.apply(later);
      expect(registry.videoCount).toBe(full.videoCount);
      for (const id of ids) expect(read(registry, id)).toEqual(read(full, id));
    }));

  test('100,000 videos in several chunks are read within a second and accept changes', () =>
    inDirectory(async path => {
      const full = new Registry();
      const name = 'long '.repeat(36);
      const ids = Array.from({ length: 100_000 }, () => newVideoId());
      for (const [n, id] of ids.entries()) full.apply([published({ video: id, name: `${name}${n}` })]);
      await writeSnapshot(path, central, 7, full);
      expect((await stat(path)).size).toBeGreaterThan(CHUNK_BYTES);
      const startedMs = performance.now();
      const { registry } = await open(path);
      const elapsedMs = performance.now() - startedMs;
      expect(registry.videoCount).toBe(100_000);
      expect(elapsedMs).toBeLessThan(1_000);
      for (const [n, id] of ids.entries()) {
        if (n % 10 === 0)
          registry.apply([published({ video: id, version: 2, name: `${name}${n} again`, site: origin })]);
        const found = registry.find(id);
        if (found.kind !== 'known' || found.video.name !== `${name}${n}${n % 10 === 0 ? ' again' : ''}`)
          throw new Error(`video ${n} is another`);
      }
    }));

  test.each<[string, (whole: Buffer) => Buffer]>([
    ['cut off', whole => whole.subarray(0, -30)],
    ['cut off within the videos', whole => whole.subarray(0, 60)],
    ['changed', whole => Buffer.from(whole.toString('latin1').replace('lecture', 'lectura'), 'latin1')],
    [
      'a length changed',
      whole => Buffer.concat([whole.subarray(0, 12), Buffer.alloc(3, 255), whole.subarray(15)]),
    ],
    ['empty', () => Buffer.alloc(0)],
    ['one newline', () => Buffer.from('\n')],
    ['something else', () => Buffer.from('{"snapshot":2}\n{"sha256":"x"}\n'.repeat(10))],
  ])('%s: ignored', (_, damage) =>
    inDirectory(async path => {
      await writeSnapshot(path, central, 7, registryOf(published()));
      const whole = await readFile(path);
      await writeFile(path, damage(whole));
      expect((await readFile(path)).equals(whole)).toBe(false);
      const { registry, position } = await open(path);
      expect(position).toBe(0);
      expect(registry.videoCount).toBe(0);
    }),
  );

  test('private videos stay private; the previous snapshot version is read, a later one is not', () =>
    inDirectory(async path => {
      const registry = registryOf(published({ isPrivate: true }), published({ video: newVideoId() }));
      await writeSnapshot(path, central, 7, registry);
      expect(read((await open(path)).registry, video)).toMatchObject({ isPrivate: true });
      registry.apply([published({ version: 2 })]);
      expect(read(registry, video)).not.toHaveProperty('isPrivate');
      const reseal = async (magic: string): Promise<void> => {
        const body = (await readFile(path)).subarray(0, -32);
        body.write(magic, 0, 'latin1');
        await writeFile(path, Buffer.concat([body, createHash('sha256').update(body).digest()]));
      };
      await reseal('TRIBREG4');
      expect((await open(path)).position).toBe(7);
      await reseal('TRIBREG6');
      expect((await open(path)).position).toBe(0);
    }));

  test('a missing file or one of another central is ignored', () =>
    inDirectory(async path => {
      expect((await open(path)).position).toBe(0);
      await writeSnapshot(path, central, 7, registryOf(published()));
      const { registry, position } = await open(path, 'http://127.0.0.1:9999');
      expect([position, registry.videoCount]).toEqual([0, 0]);
    }));
});
