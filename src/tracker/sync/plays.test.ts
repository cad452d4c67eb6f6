/** Which requests count as plays, and their delivery to a central that fails, repeats and restarts. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../../test/support/eventually.ts';
import { readOrMakeKey } from '../../kernel/identity/keys.ts';
import { silentLog } from '../../kernel/log.ts';
import { newVideoId, type VideoId } from '../../protocol/base/ids.ts';
import { createSessions } from '../client/sessions.ts';
import { createPlayCounts } from '../reports/play-counts.ts';
import { trackerCentralOf } from './central-client.ts';
import { type Plays, startPlays } from './plays.ts';

const PREFIX = '192.0.2.0/24';
const NOW_MS = Date.parse('2026-03-01T12:00:00Z');
const DAY = Math.floor(NOW_MS / 86_400_000);
const NOTHING = { days: [], sessions: [] };
const sessions = createSessions(Buffer.alloc(32, 7));
const playing = (video: VideoId, prefix: string | undefined = PREFIX, userAgent?: string) => ({
  video,
  prefix,
  userAgent,
});
/** A prefix for each number, so that no network reaches its limit. */
const prefixOf = (n: number): string => `10.${n >> 8}.${n & 255}.0/24`;

describe('a play', () => {
  it('is a session that plays, once, also after a restart', () => {
    const counts = createPlayCounts(NOTHING);
    const [first, second] = [sessions.start(PREFIX, NOW_MS), sessions.start(PREFIX, NOW_MS)];
    const video = newVideoId();
    for (let n = 0; n < 10; n++) counts.recordSession(first, playing(video), NOW_MS + n * 15_000);
    // The memory of sessions lost this one, which is what a restart does to all of them.
    const forgotten = { ...first, isCounted: false };
    counts.recordSession(forgotten, playing(video), NOW_MS + 200_000);
    const after = createPlayCounts(JSON.parse(JSON.stringify(counts.list(NOW_MS))));
    after.recordSession({ ...first, isCounted: false }, playing(video), NOW_MS + 300_000);
    after.recordSession(second, playing(video), NOW_MS + 300_000);
    expect(after.list(NOW_MS).days).toEqual([{ day: DAY, plays: [[video, 2]] }]);
    // It is too old to know whether another tracker has counted it.
    const old = sessions.start(PREFIX, NOW_MS - 700_000);
    after.recordSession(old, playing(video), NOW_MS);
    expect(after.list(NOW_MS).days).toEqual([{ day: DAY, plays: [[video, 2]] }]);
    expect(after.list(NOW_MS + 3_600_000).sessions).toEqual([]);
  });

  it('is a viewer of the relay, once until a long pause', () => {
    const counts = createPlayCounts(NOTHING);
    const video = newVideoId();
    for (let n = 0; n < 100; n++) counts.recordRelayed(playing(video), '192.0.2.1', NOW_MS + n * 6_000);
    counts.recordRelayed(playing(video), '192.0.2.2', NOW_MS);
    expect(counts.take()).toEqual({ day: DAY, plays: [[video, 2]] });
    expect(counts.take()).toBeUndefined();
  });

  it('is not the request of a bot or of a member', () => {
    const counts = createPlayCounts(NOTHING);
    const start = () => sessions.start(PREFIX, NOW_MS);
    for (const agent of ['Mozilla/5.0 (compatible; Googlebot/2.1)', 'facebookexternalhit/1.1', 'bingbot'])
      counts.recordSession(start(), playing(newVideoId(), PREFIX, agent), NOW_MS);
    counts.recordSession(start(), { ...playing(newVideoId()), prefix: undefined }, NOW_MS);
    expect(counts.list(NOW_MS).days).toEqual([]);
    counts.recordSession(start(), playing(newVideoId(), PREFIX, 'Mozilla/5.0 Firefox/140.0'), NOW_MS);
    expect(counts.list(NOW_MS).days).toHaveLength(1);
  });

  it('counts on its day, within limits per network and of memory', () => {
    const counts = createPlayCounts(NOTHING);
    const video = newVideoId();
    const add = (id: VideoId, prefix: string, nowMs: number) =>
      counts.recordSession(sessions.start(prefix, nowMs), playing(id, prefix), nowMs);
    for (let n = 0; n < 1_000; n++) add(video, PREFIX, NOW_MS);
    add(video, PREFIX, NOW_MS + 86_400_000);
    for (let n = 0; n < 60_000; n++) add(newVideoId(), prefixOf(n), NOW_MS + 86_400_000);
    const { days, sessions: remembered } = counts.list(NOW_MS + 86_400_000);
    expect(days.map(({ day, plays }) => [day - DAY, plays.length])).toEqual([
      [0, 1],
      [1, 49_999],
    ]);
    expect(days[0]?.plays).toEqual([[video, 100]]);
    expect(remembered.length).toBeLessThanOrEqual(20_000);
    expect(counts.take()?.plays).toHaveLength(1);
    expect(counts.take()?.plays).toHaveLength(200);
  });
});

