/**
 * The server of the choose benchmark: the tracker's own answers over HTTP, with parts that are filled instead of fed. Prints one
 * JSON line: its port, how long decisions take, and an answer as a sample.
 */
import type { AddressInfo } from 'node:net';
import { createHttp } from '../../src/kernel/http.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { createPlainLane } from '../../src/kernel/plain-lane.ts';
import { trackerConfigSchema } from '../../src/tracker/config.ts';
import { createTimelines } from '../../src/tracker/timelines.ts';
import { createCounted } from '../../src/tracker/web/counted.ts';
import { createHotPlay, type HotPlay } from '../../src/tracker/web/hot-play.ts';
import { createPlayAnswers } from '../../src/tracker/web/play-answers.ts';
import { clientOf, makeFilledTracker, videoOf } from './filled.ts';

const DECISIONS = 100_000;

const videos = Number(process.argv[2]);
const clients = Number(process.argv[3]);
const config = trackerConfigSchema.parse({
  baseUrl: 'https://tracker.video.example.edu',
  dataDirectory: '/nowhere',
  central: 'https://video.example.edu',
  operatorToken: 'an-operator-token',
  believeClientParameter: true,
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

let hotPlay: HotPlay | undefined;
const { app, metrics } = await createHttp({
  part: 'tracker',
  log: silentLog,
  ready: () => undefined,
  before: (request, response) => hotPlay?.answer(request, response) ?? false,
  server: { lane: createPlainLane(socket => hotPlay?.open(socket) ?? { take: () => false }) },
});
const playAnswers = createPlayAnswers({ ...filled, timelines: createTimelines() });
hotPlay = createHotPlay({ config, viewers, counted: createCounted(metrics), playAnswers });
await app.listen({ host: '127.0.0.1', port: 0 });
const { port } = app.server.address() as AddressInfo;
const sample = await (
  await fetch(`http://127.0.0.1:${port}/play/${videoOf(1)}?client=${clientOf(1)}`)
).text();
console.log(JSON.stringify({ port, ...decisions, rssBytes: process.memoryUsage.rss(), sample }));
