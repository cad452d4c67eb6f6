import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { silentLog } from '../kernel/log.ts';
import type { Change } from '../protocol/central.ts';
import { newRevisionId, newSiteId, newVideoId } from '../protocol/ids.ts';
import { Registry } from './registry.ts';
import { readSnapshot, writeSnapshot } from './snapshot.ts';

const [origin, other] = [newSiteId(), newSiteId()];
const video = newVideoId();
const revision = newRevisionId();
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
  renditions: [],
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

describe('a video', () => {
  test('is unknown, known, withdrawn', () => {
    expect(registryOf().find(video).kind).toBe('unknown');
    expect(registryOf(published()).find(video)).toMatchObject({ kind: 'known', holders: new Set([origin]) });
    const registry = registryOf(published(), withdrawn(2));
    expect(registry.find(video).kind).toBe('withdrawn');
    expect(registry.videoCount).toBe(0);
  });

  test.each<[string, readonly Change[], string, number]>([
    ['what comes twice counts once', [published(), published()], 'known', 1],
    ['what is older changes nothing', [withdrawn(2), published()], 'withdrawn', 0],
    ['an equal version changes nothing', [published({ version: 2 }), withdrawn(2)], 'known', 1],
    ['published again', [published(), withdrawn(2), published({ version: 3 })], 'known', 1],
    [
      'a copy’s withdrawal leaves the video',
      [published(), published({ site: other }), withdrawn(9, other)],
      'known',
      1,
    ],
    [
      'the origin’s withdrawal takes the copies with it',
      [published(), published({ site: other }), withdrawn(2)],
      'withdrawn',
      0,
    ],
  ])('%s', (_, changes, state, videos) => {
    const registry = registryOf(...changes);
    expect(registry.find(video).kind).toBe(state);
    expect(registry.videoCount).toBe(videos);
  });

  test('another site holds it only in the same revision, and cannot take it over', () => {
    const copy = published({ site: other, version: 99, name: 'Mine now' });
    expect(registryOf(published(), copy).find(video)).toMatchObject({
      video: { name: 'A lecture 讲座', site: origin },
      holders: new Set([origin, other]),
    });
    const alien = published({ site: other, version: 99, revision: newRevisionId() });
    expect(registryOf(published(), alien).find(video)).toMatchObject({
      video: { revision },
      holders: new Set([origin]),
    });
  });
});

test('a site that is told again is replaced, and the version rises', () => {
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

  const read = async (path: string, from = central) => {
    const registry = new Registry();
    return { registry, position: await readSnapshot(path, from, registry, silentLog) };
  };

  test('gives the registry again', () =>
    inDirectory(async path => {
      const full = registryOf(joined(['10.1.0.0/16']), published(), published({ site: other }));
      for (let n = 0; n < 5_000; n++) full.apply([published({ video: newVideoId() })]);
      full.apply([{ kind: 'withdrawn', position: 9, site: origin, video: newVideoId(), version: 3 }]);
      await writeSnapshot(path, central, 7, full);
      const { registry, position } = await read(path);
      expect(position).toBe(7);
      expect(registry.videoCount).toBe(5_001);
      expect([...registry.dump()]).toEqual([...full.dump()]);
    }));

  test('what is applied while it is written may be in it, and then counts once', () =>
    inDirectory(async path => {
      const full = registryOf(joined([]));
      for (let n = 0; n < 10_000; n++) full.apply([published({ video: newVideoId() })]);
      const writing = writeSnapshot(path, central, 7, full);
      full.apply([published({ version: 2 })]);
      await writing;
      const { registry } = await read(path);
      registry.apply([published({ version: 2 })]);
      expect(registry.videoCount).toBe(10_001);
    }));

  test('100,000 videos are read within a second', () =>
    inDirectory(async path => {
      const full = new Registry();
      for (let n = 0; n < 100_000; n++) full.apply([published({ video: newVideoId() })]);
      await writeSnapshot(path, central, 7, full);
      const startedMs = performance.now();
      const { registry } = await read(path);
      const elapsedMs = performance.now() - startedMs;
      expect(registry.videoCount).toBe(100_000);
      expect(elapsedMs).toBeLessThan(1_000);
    }));

  test.each<[string, (whole: string) => string]>([
    ['cut off', whole => whole.slice(0, -30)],
    ['cut off at a line', whole => `${whole.split('\n').slice(0, 1).join('\n')}\n`],
    ['changed', whole => whole.replace('lecture', 'lectura')],
    ['empty', () => ''],
    ['one newline', () => '\n'],
    ['something else', () => '{"snapshot":2}\n{"sha256":"x"}\n'],
  ])('%s: none', (_, damage) =>
    inDirectory(async path => {
      await writeSnapshot(path, central, 7, registryOf(published()));
      await writeFile(path, damage(await readFile(path, 'utf8')));
      const { registry, position } = await read(path);
      expect(position).toBe(0);
      expect(registry.videoCount).toBe(0);
    }),
  );

  test('missing, or of another central: none', () =>
    inDirectory(async path => {
      expect((await read(path)).position).toBe(0);
      await writeSnapshot(path, central, 7, registryOf(published()));
      const { registry, position } = await read(path, 'http://127.0.0.1:9999');
      expect([position, registry.videoCount]).toEqual([0, 0]);
    }));
});
