/** One set of segments for HLS and DASH: read strictly, and played to the end by three players in a real browser and by ffmpeg. */
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MediaPipeline, openMediaPipeline } from '../../media/media-pipeline.ts';
import { readIFrames, readMedia, readMultivariant } from '../../media/strict-hls.ts';
import { checkMpd } from '../../media/strict-mpd.ts';
import { makeVideoSync, requireFfmpeg } from '../../media/video-cache.ts';
import { chromiumPath, launchBrowser } from '../../support/browser.ts';

const SECONDS = 10;
const SCRIPTS: Readonly<Record<string, string>> = {
  'hls.js': 'node_modules/hls.js/dist/hls.min.js',
  'shaka.js': 'node_modules/shaka-player/dist/shaka-player.compiled.js',
  'dash.js': 'node_modules/dashjs/dist/modern/umd/dash.all.min.js',
};
const START: Readonly<Record<string, string>> = {
  'hls.js': `const hls = new Hls(); hls.on(Hls.Events.ERROR, (_, e) => { if (e.fatal) fail(e.details); });
    hls.loadSource(url); hls.attachMedia(video);`,
  'shaka.js': `shaka.polyfill.installAll(); const player = new shaka.Player();
    player.addEventListener('error', e => fail('shaka ' + e.detail.code));
    player.attach(video).then(() => player.load(url)).catch(e => fail('shaka ' + e.code));`,
  'dash.js': `const player = dashjs.MediaPlayer().create();
    player.on('error', e => fail('dash ' + e.error.code)); player.initialize(video, url, true);`,
};

let pipeline: MediaPipeline;
let server: http.Server;
let base: string;
let browser: Browser | undefined;
const read = async (file: string): Promise<string> => (await fetch(`${base}/v/${file}`)).text();

beforeAll(async () => {
  pipeline = await openMediaPipeline({
    ladder: [
      { codec: 'h264', lines: 360, kbps: 900 },
      { codec: 'h264', lines: 180, kbps: 300 },
    ],
  });
  const source = makeVideoSync('television.avi', [
    ...['-f', 'lavfi', '-i', `testsrc2=s=640x360:r=25:d=${SECONDS}`],
    ...['-f', 'lavfi', '-i', `sine=440:r=44100:d=${SECONDS}`, '-c:v', 'mpeg4', '-q:v', '6', '-c:a', 'mp2'],
  ]);
  const video = await pipeline.upload(source);
  const { revision } = await pipeline.untilProcessed(video);
  server = http.createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0]!;
    const script = SCRIPTS[path.slice(1)];
    if (script) return response.setHeader('content-type', 'text/javascript').end(readFileSync(script));
    const player = /^\/play\/(\w+\.js)$/.exec(path)?.[1];
    if (player) return response.setHeader('content-type', 'text/html').end(pageOf(player, request.url ?? ''));
    pipeline
      .present(video, revision, presentation => presentation.file(path.slice('/v/'.length)))
      .then(
        file => {
          response.writeHead(file ? 200 : 404, file && { 'content-type': file.contentType });
          response.end(file?.body);
        },
        () => response.writeHead(500).end(),
      );
  });
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  if (chromiumPath) browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  server.closeAllConnections();
  server.close();
  await pipeline.close();
});

const pageOf = (player: string, address: string): string => `<!doctype html><title>${player}</title>
  <video id="video" muted autoplay></video><script src="/${player}"></script><script>
  const url = new URLSearchParams(${JSON.stringify(address.split('?')[1] ?? '')}).get('url');
  const video = document.getElementById('video');
  const fail = what => { window.failure = what; };
  video.addEventListener('loadeddata', () => { video.playbackRate = 2; });
  ${START[player]}
  </script>`;

