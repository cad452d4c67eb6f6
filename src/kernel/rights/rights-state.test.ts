import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newVideoId, type VideoId } from '../../protocol/base/ids.ts';
import { CLOCK_TOLERANCE_S, type RightsPage } from '../../protocol/rights.ts';
import { RightsState } from './rights-state.ts';

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-rights-'));
  path = join(directory, 'rights.json');
});
afterEach(() => rm(directory, { recursive: true }));

const nowS = Math.floor(Date.now() / 1_000);
const key = (fill: number): string => Buffer.alloc(32, fill).toString('base64url');
const page = (changes: Partial<RightsPage> = {}): RightsPage => ({
  position: 1,
  more: false,
  keys: [{ generation: 1, key: key(1) }],
  videos: [],
  revoked: [],
  ...changes,
});

describe('the rights state', () => {
  it('is the same after a restart, in a file that only its owner may read', async () => {
    const state = RightsState.open(path);
    const [a, b, c] = [newVideoId(), newVideoId(), newVideoId()];
    state.apply(
      page({
        position: 7,
        videos: [{ video: a, isPrivate: true, isInternal: true }],
        revoked: [{ grant: 'aaaaaaaaaaaaaaaa', expiresS: nowS + 60 }],
      }),
    );
    state.mark('own', b, true);
    state.mark('tracker', c, true);
    await Promise.all([state.save(), state.save(), state.save()]);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const again = RightsState.open(path);
    expect(again.position).toBe(7);
    expect([a, b, c, newVideoId()].map(video => again.isPrivate(video))).toEqual([true, true, true, false]);
    expect(again.isOpenToHouseNetworks(a)).toBe(true);
    expect(again.isRevoked('aaaaaaaaaaaaaaaa')).toBe(true);
    expect(again.ownKey).toEqual(state.ownKey);
    expect(again.newest).toEqual({ generation: 1, key: Buffer.alloc(32, 1) });
  });

  it('knows which private videos viewers in house networks may watch, once central has said it', () => {
    const state = RightsState.open();
    const video = newVideoId();
    const isOpen: boolean[] = [state.isOpenToHouseNetworks(video)];
    for (const change of [
      { video, isPrivate: true, isInternal: true },
      { video, isPrivate: true },
      { video, isPrivate: true, isInternal: true },
    ] as const) {
      state.apply(page({ position: isOpen.length + 1, videos: [change] }));
      isOpen.push(state.isOpenToHouseNetworks(video));
    }
    expect(isOpen).toEqual([true, true, false, true]);
    const copy = RightsState.open();
    copy.restore(state.content());
    expect(copy.isOpenToHouseNetworks(video)).toBe(true);
    state.apply(page({ position: 9, videos: [{ video, isPrivate: true }] }));
    // Earlier versions of a site can read the file.
    expect(state.content()).not.toHaveProperty('internal');
  });

  it('reports when a video becomes private and when it stops being private, from all sources together', () => {
    const state = RightsState.open();
    const changes: [VideoId, boolean][] = [];
    state.onChange(video => changes.push([video, state.isPrivate(video)]));
    const video = newVideoId();
    state.mark('tracker', video, true);
    state.mark('own', video, true);
    state.apply(page({ videos: [{ video, isPrivate: true }] }));
    // Central overrides the tracker, but not this site.
    state.apply(page({ position: 2, videos: [{ video, isPrivate: false }] }));
    expect(state.isPrivate(video)).toBe(true);
    state.markOwn(new Set());
    expect(changes).toEqual([
      [video, true],
      [video, false],
    ]);
  });

  it('accepts an old key until it expires', () => {
    const state = RightsState.open();
    state.apply(
      page({
        keys: [
          { generation: 2, key: key(2) },
          { generation: 1, key: key(1), untilS: nowS + 100 },
        ],
      }),
    );
    expect(state.newest?.generation).toBe(2);
    expect(state.findKey(1, nowS)).toEqual(Buffer.alloc(32, 1));
    expect(state.findKey(1, nowS + 100 + CLOCK_TOLERANCE_S)).toBeDefined();
    expect(state.findKey(1, nowS + 101 + CLOCK_TOLERANCE_S)).toBeUndefined();
    expect(state.findKey(2, nowS + 1e6)).toBeDefined();
    expect(state.findKey(3, nowS)).toBeUndefined();
  });

  it('forgets revocations of expired grants', () => {
    const state = RightsState.open();
    state.apply(page({ revoked: [{ grant: 'aaaaaaaaaaaaaaaa', expiresS: nowS - CLOCK_TOLERANCE_S - 10 }] }));
    expect(state.isRevoked('aaaaaaaaaaaaaaaa')).toBe(false);
  });
});
