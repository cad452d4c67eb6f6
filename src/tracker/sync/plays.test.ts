/** The reports on plays, as central receives them. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readOrMakeKey } from '../../kernel/identity/keys.ts';
import { silentLog } from '../../kernel/log.ts';
import { newVideoId } from '../../protocol/base/ids.ts';
import { trackerCentralOf } from './central-client.ts';
import { type Plays, startPlays } from './plays.ts';

let directory: string;
let central: http.Server;
let reported: { plays: { video: string; count: number }[] }[];
let isUnavailable: boolean;
let plays: Plays;
beforeEach(async () => {
  reported = [];
  isUnavailable = false;
  directory = await mkdtemp(join(tmpdir(), 'tributary-plays-'));
  const key = await readOrMakeKey(join(directory, 'key'));
  central = http.createServer(async (request, response) => {
    let text = '';
    for await (const piece of request) text += String(piece);
    if (!isUnavailable) reported.push(JSON.parse(text) as (typeof reported)[number]);
    response.writeHead(isUnavailable ? 503 : 200, { 'content-type': 'application/json' }).end('{}');
  });
  central.listen(0, '127.0.0.1');
  await once(central, 'listening');
  const url = `http://127.0.0.1:${(central.address() as AddressInfo).port}`;
  const membership = { role: 'tracker', id: 'tracker', centralUrl: url } as never;
  plays = startPlays(() => trackerCentralOf({ key, membership }, url), silentLog);
});
afterEach(async () => {
  await plays.reporting.stop();
  central.close();
  await rm(directory, { recursive: true, force: true });
});
const report = async (): Promise<void> => {
  const before = reported.length;
  plays.reporting.wake();
  for (let n = 0; n < 50 && reported.length === before && !isUnavailable; n++)
    await new Promise(r => setTimeout(r, 10));
  if (isUnavailable) await new Promise(r => setTimeout(r, 200));
};

it('reports each play once', async () => {
  const [a, b] = [newVideoId(), newVideoId()];
  plays.record(a, '192.0.2.0/24');
  plays.record(a, '198.51.100.0/24');
  plays.record(b, '192.0.2.0/24');
  await report();
  plays.record(b, '198.51.100.0/24');
  await report();
  expect(reported.map(each => each.plays)).toEqual([
    [
      { video: a, count: 2 },
      { video: b, count: 1 },
    ],
    [{ video: b, count: 1 }],
  ]);
});

it('repeats the report after central was unavailable', async () => {
  const video = newVideoId();
  isUnavailable = true;
  plays.record(video, '192.0.2.0/24');
  await report();
  isUnavailable = false;
  plays.record(video, '192.0.2.0/24');
  await report();
  expect(reported.map(each => each.plays)).toEqual([[{ video, count: 2 }]]);
});

it('limits the plays per network and the number of videos', async () => {
  const video = newVideoId();
  for (let n = 0; n < 10_000; n++) plays.record(video, '192.0.2.0/24');
  for (let n = 0; n < 5_000; n++) plays.record(newVideoId(), '192.0.2.0/24');
  await report();
  expect(reported[0]?.plays).toHaveLength(1_000);
  expect(reported[0]?.plays[0]).toEqual({ video, count: 20 });
});
