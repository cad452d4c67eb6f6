/** Measures memory and snapshot of a registry with many videos, in a separate process. Prints one JSON line. */
import { statSync } from 'node:fs';
import { silentLog } from '../../src/kernel/log.ts';
import { Registry } from '../../src/tracker/registry/registry.ts';
import { readSnapshot, writeSnapshot } from '../../src/tracker/sync/snapshot.ts';
import { fillSites, fillVideos } from './filled.ts';

const CENTRAL = 'https://video.example.edu';
const [, , task, path = '', count = '0'] = process.argv;

if (task === 'fill') {
  const videos = Number(count);
  const registry = new Registry();
  fillSites(registry);
  const startedMs = performance.now();
  fillVideos(registry, videos);
  const filledMs = performance.now();
  let longestMs = 0;
  let beforeMs = performance.now();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    longestMs = Math.max(longestMs, nowMs - beforeMs);
    beforeMs = nowMs;
  }, 1);
  await writeSnapshot(path, CENTRAL, 1, registry);
  clearInterval(timer);
  console.log(
    JSON.stringify({
      rssBytes: process.memoryUsage.rss(),
      bytesAVideo: registry.bytes / videos,
      changesPerSecond: (videos * 4_000) / (filledMs - startedMs),
      writeSeconds: (performance.now() - filledMs) / 1_000,
      longestPauseMs: longestMs,
      snapshotBytes: statSync(path).size,
    }),
  );
} else {
  const registry = new Registry();
  const startedMs = performance.now();
  await readSnapshot(path, CENTRAL, registry, silentLog);
  const seconds = (performance.now() - startedMs) / 1_000;
  console.log(
    JSON.stringify({
      readSeconds: seconds,
      videos: registry.videoCount,
      rssBytes: process.memoryUsage.rss(),
    }),
  );
}
