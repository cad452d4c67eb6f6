/** A trimmed video in four players: the frames they show from the start, and the last one. */
import { once } from 'node:events';
import { link, open, readFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newRevisionId, newVideoId } from '../../src/protocol/base/ids.ts';
import { Presentation } from '../../src/site/media/cut/cut.ts';
import { prepareSource } from '../../src/site/media/index/source-index.ts';
import { trimVideo } from '../../src/site/media/trim/trim.ts';
import { makeVideo } from '../media/video-cache.ts';
import { chromiumPath, launchBrowser } from '../support/browser.ts';
import { makeTemporaryDirectory, removeDirectory } from '../support/temporary-directory.ts';

const FPS = 25;
/** Each frame shows its number as bits: eight columns that are white or black. */
const NUMBERED = {
  extension: 'mp4',
  args: [
    ...[
      '-f',
      'lavfi',
      '-i',
      `color=black:s=320x64:r=${FPS}:d=10,format=gray,geq=lum='255*mod(floor(N/pow(2\\,floor(X/40)))\\,2)'`,
    ],
    ...['-f', 'lavfi', '-i', 'sine=f=440:r=48000:d=10'],
    ...[
      '-c:v',
      'libx264',
      '-preset',
      'veryfast',
      '-pix_fmt',
      'yuv420p',
      '-g',
      '100',
      '-keyint_min',
      '100',
      '-bf',
      '3',
    ],
    ...['-c:a', 'aac', '-b:a', '64k'],
  ],
};
const START = 61;
const END = 96;
const video = newVideoId();
const revision = newRevisionId();
let directory: string;
let presentation: Presentation;
let server: http.Server;
let url: string;

const SCRIPTS: Readonly<Record<string, string>> = {
  hls: 'node_modules/hls.js/dist/hls.min.js',
  shaka: 'node_modules/shaka-player/dist/shaka-player.compiled-es2021.js',
  dash: 'node_modules/dashjs/dist/modern/umd/dash.all.min.js',
  videojs: 'node_modules/video.js/dist/video.min.js',
};

beforeAll(async () => {
  directory = await makeTemporaryDirectory('trim-players');
  const source = await makeVideo(NUMBERED);
  await link(source, join(directory, source.split('/').at(-1) ?? ''));
  await prepareSource(source, join(directory, 'source.index'));
  const storage = {
    directory: () => directory,
    open: (_: unknown, name: string) => open(join(directory, name), 'r'),
  };
  const { indexes } = await trimVideo(storage, video, {
    indexes: ['source.index'],
    range: { startSeconds: START / FPS, endSeconds: END / FPS },
  });
  presentation = await Presentation.open({
    directory,
    indexes,
    open: name => open(join(directory, name), 'r'),
  });
  server = http.createServer((request, response) => {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    const script = SCRIPTS[path.slice(1)];
    const prefix = `/v/${video}/${revision}/`;
    void (async () => {
      if (script)
        return response.writeHead(200, { 'content-type': 'text/javascript' }).end(await readFile(script));
      if (!path.startsWith(prefix)) {
        response.writeHead(200, { 'content-type': 'text/html' });
        return response.end(
          '<!doctype html><body><video id="v" muted playsinline width="320" height="64"></video>',
        );
      }
      const file = await presentation.file(path.slice(prefix.length));
      if (!file) return response.writeHead(404).end();
      return response.writeHead(200, { 'content-type': file.contentType }).end(file.body);
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await presentation.close();
  await removeDirectory(directory);
});

const START_PLAYER: Readonly<Record<string, string>> = {
  hls: `const hls = new Hls(); hls.loadSource(url); hls.attachMedia(video);`,
  shaka: `shaka.polyfill.installAll(); const player = new shaka.Player(); await player.attach(video); await player.load(url);`,
  dash: `dashjs.MediaPlayer().create().initialize(video, url, false);`,
  videojs: `const p = videojs(video, { html5: { vhs: { overrideNative: true } } }); p.src({ src: url, type });`,
};

const CASES = [
  ['hls', 'multivariant.m3u8'],
  ['shaka', 'multivariant.m3u8'],
  ['shaka', 'manifest.mpd'],
  ['dash', 'manifest.mpd'],
  ['videojs', 'multivariant.m3u8'],
  ['videojs', 'manifest.mpd'],
] as const;

it.runIf(chromiumPath)('is exact in four players', async () => {
  const browser = await launchBrowser();
  const results: Record<string, unknown> = {};
  try {
    for (const [player, manifest] of CASES) {
      const page = await browser.newPage();
      await page.goto(`${url}/`);
      await page.addScriptTag({ url: `/${player}` });
      const address = `${url}/v/${video}/${revision}/${manifest}`;
      const type = manifest.endsWith('mpd') ? 'application/dash+xml' : 'application/x-mpegurl';
      results[`${player} ${manifest}`] = await page.evaluate(`(async () => {
        const video = document.querySelector('video');
        const url = ${JSON.stringify(address)}, type = ${JSON.stringify(type)};
        const canvas = new OffscreenCanvas(320, 64).getContext('2d', { willReadFrequently: true });
        const read = media => {
          canvas.drawImage(media, 0, 0, 320, 64);
          const { data } = canvas.getImageData(0, 32, 320, 1);
          let number = 0;
          for (let bit = 0; bit < 8; bit++) if (data[(bit * 40 + 20) * 4] > 128) number += 2 ** bit;
          return number;
        };
        const until = (name, ms = 8000) => new Promise(done => {
          video.addEventListener(name, () => done(true), { once: true });
          setTimeout(() => done(false), ms);
        });
        ${START_PLAYER[player]}
        const media = document.querySelector('video');
        if (media.readyState < 2) await until('loadeddata');
        await new Promise(done => setTimeout(done, 300));
        const paused = read(media);
        const startedAt = media.currentTime;
        const played = [];
        const note = () => { played.push(read(media)); media.requestVideoFrameCallback(note); };
        media.requestVideoFrameCallback(note);
        await media.play();
        await until('ended');
        return { paused, startedAt, first: played.slice(0, 3), last: read(media), duration: media.duration,
          outside: played.filter(n => n < ${START} || n >= ${END}) };
      })()`);
      await page.close();
    }
  } finally {
    await browser.close();
  }
  const played = { last: END - 1, duration: (END - START) / FPS, outside: [] };
  // A player that starts at 0 shows the key frame while it is paused there, and the frame at the mark when it plays.
  const atZero = { ...played, paused: 0, startedAt: 0, first: [START, START + 1, START + 2] };
  const atMark = { ...played, paused: START, startedAt: 0.001, first: [START + 1, START + 2, START + 3] };
  expect(results).toEqual({
    'hls multivariant.m3u8': atMark,
    'shaka multivariant.m3u8': atMark,
    'shaka manifest.mpd': atZero,
    'dash manifest.mpd': atZero,
    'videojs multivariant.m3u8': atZero,
    'videojs manifest.mpd': atZero,
  });
});