describe('deliveries', () => {
  interface Received {
    readonly id: string;
    readonly plays: { video: string; count: number }[];
  }
  let directory: string;
  let central: http.Server;
  let received: Received[];
  let status: number;
  let start: () => Plays;
  const running: Plays[] = [];
  beforeEach(async () => {
    received = [];
    status = 200;
    directory = await mkdtemp(join(tmpdir(), 'tributary-plays-'));
    const key = await readOrMakeKey(join(directory, 'key'));
    central = http.createServer(async (request, response) => {
      let text = '';
      for await (const piece of request) text += String(piece);
      const query = new URL(request.url ?? '', 'http://x').searchParams;
      const id = `${query.get('epoch')} ${query.get('sequence')}`;
      received.push({ id, ...(JSON.parse(text) as Pick<Received, 'plays'>) });
      response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
    });
    central.listen(0, '127.0.0.1');
    await once(central, 'listening');
    const url = `http://127.0.0.1:${(central.address() as AddressInfo).port}`;
    const membership = { role: 'tracker', id: 'tracker', centralUrl: url } as never;
    start = () => {
      const plays = startPlays({
        central: () => trackerCentralOf({ key, membership }, url),
        path: join(directory, 'plays.json'),
        log: silentLog,
      });
      running.push(plays);
      return plays;
    };
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map(plays => plays.stop()));
    central.close();
    await rm(directory, { recursive: true, force: true });
  });
  const play = (plays: Plays, video: VideoId) =>
    plays.recordSession(sessions.start(PREFIX, Date.now()), playing(video), Date.now());
  const nextDelivery = async (plays: Plays): Promise<Received> => {
    const before = received.length;
    plays.wake();
    return eventually('a delivery', () => received[before]);
  };

  it('are made once, each with another number', async () => {
    const plays = start();
    const [a, b] = [newVideoId(), newVideoId()];
    for (const video of [a, a, b]) play(plays, video);
    const first = await nextDelivery(plays);
    play(plays, b);
    const second = await nextDelivery(plays);
    expect(first.plays).toEqual([
      { video: a, count: 2 },
      { video: b, count: 1 },
    ]);
    expect(second.plays).toEqual([{ video: b, count: 1 }]);
    expect(second.id).not.toBe(first.id);
  });

  it('are repeated unchanged after a failure, also by the next process, before later plays', async () => {
    const video = newVideoId();
    status = 503;
    const before = start();
    play(before, video);
    const first = await nextDelivery(before);
    play(before, video);
    expect(await nextDelivery(before)).toEqual(first);
    await before.stop();
    status = 200;
    received = [];
    start();
    await eventually('two deliveries', () => received[1]);
    expect(received[0]).toEqual(first);
    expect(received[1]?.plays).toEqual([{ video, count: 1 }]);
    expect(received[1]?.id.split(' ')[0]).not.toBe(first.id.split(' ')[0]);
  });
});
