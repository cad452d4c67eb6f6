/** Assignments that no rule requires end after a delay, so that a change of the rules can be undone. */
import { expect, it } from 'vitest';
import { newRevisionId, newSiteId, newVideoId } from '../../protocol/base/ids.ts';
import { type PlacementRule, placementRuleSchema } from '../../protocol/copies.ts';
import { listPlacementChanges, type StoredAssignment } from './changes.ts';
import { type PlannedSite, type PlannedVideo, plan } from './plan.ts';
import { previewChange } from './preview.ts';
import { byHand } from './why.ts';

const NOW_MS = 1e12;
const RETENTION_MS = 3_600_000;
const site = (name: string, changes: Partial<PlannedSite> = {}): PlannedSite => ({
  ...{ id: newSiteId(), name, isAvailable: true, presence: 'steady', servesViewers: true },
  ...changes,
});
const origin = site('Origin');
const holder = site('Holder');
const video = (): PlannedVideo => ({
  id: newVideoId(),
  name: 'A lecture',
  origin: origin.id,
  revision: newRevisionId(),
  sizeBytes: 100,
});
const videos = [video(), video(), video()];
const copies = videos.map(({ id, revision }) => ({ video: id, site: holder.id, revision, sizeBytes: 110 }));
const stored = (changes: Partial<StoredAssignment> = {}): StoredAssignment[] =>
  videos.map(({ id }) => ({
    ...{ site: holder.id, video: id, isWanted: true, reason: byHand(), endsAtMs: undefined },
    ...changes,
  }));
const pins = videos.map(({ id }) =>
  placementRuleSchema.parse({ kind: 'by-hand', video: id, site: holder.id }),
);
const stateOf = (rules: readonly PlacementRule[], rows: readonly StoredAssignment[]) => ({
  ...{ rules, videos, copies, sites: [origin, holder], assigned: new Map(), plays: new Map(), stored: rows },
});
const changesOf = (state: ReturnType<typeof stateOf>, nowMs = NOW_MS) =>
  listPlacementChanges(state, plan(state), { pending: [], retentionMs: RETENTION_MS, nowMs });

it('a rule that goes changes nothing at once, and everything after the delay', () => {
  const { changes, ends, nextEndMs } = changesOf(stateOf([], stored()));
  expect(changes).toEqual([]);
  expect(ends.map(({ endsAtMs }) => endsAtMs)).toEqual(videos.map(() => NOW_MS + RETENTION_MS));
  expect(nextEndMs).toBe(NOW_MS + RETENTION_MS);
  const ending = stored({ endsAtMs: nextEndMs });
  expect(changesOf(stateOf([], ending), nextEndMs - 1)).toMatchObject({ changes: [], ends: [], nextEndMs });
  expect(changesOf(stateOf([], ending), nextEndMs).changes.map(({ wanted }) => wanted)).toEqual(
    videos.map(() => false),
  );
});

it('a rule that comes back in time keeps the copies', () => {
  const { changes, ends } = changesOf(stateOf(pins, stored({ endsAtMs: NOW_MS + 1 })));
  expect(changes.map(({ wanted }) => wanted)).toEqual(videos.map(() => true));
  expect(ends).toEqual([]);
});

it('a limit holds to the byte: copies that do not fit go at once', () => {
  const limit = placementRuleSchema.parse({ kind: 'at-most', bytes: 220, at: 'all' });
  const { changes, ends } = changesOf(stateOf([limit], stored()));
  expect(changes).toHaveLength(1);
  expect(ends).toHaveLength(2);
});

it('on a full disk, and for withdrawn videos, copies go at once', () => {
  const full = { ...stateOf([], stored()), sites: [origin, { ...holder, freeBytes: 0 }] };
  expect(changesOf(full).changes).toHaveLength(videos.length);
  const withdrawn = { ...stateOf([], stored()), videos: [] };
  expect(changesOf(withdrawn).changes).toHaveLength(videos.length);
});

it('the preview states what a change would delete, and what it would put at risk', () => {
  const state = stateOf(pins, stored());
  expect(previewChange(state, pins.slice(1))).toEqual({
    copies: 1,
    bytes: 110,
    sites: [{ id: holder.id, name: 'Holder', copies: 1, bytes: 110 }],
    newlyAtRisk: 1,
  });
  const stays = placementRuleSchema.parse({ kind: 'stays', of: 'all' });
  expect(previewChange(state, [...pins, stays])).toMatchObject({ copies: 3, bytes: 330, newlyAtRisk: 3 });
  expect(previewChange(state, pins)).toMatchObject({ copies: 0, bytes: 0, sites: [], newlyAtRisk: 0 });
});
