/**
 * The corpus of odd sources: each becomes ready and plays to its last second in Chromium, or fails with a correct reason.
 * `test/media/odd-sources.ts` lists what each must become, and docs/sources.md documents it.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VideoRow } from '../../../src/site/database/tables/schema.ts';
import { type MediaPipeline, openMediaPipeline } from '../../media/media-pipeline.ts';
import { makeOddSource, ODD_SOURCES, type OddSource } from '../../media/odd-sources.ts';
import { chromiumPath, launchBrowser } from '../../support/browser.ts';

const PLAYED_AT_ONCE = 4;
/** Seconds that playback may take in addition to the duration of the video. */
const EXTRA_S = 36;
/** The highest rate at which Chromium still shows frames. */
const RATE = 4;

interface Played {
  readonly end: number;
  readonly duration: number;
  readonly frames: number;
  readonly error?: string;
}

let pipeline: MediaPipeline;
let server: Server;
let browser: Browser | undefined;
const rows = new Map<string, VideoRow>();
/** Results by player and name of the source. */
const played = new Map<string, Played>();

interface Player {
  readonly script: string;
  readonly playlist: string;
  /** Runs in the page with `video` and `url`; calls `begin` when playback may start or `fail`, and returns a function that stops it. */
  readonly start: string;
}
const HLS: Player = {
  script: 'node_modules/hls.js/dist/hls.min.js',
  playlist: 'multivariant.m3u8',
  start: `
    const hls = new Hls({ enableWorker: false });
    hls.on(Hls.Events.ERROR, (_, data) => { if (data.fatal) fail(data.type + ' ' + data.details); });
    hls.on(Hls.Events.MANIFEST_PARSED, begin);
    hls.loadSource(url);
    hls.attachMedia(video);
    return () => hls.destroy();`,
};
const PLAYERS: Readonly<Record<string, Player>> = {
  'hls.js': HLS,
  'Shaka Player': {
    script: 'node_modules/shaka-player/dist/shaka-player.compiled-es2021.js',
    playlist: 'multivariant.m3u8',
    start: `
      shaka.polyfill.installAll();
      const player = new shaka.Player();
      player.addEventListener('error', event => fail('error ' + event.detail.code));
      player.attach(video).then(() => player.load(url)).then(begin, fail);
      return () => player.destroy();`,
  },
  'dash.js': {
    script: 'node_modules/dashjs/dist/modern/umd/dash.all.min.js',
    playlist: 'manifest.mpd',
    start: `
      const player = dashjs.MediaPlayer().create();
      player.updateSettings({ debug: { logLevel: 0 } });
      player.on('error', event => fail('error ' + (event.error?.code ?? event.error)));
      player.on('playbackPlaying', begin);
      player.initialize(video, url, true);
      return () => player.destroy();`,
  },
};

beforeAll(async () => {
  const directory = mkdtempSync(join(tmpdir(), 'tributary-odd-'));
  // One low rendition shows whether a source can be converted; other tests cover the ladder.
  pipeline = await openMediaPipeline({ ladder: [{ codec: 'h264', lines: 240, kbps: 300 }] });
  try {
    const ids = new Map<string, Awaited<ReturnType<MediaPipeline['upload']>>>();
    for (const source of ODD_SOURCES) {
      const path = join(directory, source.name);
      writeFileSync(path, await makeOddSource(source));
      ids.set(source.name, await pipeline.upload(path, source.name));
    }
    for (const [name, id] of ids) rows.set(name, await pipeline.untilProcessed(id));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  server = await servePipeline();
  if (chromiumPath) {
    browser = await launchBrowser();
    await playAll(browser);
  }
}, 480_000);
afterAll(async () => {
  await browser?.close();
  await new Promise(done => server?.close(done));
  await pipeline?.close();
});

/** Serves every file of every revision as a buffer would, and an empty page. */
async function servePipeline(): Promise<Server> {
  const made = createServer((request, response) => {
    const [, video = '', revision = '', ...file] = (request.url ?? '').split('/');
    if (video === '') return void response.setHeader('content-type', 'text/html').end('<!doctype html>');
    pipeline
      .present(video as never, revision, presentation => presentation.file(file.join('/')))
      .then(found => {
        if (!found) response.writeHead(404).end();
        else response.setHeader('content-type', found.contentType).end(found.body);
      })
      .catch(error => response.writeHead(500).end(String(error)));
  });
  await new Promise<void>(done => made.listen(0, '127.0.0.1', done));
  return made;
}

async function playAll(running: Browser): Promise<void> {
  const { port } = server.address() as AddressInfo;
  for (const [called, player] of Object.entries(PLAYERS)) {
    const page = await running.newPage();
    await page.goto(`http://127.0.0.1:${port}/`);
    await page.addScriptTag({ path: player.script });
    const waiting = ODD_SOURCES.filter(
      source => isPlayedBy(player, source) && rows.get(source.name)?.state === 'ready',
    );
    const playNext = async (): Promise<void> => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const row = rows.get(next.name)!;
        const url = `/${row.id}/${row.revision}/${player.playlist}`;
        const { name, seconds = 0, hasOpenGroups = false } = next;
        const once = (): Promise<Played> => play(page, player, url, { seconds, seeks: hasOpenGroups });
        let found = await once();
        // A player may stumble on a busy machine. A stream that cannot be played fails again.
        if (!isToItsEnd(found)) found = await once();
        played.set(`${called} ${name}`, found);
      }
    };
    await Promise.all(Array.from({ length: PLAYED_AT_ONCE }, playNext));
    await page.close();
  }
}

