import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SiteId } from '../../../protocol/base/ids.ts';
import type { BeaconResponse, PlayResponse } from '../../../protocol/tracker.ts';
import { type BeaconBody, type BeaconDeps, formatBeaconUrl, startBeacon } from './beacon.ts';
import { SiteBusy } from './sample.ts';

const PLAY = {
  video: 'v',
  session: 's',
  steering: 'http://tracker.example:1/steer/v?pathways=a.b',
  sources: [
    { site: 'a', baseUrl: 'http://a.example:1' },
    { site: 'b', baseUrl: 'http://b.example:1' },
  ],
} as unknown as PlayResponse;
const VIEWER = { client: undefined, grant: undefined };
const NOTHING: BeaconResponse = { measure: [], priority: [], nextInS: 10 };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function start(deps: Partial<BeaconDeps> = {}) {
  const sent: BeaconBody[] = [];
  const priorities: (readonly string[])[] = [];
  const beacon = startBeacon({
    readPlay: () => PLAY,
    viewer: VIEWER,
    send: async (_url, body) => {
      sent.push(body);
      return NOTHING;
    },
    measureSample: async () => ({ rttMs: 5, bps: 1_000 }),
    isBlocked: () => false,
    onPriority: pathways => priorities.push(pathways),
    now: () => Date.now(),
    ...deps,
  });
  return { beacon, sent, priorities };
}

describe('a beacon', () => {
  it('reports at once, and again when the tracker wants', async () => {
    const { sent } = start();
    await vi.advanceTimersByTimeAsync(0);
    expect(sent).toEqual([{ results: [] }]);
    await vi.advanceTimersByTimeAsync(9_999);
    expect(sent.length).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(sent.length).toBe(2);
  });
  it('reports segments with their site, at most once a second', async () => {
    const { beacon, sent } = start();
    await vi.advanceTimersByTimeAsync(0);
    beacon.record({ host: 'a.example:1', bps: 7 });
    beacon.record({ host: 'b.example:1', bps: undefined });
    beacon.record({ host: 'unknown.example:1', bps: 9 });
    await vi.advanceTimersByTimeAsync(999);
    expect(sent.length).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    // The current site is the last one that delivered.
    expect(sent[1]).toEqual({
      current: 'a',
      results: [
        { site: 'a', kind: 'segment', bps: 7 },
        { site: 'b', kind: 'segment', failed: true },
      ],
    });
  });
  it('says so when the browser blocks a site', async () => {
    const measure = ['a', 'b'].map(site => ({ site: site as SiteId, url: `http://${site}/` }));
    const { beacon, sent } = start({
      isBlocked: site => site === 'a',
      measureSample: async () => Promise.reject(new TypeError('Failed to fetch')),
      send: async (_url, body) => {
        sent.push(body);
        return sent.length === 1 ? { ...NOTHING, measure } : NOTHING;
      },
    });
    beacon.record({ host: 'a.example:1', bps: undefined });
    await vi.advanceTimersByTimeAsync(1_001);
    expect(sent.flatMap(({ results }) => results)).toEqual([
      { site: 'a', kind: 'segment', failed: true, blocked: true },
      { site: 'a', kind: 'sample', failed: true, blocked: true },
      { site: 'b', kind: 'sample', failed: true },
    ]);
  });
  it('reports blocked sites before anything is loaded from them', async () => {
    const { beacon, sent } = start();
    beacon.recordBlocked(['a' as SiteId]);
    await vi.advanceTimersByTimeAsync(0);
    expect(sent).toEqual([{ results: [{ site: 'a', kind: 'sample', failed: true, blocked: true }] }]);
  });
  it('keeps the last 32 results', async () => {
    const { beacon, sent } = start();
    await vi.advanceTimersByTimeAsync(0);
    for (let bps = 1; bps <= 40; bps++) beacon.record({ host: 'a.example:1', bps });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sent[1]?.results.length).toBe(32);
    expect(sent[1]?.results[0]).toMatchObject({ bps: 9 });
  });
  it('measures the sites that the tracker selects, and reports them at once', async () => {
    const measure = ['a', 'b', 'c'].map(site => ({ site: site as SiteId, url: `http://${site}/` }));
    const sent: BeaconBody[] = [];
    start({
      send: async (_url, body) => {
        sent.push(body);
        return sent.length === 1 ? { ...NOTHING, measure } : NOTHING;
      },
      measureSample: async url => {
        if (url === 'http://b/') throw new Error('timeout');
        if (url === 'http://c/') throw new SiteBusy();
        return { rttMs: 5, bps: 0 };
      },
    });
    await vi.advanceTimersByTimeAsync(1);
    // Without throughput, only the round trip is reported. A site at its limits has not failed.
    expect(sent[1]?.results).toEqual([
      { site: 'a', kind: 'sample', rttMs: 5 },
      { site: 'b', kind: 'sample', failed: true },
    ]);
  });
  it('passes on the order of two sites or more', async () => {
    const orders = [['a'], ['b', 'a']];
    const { priorities } = start({
      send: async () => ({ ...NOTHING, nextInS: 1, priority: orders.shift() ?? [] }),
    });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(priorities).toEqual([['b', 'a']]);
  });
  it('tries again ten seconds after a failure', async () => {
    let attempts = 0;
    start({
      send: async () => {
        attempts++;
        throw new Error('down');
      },
    });
    await vi.advanceTimersByTimeAsync(9_999);
    expect(attempts).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(attempts).toBe(2);
  });
  it('stops', async () => {
    const { beacon, sent } = start();
    beacon.stop();
    beacon.record({ host: 'a.example:1', bps: 7 });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sent).toEqual([]);
  });
});

it('the address of a beacon carries the pathways and the viewer', () => {
  expect(formatBeaconUrl(PLAY, VIEWER)).toBe('http://tracker.example:1/beacon/s?video=v&pathways=a.b');
  const other = { ...PLAY, steering: 'http://tracker.example:1/steer/v' };
  expect(formatBeaconUrl(other, { client: '10.0.0.1', grant: 'g' })).toBe(
    'http://tracker.example:1/beacon/s?video=v&pathways=&client=10.0.0.1&grant=g',
  );
});
