/**
 * One page for each player and setting, as the player's documentation recommends, with a meter: it samples the playback
 * position every 50 ms, and knows from the browser which host each segment came from.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Fault } from './fault-switch.ts';

/** Every player buffers exactly this much, so that a fault has an effect after this time. */
const BUFFER_S = 8;

export interface PlayerSetting {
  readonly player: string;
  readonly setting: string;
  readonly format: 'm3u8' | 'mpd';
  /** Absent for the built-in player of the browser. */
  readonly script?: string;
  /** Runs in the page, with `video` and `url`. */
  readonly start: string;
  /** Faults that this configuration cannot handle, whatever the tracker sends, each with the reason. */
  readonly cannot?: Partial<Record<Fault, string>>;
}

/** Limits that no tracker can overcome, printed below the table. */
const HANG =
  'The player waits for the request that was in progress when the site stopped responding: 10 s in hls.js and Shaka Player, 20 s in ' +
  'dash.js. Only then does it follow the order that the tracker sent long before.';
const SLOW =
  'The player waits for a slow segment, and fetches only the next one from another site. The only measurements of the slow site are ' +
  'its own, so the viewer may remain elsewhere until they expire.';

const HLS = 'node_modules/hls.js/dist/hls.min.js';
const SHAKA = 'node_modules/shaka-player/dist/shaka-player.compiled-es2021.js';
const DASH = 'node_modules/dashjs/dist/modern/umd/dash.all.min.js';
const VIDEO_JS = 'node_modules/video.js/dist/video.min.js';

const hls = (more: string): string => `
  const hls = new Hls({ maxBufferLength: ${BUFFER_S}, maxMaxBufferLength: ${BUFFER_S}, maxBufferSize: 1, ${more} });
  hls.on(Hls.Events.ERROR, (_, e) => note(e.details + (e.fatal ? ' (fatal)' : '')));
  meter.showCaptions = () => { hls.subtitleDisplay = true; hls.subtitleTrack = 0; };
  hls.loadSource(url); hls.attachMedia(video);`;
const shaka = (streaming: string, retry: string): string => `
  shaka.polyfill.installAll();
  const player = new shaka.Player();
  await player.attach(video);
  const retryParameters = ${retry};
  player.configure({
    manifest: { ...(retryParameters && { retryParameters }) },
    streaming: { bufferingGoal: ${BUFFER_S}, ${streaming} ...(retryParameters && { retryParameters }) },
  });
  player.addEventListener('error', e => note('error ' + e.detail.code));
  meter.showCaptions = () => player.selectTextTrack(player.getTextTracks()[0]);
  await player.load(url);`;

const dash = (more: string): string => `
  const player = dashjs.MediaPlayer().create();
  player.updateSettings({ streaming: { ${more} buffer: {
    bufferTimeDefault: ${BUFFER_S}, bufferTimeAtTopQuality: ${BUFFER_S}, bufferTimeAtTopQualityLongForm: ${BUFFER_S} } } });
  player.on('error', e => note('error ' + (e.error?.code ?? e.error)));
  meter.showCaptions = () => { player.enableText(true); player.setTextTrack(0); };
  player.initialize(video, url, true);`;
const vhs = (more: string): string => `
  videojs.Vhs.GOAL_BUFFER_LENGTH = ${BUFFER_S}; videojs.Vhs.MAX_GOAL_BUFFER_LENGTH = ${BUFFER_S};
  const player = videojs(video, { html5: { vhs: { overrideNative: true } } });
  ${more}
  player.on('error', () => note('error ' + player.error()?.message));
  meter.tracks = () => Array.from({ length: player.textTracks().length }, (_, at) => player.textTracks()[at]);
  meter.showCaptions = () => { for (const track of meter.tracks()) if (track.kind === 'subtitles') track.mode = 'showing'; };
  player.src({ src: url, type: 'application/x-mpegurl' }); player.play();
  meter.video = () => player.el().querySelector('video');`;

export const PLAYERS: readonly PlayerSetting[] = [
  {
    player: 'hls.js 1.7.4',
    setting: 'default',
    format: 'm3u8',
    script: HLS,
    start: hls(''),
    cannot: { hang: HANG, slow: SLOW },
  },
  {
    player: 'hls.js 1.7.4',
    setting: 'tuned',
    format: 'm3u8',
    script: HLS,
    start: `const none = { maxNumRetry: 0, retryDelayMs: 0, maxRetryDelayMs: 0 };
      const policy = { default: { maxTimeToFirstByteMs: 2500, maxLoadTimeMs: 6000, timeoutRetry: none, errorRetry: none } };
      ${hls('fragLoadPolicy: policy, playlistLoadPolicy: policy')}`,
  },
  {
    player: 'Shaka Player 5.2.12',
    setting: 'default',
    format: 'm3u8',
    script: SHAKA,
    start: shaka('', 'undefined'),
    cannot: { hang: HANG, slow: SLOW },
  },
  {
    player: 'Shaka Player 5.2.12',
    setting: 'tuned',
    format: 'm3u8',
    script: SHAKA,
    start: shaka(
      '',
      '{ maxAttempts: 3, baseDelay: 200, connectionTimeout: 2500, stallTimeout: 2500, timeout: 6000 }',
    ),
  },
  {
    player: 'dash.js 5.2.1',
    setting: 'default',
    format: 'mpd',
    script: DASH,
    start: dash(''),
    cannot: { hang: HANG, slow: SLOW },
  },
  {
    player: 'dash.js 5.2.1',
    setting: 'tuned',
    format: 'mpd',
    script: DASH,
    start: dash(`fragmentRequestTimeout: 4000, fragmentRequestProgressTimeout: 2500,
      retryAttempts: { MediaSegment: 0, InitializationSegment: 0 },`),
  },
  {
    player: 'video.js 8.24.0',
    setting: 'default',
    format: 'm3u8',
    script: VIDEO_JS,
    start: vhs(''),
    cannot: { slow: SLOW },
  },
  {
    player: 'video.js 8.24.0',
    setting: 'tuned',
    format: 'm3u8',
    script: VIDEO_JS,
    start: vhs(`player.on('xhr-hooks-ready', () =>
      player.tech(true).vhs.xhr.onRequest(options => ({ ...options, timeout: 4000 })));`),
  },
];

