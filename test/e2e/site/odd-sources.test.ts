/**
 * The corpus of odd sources: each ends ready and plays to its last second in Chromium, or failed with a true sentence.
 * What is true of each stands in `test/media/odd-sources.ts`, and in docs/sources.md for people.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VideoRow } from '../../../src/site/database/schema.ts';
import { type MediaPipeline, openMediaPipeline } from '../../media/media-pipeline.ts';
import { makeOddSource, ODD_SOURCES, type OddSource } from '../../media/odd-sources.ts';
import { chromiumPath, launchBrowser } from '../../support/browser.ts';

const PLAYED_AT_ONCE = 4;
/** Beside what a film lasts. */
const PATIENCE_S = 36;
/** As fast as Chromium plays and still shows frames. */
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
/** By player and name. */
const played = new Map<string, Played>();

interface Player {
  readonly script: string;
  readonly playlist: string;
  /** In the page, with `video` and `url`: calls `begin` when it may be played, `fail` when it cannot; says how to stop it. */
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
  // The lowest rung says whether a source can be converted; how many there are is tested elsewhere.
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
  server = await serveWorkshop();
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

/** Every file of every revision, as a buffer would serve it, and a page with hls.js. */
async function serveWorkshop(): Promise<Server> {
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
    const lane = async (): Promise<void> => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const row = rows.get(next.name)!;
        const url = `/${row.id}/${row.revision}/${player.playlist}`;
        const { name, seconds = 0 } = next;
        const once = (): Promise<Played> => play(page, player, url, seconds);
        let found = await once();
        // On a busy machine a player may trip over itself. A stream that cannot be played fails again.
        if (!isToItsEnd(found)) found = await once();
        played.set(`${called} ${name}`, found);
      }
    };
    await Promise.all(Array.from({ length: PLAYED_AT_ONCE }, lane));
    await page.close();
  }
}

const isToItsEnd = ({ error, end, duration }: Played): boolean =>
  error === undefined && end > duration - 0.25;

/** What is not odd for players themselves is played by one. */
const isPlayedBy = (player: Player, { hasGaps }: OddSource): boolean => player === HLS || hasGaps === true;

/** From the first second to the last; what the element itself says of it. */
const play = (page: Page, player: Player, url: string, seconds: number): Promise<Played> =>
  page.evaluate<Played>(`new Promise(resolve => {
    const video = document.createElement('video');
    video.muted = true;
    document.body.append(video);
    const url = '${url}';
    let stop = () => {};
    const tell = error => {
      clearTimeout(timer);
      const { totalVideoFrames } = video.getVideoPlaybackQuality();
      resolve({ end: video.currentTime, duration: video.duration, frames: totalVideoFrames, ...(error ? { error } : {}) });
      stop();
      video.remove();
    };
    const fail = error => tell(String(error));
    const begin = () => { video.playbackRate = ${RATE}; video.play().catch(fail); };
    const timer = setTimeout(() => tell('it did not come to its end'), ${(PATIENCE_S + seconds) * 1_000});
    video.addEventListener('ended', () => tell());
    video.addEventListener('error', () => tell(video.error?.message || 'the element failed'));
    stop = (() => { ${player.start} })();
  })`);

const known = (name: string): VideoRow => {
  const row = rows.get(name);
  if (!row) throw new Error(`nothing became of ${name}`);
  return row;
};

describe('an odd source', () => {
  it.each(ODD_SOURCES.map(source => [source.name, source] as const))('%s', (name, source: OddSource) => {
    const row = known(name);
    const ended = row.state === 'ready' ? 'ready' : (row.error_code ?? row.state);
    expect(`${ended}: ${row.error_detail ?? ''}`).toMatch(new RegExp(`^${source.ends}:`));
    if (source.ends === 'ready') return;
    // A sentence: what it is, and what to do.
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
    // The whole of it is there, and it was played to the end.
    expect(found?.duration).toBeGreaterThan(seconds - 0.35);
    expect(found?.duration).toBeLessThan(seconds + 0.7);
    expect(found?.end).toBeGreaterThan((found?.duration ?? Number.NaN) - 0.25);
    const { renditions } = JSON.parse(known(name).prepared ?? '{}') as { renditions: { kind: string }[] };
    if (renditions.some(({ kind }) => kind === 'video')) expect(found?.frames).toBeGreaterThan(0);
  });
});

describe('docs/sources.md', () => {
  it('tells every source and what becomes of it', () => {
    const page = readFileSync('docs/sources.md', 'utf8');
    for (const { name, what, ends } of ODD_SOURCES) {
      expect(page).toContain(
        `| \`${name}\` | ${what} | ${ends === 'ready' ? 'ready' : `failed: \`${ends}\``} |`,
      );
    }
    expect(ODD_SOURCES.length).toBeGreaterThanOrEqual(40);
  });
});