describe('the playlists and the manifest', () => {
  it('are valid HLS, with renditions cut at the same times', async () => {
    const { variants, media } = readMultivariant(await read('multivariant.m3u8'));
    expect(variants.map(({ resolution }) => resolution)).toEqual(['640x360', '320x180']);
    expect(media).toEqual(['aac-audio/media.m3u8']);
    const lists = await Promise.all(variants.map(async ({ uri }) => readMedia(await read(uri))));
    expect(lists[0]).toEqual(lists[1]);
    expect(lists[0]).toHaveLength(3);
    const audio = readMedia(await read('aac-audio/media.m3u8'));
    expect(audio).toHaveLength(3);
    expect(audio.reduce((sum, seconds) => sum + seconds, 0)).toBeCloseTo(SECONDS, 0);
  });

  it('have an I-frame playlist for each video rendition, whose ranges decode to one picture', async () => {
    const { iframes, variants } = readMultivariant(await read('multivariant.m3u8'));
    expect(iframes).toEqual(variants.map(({ uri }) => uri.replace('media', 'iframes')));
    for (const uri of iframes) {
      const folder = uri.replace('iframes.m3u8', '');
      const frames = readIFrames(await read(uri));
      expect(frames.map(({ seconds }) => seconds)).toEqual(readMedia(await read(`${folder}media.m3u8`)));
      const bytes = async (name: string) =>
        Buffer.from(await (await fetch(`${base}/v/${folder}${name}`)).arrayBuffer());
      for (const { uri: segment, sizeBytes } of frames) {
        const range = (await bytes(segment)).subarray(0, sizeBytes);
        const picture = Buffer.concat([await bytes('init.mp4'), range]);
        const args = ['-v', 'error', '-i', '-', '-frames:v', '1', '-f', 'framemd5', '-'];
        const { stdout } = spawnSync(requireFfmpeg(), args, { input: picture, encoding: 'utf8' });
        expect(stdout.split('\n').filter(line => /^0,/.test(line))).toHaveLength(1);
      }
    }
  });

  it('are valid DASH by its schema, with the same times', async () => {
    const seconds = checkMpd(await read('manifest.mpd'));
    expect([...seconds.keys()].sort()).toEqual(['aac-audio', 'h264-180', 'h264-360']);
    for (const [, length] of seconds) expect(length).toBeCloseTo(SECONDS, 0);
  });
});

describe('the segments play to the end', () => {
  it.each(['multivariant.m3u8', 'manifest.mpd'])('by ffmpeg, from %s', async file => {
    const args = ['-v', 'error', '-i', `${base}/v/${file}`, '-map', '0', '-f', 'null', '-'];
    // This process serves the segments, so it must not block while ffmpeg runs.
    await promisify(execFile)(requireFfmpeg(), args, { timeout: 60_000 });
  });

  it.skipIf(!chromiumPath).each([
    ['hls.js', 'multivariant.m3u8'],
    ['shaka.js', 'multivariant.m3u8'],
    ['shaka.js', 'manifest.mpd'],
    ['dash.js', 'manifest.mpd'],
  ])('by %s, from %s', async (player, file) => {
    const page = await (browser as Browser).newPage();
    try {
      await page.goto(`${base}/play/${player}?url=/v/${file}`);
      const end = await watch(page);
      expect(end).toMatchObject({ failure: undefined, ended: true, error: undefined });
      expect(end.at).toBeGreaterThan(SECONDS - 0.3);
      expect(end.width).toBeGreaterThan(0);
    } finally {
      await page.close();
    }
  });
});

interface End {
  readonly failure?: string;
  readonly ended: boolean;
  readonly at: number;
  readonly width: number;
  readonly error?: string;
}

const watch = (page: Page): Promise<End> =>
  page.evaluate<End>(`(async () => {
    const video = document.getElementById('video');
    const deadline = Date.now() + 60_000;
    while (!video.ended && window.failure === undefined && Date.now() < deadline) {
      await new Promise(done => setTimeout(done, 100));
    }
    return { failure: window.failure, ended: video.ended, at: video.currentTime, width: video.videoWidth,
      error: video.error?.message };
  })()`);
