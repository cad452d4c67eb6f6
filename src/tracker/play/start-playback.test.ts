import { expect, test } from 'vitest';
import type { RevisionId, SiteId, VideoId } from '../../protocol/base/ids.ts';
import { createSessions } from '../client/sessions.ts';
import { createViewers, NO_ZONES } from '../client/viewers.ts';
import { NetworkMemory } from '../memory/network-memory.ts';
import { Registry } from '../registry/registry.ts';
import { createDecider } from './decide.ts';
import { createRankingState } from './ranking-state.ts';
import { createStartPlayback, type Playback } from './start-playback.ts';

const idOf = (n: number): SiteId => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}` as SiteId;
const video = '01890000-0000-7000-8000-0000000000aa' as VideoId;
const revision = '01890000-0000-7000-8000-0000000000bb' as RevisionId;
const SITES = [1, 2, 3];
const BEST = idOf(2);
const address = '10.1.2.3';

test('a session that explores a site has the best site as its primary one, also for steering', () => {
  const registry = new Registry();
  for (const n of SITES) {
    registry.apply([
      {
        kind: 'site',
        position: n,
        site: idOf(n),
        name: `Site ${n}`,
        baseUrl: `https://${n}.example`,
        zone: [],
        active: true,
      },
    ]);
  }
  const facts = { name: 'x', bitrateBps: 4e6, durationMs: 60_000, renditions: [] };
  registry.apply([{ kind: 'video', position: 4, site: BEST, video, version: 1, revision, ...facts }]);
  const health = {
    ...{ up: true, degraded: false, since: new Date(0).toISOString(), address: undefined, probeMs: 1 },
    ...{ activeResponses: 0, egressBps: 0, egressLimitBps: undefined, servesViewers: true },
    ...{ lastError: undefined, recoveryLeftMs: 0 },
  };
  const memory = new NetworkMemory();
  const viewers = createViewers(registry, () => NO_ZONES, undefined);
  const request = {
    video,
    address,
    client: viewers.at(address),
    claimedAddress: undefined,
    credentials: {},
    trackerUrl: '',
    sessionId: undefined,
    player: 'script' as const,
  };
  const rankingState = createRankingState({
    registry,
    policy: 'auto',
    healthOf: () => health,
    failureShareOf: () => 0,
  });
  const decider = createDecider({
    registry,
    rankingState,
    memory,
    partialHolders: () => [],
    privateAccess: { open: () => undefined },
    onPlayed() {},
    notReadyReason: () => undefined,
  });
  // One site has measurements, with which the others can be compared.
  for (const reporter of [1, 2, 3])
    memory.record(request.client.network!, reporter, { site: BEST, bps: 20e6, weight: 1 }, Date.now());
  const startPlayback = createStartPlayback({
    decider,
    sessions: createSessions(Buffer.alloc(32, 7)),
    memory,
    ingestion: { recordAssignment() {} },
    audit: { recordWatch() {} },
  });
  const start = (): Playback => {
    const playbacks: Playback[] = [];
    startPlayback(request, playback => {
      playbacks.push(playback);
      return '';
    });
    return playbacks[0]!;
  };
  const seen = { exploring: 0, others: 0 };
  for (let n = 0; n < 5_000 && seen.exploring < 5; n++) {
    const { decision, sites, pathways } = start();
    expect([...pathways].sort()).toEqual(SITES.map(idOf));
    expect(pathways[0]).toBe(BEST);
    if (decision.isExploring) {
      seen.exploring++;
      expect(sites[0].site).not.toBe(BEST);
      expect(pathways[1]).toBe(sites[0].site);
    } else {
      seen.others++;
      expect(pathways).toEqual(sites.map(({ site }) => site));
    }
  }
  expect(seen.exploring).toBe(5);
  expect(seen.others).toBeGreaterThan(20);
});