const isToItsEnd = ({ error, end, duration }: Played): boolean =>
  error === undefined && end > duration - 0.25;

/** Every player plays sources with gaps or open groups of pictures; one player plays the others. */
const isPlayedBy = (player: Player, { hasGaps, hasOpenGroups }: OddSource): boolean =>
  player === HLS || hasGaps === true || hasOpenGroups === true;

interface PlayOptions {
  readonly seconds: number;
  /** Seeks to the middle as soon as it plays. */
  readonly seeks: boolean;
}

/** Plays from the first second to the last. @returns what the video element reports */
const play = (page: Page, player: Player, url: string, { seconds, seeks }: PlayOptions): Promise<Played> =>
  page.evaluate<Played>(`new Promise(resolve => {
    const video = document.createElement('video');
    video.muted = true;
    document.body.append(video);
    const url = '${url}';
    let stop = () => {};
    const report = error => {
      clearTimeout(timer);
      const { totalVideoFrames } = video.getVideoPlaybackQuality();
      resolve({ end: video.currentTime, duration: video.duration, frames: totalVideoFrames, ...(error ? { error } : {}) });
      stop();
      video.remove();
    };
    const fail = error => report(String(error));
    const begin = () => { video.playbackRate = ${RATE}; video.play().catch(fail); };
    const timer = setTimeout(() => report('it did not come to its end'), ${(EXTRA_S + seconds) * 1_000});
    video.addEventListener('ended', () => report());
    const seek = () => { video.currentTime = ${seconds * 0.55}; };
    if (${seeks}) video.addEventListener('playing', seek, { once: true });
    video.addEventListener('error', () => report(video.error?.message || 'the element failed'));
    stop = (() => { ${player.start} })();
  })`);

const known = (name: string): VideoRow => {
  const row = rows.get(name);
  if (!row) throw new Error(`${name} was not processed`);
  return row;
};

describe('an odd source', () => {
  it.each(ODD_SOURCES.map(source => [source.name, source] as const))('%s', (name, source: OddSource) => {
    const row = known(name);
    const ended = row.state === 'ready' ? 'ready' : (row.error_code ?? row.state);
    expect(`${ended}: ${row.error_detail ?? ''}`).toMatch(new RegExp(`^${source.ends}:`));
    if (source.ends === 'ready') return;
    // The reason is a sentence that says what is wrong and what to do.
    expect(row.error_detail).toMatch(/^[A-Z].{20,400}\.$/s);
  });
});

const PLAYS = Object.entries(PLAYERS).flatMap(([called, player]) =>
  ODD_SOURCES.filter(source => source.ends === 'ready' && isPlayedBy(player, source)).map(
    source => [source.name, called, source] as const,
  ),
);

describe.skipIf(!chromiumPath)('plays to its last second in Chromium', () => {
  it.each(PLAYS)('%s in %s', (name, called, { seconds = 0 }) => {
    const found = played.get(`${called} ${name}`);
    expect(found?.error).toBeUndefined();
    // It is complete, and was played to the end.
    expect(found?.duration).toBeGreaterThan(seconds - 0.35);
    expect(found?.duration).toBeLessThan(seconds + 0.7);
    expect(found?.end).toBeGreaterThan((found?.duration ?? Number.NaN) - 0.25);
    const { renditions } = JSON.parse(known(name).prepared ?? '{}') as { renditions: { kind: string }[] };
    if (renditions.some(({ kind }) => kind === 'video')) expect(found?.frames).toBeGreaterThan(0);
  });
});

describe('docs/sources.md', () => {
  it('lists every source with its result', () => {
    const page = readFileSync('docs/sources.md', 'utf8');
    for (const { name, what, ends } of ODD_SOURCES) {
      expect(page).toContain(
        `| \`${name}\` | ${what} | ${ends === 'ready' ? 'ready' : `failed: \`${ends}\``} |`,
      );
    }
    expect(ODD_SOURCES.length).toBeGreaterThanOrEqual(40);
  });
});
