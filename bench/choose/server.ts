/**
 * The server of the choose benchmark: the tracker's own responses over HTTP, from parts that are filled with data. It writes the
 * requests of players during playback to a file, and prints one JSON line: its port, the duration of decisions, and a sample of each
 * response.
 */
import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createFastPath } from '../../src/kernel/http/fast-path.ts';
import { createHttp } from '../../src/kernel/http/server.ts';
import { silentLog } from '../../src/kernel/log.ts';
import type { PlayResponse } from '../../src/protocol/tracker.ts';
import { trackerConfigSchema } from '../../src/tracker/config.ts';
import { createPlayFastPath } from '../../src/tracker/play/fast-path.ts';
import { createInstrument } from '../../src/tracker/play/instrument.ts';
import { createPlayResponses } from '../../src/tracker/play/responses.ts';
import { createSteer } from '../../src/tracker/play/steer.ts';
import { createTimelines } from '../../src/tracker/play/timelines.ts';
import { createPlayCounts } from '../../src/tracker/reports/play-counts.ts';
import { clientOf, makeFilledTracker, videoOf } from './filled.ts';

const DECISIONS = 100_000;
/** Number of players during playback. */
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
const { decider, viewers } = filled;
const credentials = {};

/** Measures decisions, from the client's address to the ranked sites, without HTTP and rendering. */
function timeDecisions(): { readonly p50Us: number; readonly p99Us: number } {
  const times = new Float64Array(DECISIONS);
  for (let n = 0; n < DECISIONS; n++) {
    const video = videoOf(Math.floor(Math.random() * videos));
    const address = clientOf(Math.floor(Math.random() * clients));
    const startedMs = performance.now();
    decider.play(video, { client: viewers.at(address), credentials });
    times[n] = (performance.now() - startedMs) * 1_000;
  }
  times.sort();
  return { p50Us: times[DECISIONS * 0.5] ?? Number.NaN, p99Us: times[DECISIONS * 0.99] ?? Number.NaN };
}
timeDecisions();
const decisions = timeDecisions();

const fastPath = createPlayFastPath();
const { app, metrics } = await createHttp({
  part: 'tracker',
  log: silentLog,
  ready: () => undefined,
  before: fastPath.handle,
  server: { fastPath: createFastPath(fastPath.open) },
});
const responses = createPlayResponses({ ...filled, timelines: createTimelines() });
const steer = createSteer({
  ...filled,
  config,
  activeSites: () => [],
  plays: createPlayCounts({ days: [], sessions: [] }),
  baseUrlOf: () => undefined,
  upMsOf: (_site, nowMs) => nowMs,
  houseNetworks: () => [],
});
const instrument = createInstrument(metrics);
fastPath.enable({ config, viewers, houseNetworks: () => [], instrument, responses, steer, log: silentLog });
await app.listen({ host: '127.0.0.1', port: 0 });
const { port } = app.server.address() as AddressInfo;
const base = `http://127.0.0.1:${port}`;
const fetchText = async (path: string): Promise<string> => (await fetch(base + path)).text();

/** The requests of players with sessions of this tracker: each uses its assigned site and reports a throughput. */
function listSteeringRequests(): readonly string[] {
  return Array.from({ length: PLAYERS }, () => {
    const address = clientOf(Math.floor(Math.random() * clients));
    const { steering, sources } = JSON.parse(
      responses.json({
        video: videoOf(Math.floor(Math.random() * videos)),
        address,
        client: viewers.at(address),
        claimedAddress: address,
        credentials,
        trackerUrl: '',
        sessionId: undefined,
        player: 'script',
      }),
    ) as PlayResponse;
    const bps = 2_000_000 + Math.floor(Math.random() * 2e7);
    return `${steering}&_HLS_pathway=${sources[0]?.site}&_HLS_throughput=${bps}`;
  });
}
const steeringRequests = listSteeringRequests();
writeFileSync(steeringPath, steeringRequests.join('\n'));
const samples = {
  play: await fetchText(`/play/${videoOf(1)}?client=${clientOf(1)}`),
  steering: await fetchText(steeringRequests[0] ?? ''),
};
console.log(JSON.stringify({ port, ...decisions, rssBytes: process.memoryUsage.rss(), samples }));