/** The player that is part of Chromium. It is not in the table, because it ends playback when a segment fails. */
const BUILT_IN: PlayerSetting = {
  player: 'Chromium',
  setting: 'built-in',
  format: 'm3u8',
  start: `video.addEventListener('error', () => note('error ' + video.error?.message));
    video.crossOrigin = 'anonymous'; video.src = url;`,
};

/** All pages: the address of one is `/page/{its index}?url=…`. */
export const PAGES: readonly PlayerSetting[] = [...PLAYERS, BUILT_IN];

/** The values of a page's meter. */
export interface Reading {
  readonly currentTime: number;
  readonly bufferedAhead: number;
  /** Seconds for which playback stalled since the meter was reset. */
  readonly stalledSeconds: number;
  readonly starvedSeconds: number;
  readonly host: string;
  readonly width: number;
  readonly notes: readonly string[];
}

export const METER = `
const SAMPLE_MS = 50, TOLERANCE_MS = 150, EMPTY_S = 0.3;
const meter = window.meter = { stalledMs: 0, starvedMs: 0, notes: [], host: '', video: () => document.querySelector('video'),
  tracks: () => meter.video().textTracks };
const note = text => { if (meter.notes.length < 50) meter.notes.push(text); };
let last = -1, movedMs = performance.now(), isPlaying = false, isStarved = false;
const ahead = video => {
  for (let i = 0; i < video.buffered.length; i++)
    if (video.buffered.start(i) <= video.currentTime + 0.1 && video.buffered.end(i) > video.currentTime)
      return video.buffered.end(i) - video.currentTime;
  return 0;
};
setInterval(() => {
  const video = meter.video(), nowMs = performance.now();
  if (!video || video.ended) return;
  if (video.currentTime !== last) {
    const stoodMs = nowMs - movedMs;
    if (isPlaying && stoodMs > TOLERANCE_MS) {
      meter.stalledMs += stoodMs - SAMPLE_MS;
      if (isStarved) meter.starvedMs += stoodMs - SAMPLE_MS;
    }
    isStarved = false;
    isPlaying ||= last > 0;
    last = video.currentTime; movedMs = nowMs;
  } else if (ahead(video) < EMPTY_S) isStarved = true;
}, SAMPLE_MS);
new PerformanceObserver(list => {
  for (const { name } of list.getEntries()) if (/\\/v\\/.*\\.m4s/.test(name)) meter.host = new URL(name).hostname;
}).observe({ type: 'resource' });
meter.readCaptions = () => Array.from(meter.tracks())
  .flatMap(track => (track.mode === 'disabled' || track.kind === 'metadata' ? [] : Array.from(track.activeCues ?? [], cue => cue.text)));
window.read = () => {
  const video = meter.video(), standsMs = performance.now() - movedMs;
  const now = isPlaying && !video.ended && standsMs > TOLERANCE_MS ? standsMs : 0;
  return { currentTime: video.currentTime, bufferedAhead: ahead(video), stalledSeconds: (meter.stalledMs + now) / 1000,
    starvedSeconds: (meter.starvedMs + (isStarved ? now : 0)) / 1000,
    host: meter.host, width: video.videoWidth, notes: meter.notes };
};
window.zero = () => { meter.stalledMs = meter.starvedMs = 0; movedMs = performance.now(); meter.notes.length = 0; };`;

const page = (
  index: number,
  { start, script }: PlayerSetting,
): string => `<!doctype html><meta charset="utf-8">
<video muted autoplay playsinline width="320" height="180"></video>
${script === undefined ? '' : `<script src="/script/${index}"></script>`}
<script>${METER}
(async () => {
  const url = new URLSearchParams(location.search).get('url');
  const video = document.querySelector('video');
  ${start}
})().catch(error => note(String(error.code ?? error)));
</script>`;

export async function servePlayerPages(): Promise<{ readonly url: string; stop(): void }> {
  const server = createServer((request, response) => {
    const [, kind, index] = /^\/(page|script)\/(\d+)/.exec(request.url ?? '') ?? [];
    const setting = PAGES[Number(index)];
    if (!setting) return void response.writeHead(404).end();
    const isPage = kind === 'page';
    response.writeHead(200, { 'content-type': isPage ? 'text/html' : 'text/javascript' });
    response.end(isPage ? page(Number(index), setting) : readFileSync(setting.script ?? ''));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
