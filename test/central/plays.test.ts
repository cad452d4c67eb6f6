/** Plays from the tracker that counts them to the catalogue that shows them, across restarts of both and repeated deliveries. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import * as z from 'zod';
import { type CentralDatabase, type CentralSchema, migrations } from '../../src/central/database/schema.ts';
import { call } from '../../src/kernel/http/client.ts';
import { openDatabase } from '../../src/kernel/sql/sql.ts';
import { newVideoId, type VideoId } from '../../src/protocol/base/ids.ts';
import { newTrackerResponseSchema } from '../../src/protocol/central.ts';
import type { PlayResponse } from '../../src/protocol/tracker.ts';
import { trackerConfigSchema } from '../../src/tracker/config.ts';
import { type RunningTracker, startTracker } from '../../src/tracker/tracker.ts';
import { type CentralHarness, startCentralHarness } from '../support/central-harness.ts';
import { REQUEST_LIMITS } from '../support/central-requests.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { getJson } from '../support/json-requests.ts';
import { videoRecord } from '../support/records.ts';
import type { TestTracker } from '../support/test-tracker.ts';

let harness: CentralHarness;
let db: CentralDatabase;
let tracker: RunningTracker;
let other: TestTracker;
let startTrackerAgain: () => Promise<RunningTracker>;
const [lecture, meeting] = [videoRecord(), videoRecord({ audience: 'internal' })];
beforeAll(async () => {
  harness = await startCentralHarness();
  db = await openDatabase<CentralSchema>(harness.database.place, migrations);
  const listen = `127.0.0.1:${await freePort()}`;
  const body = { name: 'tracker', baseUrl: `http://${listen}` };
  const invited = await harness.request('POST', '/api/trackers', { body });
  const { joinToken } = newTrackerResponseSchema.parse(invited.body);
  const site = await harness.addSite('hangzhou');
  startTrackerAgain = () =>
    startTracker(
      trackerConfigSchema.parse({
        listen,
        baseUrl: `http://${listen}`,
        central: harness.url,
        joinToken,
        dataDirectory: join(harness.directory, 'tracker'),
        operatorToken: 'break-glass-token-of-the-tracker',
        trustClientParameter: true,
        probeInterval: '100 ms',
        logLevel: 'silent',
      }),
    );
  tracker = await startTrackerAgain();
  other = await harness.addTracker('other');
  for (const record of [lecture, meeting]) site.put(record);
  expect((await site.collect()).error).toBeUndefined();
});
afterAll(async () => {
  await tracker.stop();
  await db.destroy();
  await harness.stop();
});

const client = (n: number): string => `192.0.2.${n}`;
const start = (video: VideoId, n: number): Promise<PlayResponse> =>
  eventually('the tracker plays it', () =>
    getJson<PlayResponse>(`${tracker.url}/play/${video}?client=${client(n)}`),
  );
const steer = async ({ steering }: PlayResponse): Promise<void> => {
  const response = await fetch(steering);
  expect(response.status).toBe(200);
  await response.arrayBuffer();
};
const shown = async (video: VideoId): Promise<number | undefined> =>
  (await harness.request('GET', `/api/videos/${video}`)).body.playsThisWeek;
const counted = async (video: VideoId): Promise<number> => {
  const rows = await db.selectFrom('plays').select('plays').where('video_id', '=', video).execute();
  return rows.reduce((sum, { plays }) => sum + Number(plays), 0);
};

it('are counted once each, whatever restarts', async () => {
  const playing = await start(lecture.video, 1);
  await start(lecture.video, 2);
  for (let n = 0; n < 3; n++) await steer(playing);
  // This session plays while central is down, and continues after a restart of the tracker.
  const port = new URL(harness.central.url).port;
  await harness.central.stop();
  const later = await start(lecture.video, 3);
  await steer(later);
  await tracker.stop();
  tracker = await startTrackerAgain();
  await eventually('the tracker plays again', async () => (await start(lecture.video, 4)).video);
  for (const each of [playing, later]) await steer(each);
  await harness.restart();
  expect(new URL(harness.central.url).port).toBe(port);
  await eventually('the plays are delivered', async () => (await counted(lecture.video)) === 2, 30_000);
  await harness.restart();
  expect(await shown(lecture.video)).toBe(2);
  const { videos } = (await harness.request('GET', '/api/videos')).body;
  expect(videos).toContainEqual(expect.objectContaining({ id: lecture.video, playsThisWeek: 2 }));
});

it('are counted once when a delivery is repeated, and for older trackers each time', async () => {
  const [video, unknown] = [lecture.video, newVideoId()];
  const before = (await shown(video)) ?? 0;
  const deliver = (query: string) =>
    call(`${harness.central.url}/api/plays${query}`, {
      ...REQUEST_LIMITS,
      method: 'POST',
      body: {
        plays: [
          { video, count: 5 },
          { video: unknown, count: 1 },
        ],
      },
      signer: other.signer,
      response: z.unknown(),
    });
  const query = `?epoch=epoch-01&sequence=1&day=${Math.floor(Date.now() / 86_400_000)}`;
  await Promise.all([deliver(query), deliver(query)]);
  await harness.restart();
  await deliver(query);
  expect(await shown(video)).toBe(before + 5);
  await deliver('');
  await deliver('');
  expect(await shown(video)).toBe(before + 15);
  await expect(deliver('?epoch=..&sequence=-1&day=x')).rejects.toMatchObject({ status: 400 });
});

it('of a video that is not public are counted and never shown', async () => {
  const { video } = meeting;
  await call(`${harness.central.url}/api/plays`, {
    ...REQUEST_LIMITS,
    method: 'POST',
    body: { plays: [{ video, count: 7 }] },
    signer: other.signer,
    response: z.unknown(),
  });
  expect(await counted(video)).toBe(7);
  const { status, body } = await harness.request('GET', `/api/videos/${video}`);
  expect([status, body.playsThisWeek]).toEqual([200, undefined]);
});
