/**
 * The server of the choose benchmark: the tracker's own answers over HTTP, with parts that are filled instead of fed. Writes what
 * players that are playing ask, and prints one JSON line: its port, how long decisions take, and an answer of each kind as a sample.
 */
import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createFastPath } from '../../src/kernel/http/fast-path.ts';
import { createHttp } from '../../src/kernel/http/server.ts';
import { silentLog } from '../../src/kernel/log.ts';
import type { PlayResponse } from '../../src/protocol/tracker.ts';
import { trackerConfigSchema } from '../../src/tracker/config.ts';
import { createHotAnswers, type HotAnswers } from '../../src/tracker/play/fast-path.ts';
import { createCounted } from '../../src/tracker/play/instrument.ts';
import { createPlayAnswers } from '../../src/tracker/play/render/json.ts';
import { createSteering } from '../../src/tracker/play/steer.ts';
import { createTimelines } from '../../src/tracker/play/timelines.ts';
import { clientOf, makeFilledTracker, videoOf } from './filled.ts';

const DECISIONS = 100_000;
/** Players that are playing. */
const PLAYERS = 50_000;

const videos = Number(process.argv[2]);
const clients = Number(process.argv[3]);
const steeringPath = process.argv[4] ?? '';
const config = trackerConfigSchema.parse({
  baseUrl: 'https://tracker.video.example.edu',
  dataDirectory: '/nowhere',
  central: 'https://video.example.edu',
  operatorToken: 'an-operator-token',
  trustClientParameter: true,
});
const filled = makeFilledTracker(videos);
const { answers, viewers } = filled;

/** From the viewer's address to the ranked sites: what a decision is, without HTTP and without words. */
function timeDecisions(): { readonly p50Us: number; readonly p99Us: number } {
  const times = new Float64Array(DECISIONS);
  for (let n = 0; n < DECISIONS; n++) {
    const video = videoOf(Math.floor(Math.random() * videos));
    const client = clientOf(Math.floor(Math.random() * clients));
    const startedMs = performance.now();
    answers.play(video, viewers.at(client));
    times[n] = (performance.now() - startedMs) * 1_000;
  }
  times.sort();
  return { p50Us: times[DECISIONS * 0.5] ?? Number.NaN, p99Us: times[DECISIONS * 0.99] ?? Number.NaN };
}
timeDecisions();
const decisions = timeDecisions();

let hotAnswers: HotAnswers | undefined;
const { app, metrics } = await createHttp({
  part: 'tracker',
  log: silentLog,
  ready: () => undefined,
  before: (request, response) => hotAnswers?.answer(request, response) ?? false,
  server: { fastPath: createFastPath(socket => hotAnswers?.open(socket) ?? { handle: () => false }) },
});
const playAnswers = createPlayAnswers({ ...filled, timelines: createTimelines() });
const steer = createSteering({
  ...filled,
  config,
  activeSites: () => [],
  baseUrlOf: () => undefined,
  upMsOf: (_site, nowMs) => nowMs,
});
hotAnswers = createHotAnswers({ config, viewers, counted: createCounted(metrics), playAnswers, steer });
await app.listen({ host: '127.0.0.1', port: 0 });
const { port } = app.server.address() as AddressInfo;
const base = `http://127.0.0.1:${port}`;
const ask = async (path: string): Promise<string> => (await fetch(base + path)).text();

/** What the players of sessions that were given here ask a while later: each is where it was sent, and tells how fast that is. */
function listSteeringRequests(): readonly string[] {
  return Array.from({ length: PLAYERS }, () => {
    const address = clientOf(Math.floor(Math.random() * clients));
    const caller = { address, claimed: address, ownUrl: '' };
    const video = videoOf(Math.floor(Math.random() * videos));
    const { steering, sources } = JSON.parse(
      playAnswers.json(video, viewers.at(address), caller, undefined),
    ) as PlayResponse;
    const bps = 2_000_000 + Math.floor(Math.random() * 2e7);
    return `${steering}&_HLS_pathway=${sources[0]?.site}&_HLS_throughput=${bps}`;
  });
}
const steeringRequests = listSteeringRequests();
writeFileSync(steeringPath, steeringRequests.join('\n'));
const samples = {
  play: await ask(`/play/${videoOf(1)}?client=${clientOf(1)}`),
  steering: await ask(steeringRequests[0] ?? ''),
};
console.log(JSON.stringify({ port, ...decisions, rssBytes: process.memoryUsage.rss(), samples }));
