/** What is played, as central is told of it. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readOrMakeKey } from '../../kernel/identity/keys.ts';
import { silentLog } from '../../kernel/log.ts';
import { newVideoId } from '../../protocol/ids.ts';
import { type Plays, startPlays } from './plays.ts';

let directory: string;
let central: http.Server;
let told: { plays: { video: string; count: number }[] }[];
let isAway: boolean;
let plays: Plays;
beforeEach(async () => {
  told = [];
  isAway = false;
  directory = await mkdtemp(join(tmpdir(), 'tributary-plays-'));
  const key = await readOrMakeKey(join(directory, 'key'));
  central = http.createServer(async (request, response) => {
    let text = '';
    for await (const piece of request) text += String(piece);
    if (!isAway) told.push(JSON.parse(text) as (typeof told)[number]);
    response.writeHead(isAway ? 503 : 200, { 'content-type': 'application/json' }).end('{}');
  });
  central.listen(0, '127.0.0.1');
  await once(central, 'listening');
  const url = `http://127.0.0.1:${(central.address() as AddressInfo).port}`;
  const membership = { role: 'tracker', id: 'tracker', centralUrl: url } as never;
  plays = startPlays({ central: url, identity: () => ({ key, membership }), log: silentLog });
});
afterEach(async () => {
  await plays.telling.stop();
  central.close();
  await rm(directory, { recursive: true, force: true });
});
const tell = async (): Promise<void> => {
  const before = told.length;
  plays.telling.wake();
  for (let n = 0; n < 50 && told.length === before && !isAway; n++) await new Promise(r => setTimeout(r, 10));
  if (isAway) await new Promise(r => setTimeout(r, 200));
};

it('is told once, and again only what is new', async () => {
  const [a, b] = [newVideoId(), newVideoId()];
  plays.note(a, '192.0.2.0/24');
  plays.note(a, '198.51.100.0/24');
  plays.note(b, '192.0.2.0/24');
  await tell();
  plays.note(b, '198.51.100.0/24');
  await tell();
  expect(told.map(each => each.plays)).toEqual([
    [
      { video: a, count: 2 },
      { video: b, count: 1 },
    ],
    [{ video: b, count: 1 }],
  ]);
});

it('waits for a central that is away', async () => {
  const video = newVideoId();
  isAway = true;
  plays.note(video, '192.0.2.0/24');
  await tell();
  isAway = false;
  plays.note(video, '192.0.2.0/24');
  await tell();
  expect(told.map(each => each.plays)).toEqual([[{ video, count: 2 }]]);
});

it('is not made much by one network, nor without bound', async () => {
  const video = newVideoId();
  for (let n = 0; n < 10_000; n++) plays.note(video, '192.0.2.0/24');
  for (let n = 0; n < 5_000; n++) plays.note(newVideoId(), '192.0.2.0/24');
  await tell();
  expect(told[0]?.plays).toHaveLength(1_000);
  expect(told[0]?.plays[0]).toEqual({ video, count: 20 });
});
