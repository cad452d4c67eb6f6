import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAddress } from '../kernel/network.ts';
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

const after = (...changes: Change[]): Registry => {
  const registry = new Registry();
  registry.apply(changes);
  return registry;
};

describe('a video', () => {
  test('is unknown, known, withdrawn', () => {
    expect(after().find(video).state).toBe('unknown');
    expect(after(published()).find(video)).toMatchObject({ state: 'known', holders: [origin] });
    const registry = after(published(), withdrawn(2));
    expect(registry.find(video).state).toBe('withdrawn');
    expect(registry.videos).toBe(0);
  });

  test.each<[string, readonly Change[], string, number]>([
    ['what comes twice counts once', [published(), published()], 'known', 1],
    ['what is older changes nothing', [withdrawn(2), published()], 'withdrawn', 0],
    ['an equal version changes nothing', [published({ version: 2 }), withdrawn(2)], 'known', 1],
    ['published again', [published(), withdrawn(2), published({ version: 3 })], 'known', 1],
    ['a copy’s withdrawal leaves the video', [published(), published({ site: other }), withdrawn(9, other)], 'known', 1],
    ['the origin’s withdrawal takes the copies with it', [published(), published({ site: other }), withdrawn(2)], 'withdrawn', 0],
  ])('%s', (_, changes, state, videos) => {
    const registry = after(...changes);
    expect(registry.find(video).state).toBe(state);
    expect(registry.videos).toBe(videos);
  });

  test('another site holds it only in the same revision, and cannot take it over', () => {
    const copy = published({ site: other, version: 99, name: 'Mine now' });
    expect(after(published(), copy).find(video)).toMatchObject({
      record: { name: 'A lecture 讲座', site: origin },
      holders: [origin, other],
    });
    const alien = published({ site: other, version: 99, revision: newRevisionId() });
    expect(after(published(), alien).find(video)).toMatchObject({ record: { revision }, holders: [origin] });
  });
});

test('zones follow the sites, and inactive ones have none', () => {
  const registry = after(joined(['10.1.0.0/16']));
  const address = parseAddress('10.1.0.1')!;
  expect(registry.zones().find(address)?.site).toBe(origin);
  expect(registry.apply([joined(['10.2.0.0/16'])])).toBe(true);
  expect(registry.zones().find(address)).toBeUndefined();
  registry.apply([joined(['10.1.0.0/16'], false)]);
  expect(registry.zones().find(address)).toBeUndefined();
  expect(registry.apply([published()])).toBe(false);
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

  test('gives the registry again', () =>
    inDirectory(async path => {
      const full = after(joined(['10.1.0.0/16']), published(), published({ site: other }));
      for (let n = 0; n < 5_000; n++) full.apply([published({ video: newVideoId() })]);
      await writeSnapshot(path, central, 7, full.changes());
      const snapshot = await readSnapshot(path, central);
      expect(snapshot?.position).toBe(7);
      const again = after(...(snapshot?.changes ?? []));
      expect(again.videos).toBe(5_001);
      expect(again.find(video)).toEqual(full.find(video));
      expect([...again.sites()]).toEqual([...full.sites()]);
    }));

  test('an empty registry has one too', () =>
    inDirectory(async path => {
      await writeSnapshot(path, central, 0, []);
      expect(await readSnapshot(path, central)).toEqual({ position: 0, changes: [] });
    }));

  test('missing, cut off, changed, or of another central: none', () =>
    inDirectory(async path => {
      expect(await readSnapshot(path, central)).toBeUndefined();
      await writeSnapshot(path, central, 7, after(published()).changes());
      expect(await readSnapshot(path, 'http://127.0.0.1:9999')).toBeUndefined();
      const whole = await readFile(path, 'utf8');
      await writeFile(path, whole.replace('lecture', 'lectura'));
      expect(await readSnapshot(path, central)).toBeUndefined();
      await writeFile(path, whole);
      await truncate(path, whole.length - 30);
      expect(await readSnapshot(path, central)).toBeUndefined();
      await writeFile(path, '');
      expect(await readSnapshot(path, central)).toBeUndefined();
    }));
});
