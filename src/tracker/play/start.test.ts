import { expect, test } from 'vitest';
import type { RevisionId, SiteId, VideoId } from '../../protocol/ids.ts';
import { createSessions } from '../client/sessions.ts';
import { createViewers, NO_ZONES } from '../client/viewers.ts';
import { NetworkMemory } from '../memory/network-memory.ts';
import { Registry } from '../registry/registry.ts';
import { createAnswers } from './decide.ts';
import { createBegin } from './start.ts';
import { createWorld } from './ranking-state.ts';

const idOf = (n: number): SiteId => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}` as SiteId;
const video = '01890000-0000-7000-8000-0000000000aa' as VideoId;
const revision = '01890000-0000-7000-8000-0000000000bb' as RevisionId;
const SITES = [1, 2, 3];
const BEST = idOf(2);
const client = '10.1.2.3';

test('a viewer who begins at a site that is tried is at home at the best one, and steering knows it', () => {
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
  const asker = viewers.at(client);
  const world = createWorld(
    registry,
    'auto',
    () => health,
    () => 0,
  );
  const answers = createAnswers({
    registry,
    world,
    memory,
    partialHolders: () => [],
    rights: { open: () => undefined },
    onPlayed() {},
    missing: () => undefined,
  });
  // One site has been measured, so that there is something to compare the others with.
  for (const voice of [1, 2, 3])
    memory.note(asker.where!, voice, { site: BEST, bps: 20e6, weight: 1 }, Date.now());
  const begin = createBegin(
    answers,
    createSessions(Buffer.alloc(32, 7)),
    memory,
    { noteSent() {} },
    { note() {} },
  );
  const seen = { tried: 0, others: 0 };
  for (let n = 0; n < 5_000 && seen.tried < 5; n++) {
    const { decision, places, pathways } = begin(video, asker, undefined);
    expect([...pathways].sort()).toEqual(SITES.map(idOf));
    expect(pathways[0]).toBe(BEST);
    if (decision.isExploring) {
      seen.tried++;
      expect(places[0].site).not.toBe(BEST);
      expect(pathways[1]).toBe(places[0].site);
    } else {
      seen.others++;
      expect(pathways).toEqual(places.map(({ site }) => site));
    }
  }
  expect(seen.tried).toBe(5);
  expect(seen.others).toBeGreaterThan(20);
});
