/**
 * Plays a playlist with content steering in hls.js, configured so that it leaves a silent site in time. hls.js and the
 * tracker's steering switch sites. Nothing here does: a failover of our own would fight the built-in one.
 */
import type {
  ErrorData,
  FragBufferedData,
  FragLoadedData,
  default as Hls,
  HlsConfig,
  LoadPolicy,
  SteeringManifestLoadedData,
} from 'hls.js';
import type { Qualities, Tracks } from '../tracks.ts';
import { type ConnectionFacts, chooseLoadLimitMs } from './load-limit.ts';
import { judgeHlsError, type PlaybackFailure } from './playback-errors.ts';
import { measureSegment, type SegmentReport } from './segment-report.ts';

export interface PlaybackStats {
  readonly throughputBps: number | undefined;
  readonly bufferedSeconds: number;
  readonly width: number;
  readonly height: number;
  /** RFC 6381; empty while unknown. */
  readonly codecs: readonly string[];
  readonly droppedFrames: number;
  readonly frames: number;
}

export interface PlaybackEvents {
  /** A segment arrived from this host. Never called with the built-in player of a browser. */
  readonly onServed: (host: string) => void;
  /** The browser plays with its built-in player. */
  readonly onNative: () => void;
  /** The available or the selected tracks changed. */
  readonly onTracks: (tracks: Tracks) => void;
  /** The available, the selected or the playing rendition changed. */
  readonly onQualities: (qualities: Qualities) => void;
  /** A segment of the main rendition arrived, or failed. Never called with the built-in player of a browser. */
  readonly onSegment: (report: SegmentReport) => void;
  /** `retryAfterSeconds`: when the last site asked to try again. */
  readonly onFatal: (failure: PlaybackFailure, retryAfterSeconds?: number) => void;
}

interface PlaybackOptions {
  readonly url: string;
  readonly startAtSeconds: number;
  /** With only one source there is nowhere to switch to, so requests are retried instead. */
  readonly sourceCount: number;
}

export interface Playback {
  readStats(): PlaybackStats;
  selectAudioTrack(index: number): void;
  /** −1 switches captions off. */
  selectCaptions(index: number): void;
  /** −1 lets the player choose. */
  selectQuality(index: number): void;
  /** Applies the tracker's current order of sites sooner than the player would request it. */
  setPathwayPriority(pathways: readonly string[]): void;
  stop(): void;
}

const NO_RETRY = { maxNumRetry: 0, retryDelayMs: 0, maxRetryDelayMs: 0 } as const;
const SOME_RETRIES = { maxNumRetry: 4, retryDelayMs: 500, maxRetryDelayMs: 4_000 } as const;
const MAX_TIME_TO_FIRST_BYTE_MS = 2_500;
const UNKNOWN_CONNECTION: ConnectionFacts = {
  segmentSeconds: 0,
  lowestBitrateBps: 0,
  throughputBps: 0,
  timeoutsInARow: 0,
};

function makeConfig({ sourceCount, startAtSeconds }: PlaybackOptions): Partial<HlsConfig> {
  const retry = sourceCount > 1 ? NO_RETRY : SOME_RETRIES;
  const policy = (maxLoadTimeMs: number): LoadPolicy => ({
    default: {
      maxTimeToFirstByteMs: MAX_TIME_TO_FIRST_BYTE_MS,
      maxLoadTimeMs,
      timeoutRetry: { ...retry },
      errorRetry: { ...retry },
    },
  });
  return {
    // A short buffer leaves segments that steering can move to another site.
    maxBufferLength: 20,
    maxMaxBufferLength: 40,
    maxBufferSize: 30_000_000,
    backBufferLength: 30,
    startPosition: startAtSeconds > 0 ? startAtSeconds : -1,
    capLevelToPlayerSize: true,
    enableWorker: false,
    fragLoadPolicy: policy(chooseLoadLimitMs(UNKNOWN_CONNECTION)),
    playlistLoadPolicy: policy(6_000),
  };
}

export function startPlayback(
  video: HTMLVideoElement,
  options: PlaybackOptions,
  events: PlaybackEvents,
): Playback {
  let hls: Hls | undefined;
  let isStopped = false;
  let priority: readonly string[] = [];
  // hls.js stalls for good if its site changes before the first segment of the main rendition is in its buffer.
  let hasStarted = false;
  /** Sites that have another pathway id now, because the player avoids the first one (steering: pathway clones). */
  const cloneIds = new Map<string, string>();
  import('hls.js').then(
    ({ default: HlsPlayer }) => {
      if (isStopped) return;
      if (HlsPlayer.isSupported()) {
        hls = attachHls({ HlsPlayer, video, options, events, cloneIds });
        onFirstSegment(HlsPlayer, hls, () => {
          hasStarted = true;
          applyPriority();
        });
      } else if (video.canPlayType('application/vnd.apple.mpegurl')) {
        playNatively(video, options);
        events.onNative();
      } else events.onFatal('unsupported');
    },
    () => events.onFatal('no-site'),
  );
  const applyPriority = (): void => {
    // A playlist without pathways has no priority to set.
    if (!hasStarted || priority.length === 0 || !hls?.pathwayPriority) return;
    const pathways = priority.map(site => cloneIds.get(site) ?? site);
    if (hls.pathwayPriority.join(' ') !== pathways.join(' ')) hls.pathwayPriority = pathways;
  };
  return {
    readStats: () => ({
      throughputBps: hls?.bandwidthEstimate,
      bufferedSeconds: readBufferedSeconds(video),
      width: video.videoWidth,
      height: video.videoHeight,
      codecs: readCodecs(hls),
      ...readFrames(video),
    }),
    selectAudioTrack(index) {
      if (hls) hls.audioTrack = index;
    },
    selectCaptions(index) {
      if (!hls) return;
      hls.subtitleDisplay = index >= 0;
      hls.subtitleTrack = index;
    },
    selectQuality(index) {
      if (hls) hls.nextLevel = index;
    },
    setPathwayPriority(pathways) {
      priority = pathways;
      applyPriority();
    },
    stop() {
      isStopped = true;
      if (hls) hls.destroy();
      else video.removeAttribute('src');
    },
  };
}

/** Calls once, when the first segment of the main rendition (of the audio, if there is no video) is in the buffer. */
function onFirstSegment(HlsPlayer: typeof Hls, hls: Hls, onStarted: () => void): void {
  const onBuffered = (_event: string, { frag }: FragBufferedData): void => {
    if (frag.type !== 'main' || frag.sn === 'initSegment') return;
    hls.off(HlsPlayer.Events.FRAG_BUFFERED, onBuffered);
    onStarted();
  };
  hls.on(HlsPlayer.Events.FRAG_BUFFERED, onBuffered);
}

interface HlsParts {
  readonly HlsPlayer: typeof Hls;
  readonly video: HTMLVideoElement;
  readonly options: PlaybackOptions;
  readonly events: PlaybackEvents;
  readonly cloneIds: Map<string, string>;
}

function attachHls({ HlsPlayer, video, options, events, cloneIds }: HlsParts): Hls {
  const hls = new HlsPlayer(makeConfig(options));
  hls.on(
    HlsPlayer.Events.STEERING_MANIFEST_LOADED,
    (_event: string, { steeringManifest }: SteeringManifestLoadedData) => {
      for (const clone of steeringManifest['PATHWAY-CLONES'] ?? []) cloneIds.set(clone['BASE-ID'], clone.ID);
    },
  );
  let hasRecovered = false;
  let timeoutsInARow = 0;
  const setLoadLimit = (segmentSeconds: number): void => {
    hls.config.fragLoadPolicy.default.maxLoadTimeMs = chooseLoadLimitMs({
      segmentSeconds,
      lowestBitrateBps: Math.min(...hls.levels.map(level => level.bitrate)),
      throughputBps: hls.bandwidthEstimate,
      timeoutsInARow,
    });
  };
  hls.on(HlsPlayer.Events.FRAG_LOADED, (_event: string, { frag, networkDetails }: FragLoadedData) => {
    timeoutsInARow = 0;
    setLoadLimit(frag.duration);
    // Audio may still come from the previous site after the video has switched: the video counts.
    if (frag.type !== 'main') return;
    // Segments of a video that is being converted are redirects to the site that serves them.
    const { host } = new URL((networkDetails as XMLHttpRequest | null)?.responseURL || frag.url);
    events.onServed(host);
    const { loaded, loading } = frag.stats;
    const report = measureSegment(host, loaded, loading.end - loading.start);
    if (report) events.onSegment(report);
  });
  hls.on(HlsPlayer.Events.ERROR, (_event: string, data: ErrorData) => {
    const { type, details, fatal, frag, response, networkDetails } = data;
    const segment = frag && { isMain: frag.type === 'main', loadedBytes: frag.stats.loaded };
    const verdict = judgeHlsError(
      { type, details, fatal, status: response?.code, segment: segment ?? undefined },
      hasRecovered,
    );
    if (frag && verdict.isSlowSegment) {
      timeoutsInARow++;
      setLoadLimit(frag.duration);
    }
    // A site at its limits refuses single requests, which is no failure of the site.
    const isBusy = response?.code === 503;
    if (frag && verdict.isSegmentFailure && !isBusy)
      events.onSegment({ host: new URL(frag.url).host, bps: undefined });
    if (verdict.next === 'continue') return;
    if (verdict.next === 'recover-media') {
      hasRecovered = true;
      hls.recoverMediaError();
    } else events.onFatal(verdict.next, readRetryAfter(networkDetails));
  });
  const reportQualities = (): void => events.onQualities(readQualities(hls));
  for (const name of [
    HlsPlayer.Events.MANIFEST_PARSED,
    HlsPlayer.Events.LEVELS_UPDATED,
    HlsPlayer.Events.LEVEL_SWITCHING,
    HlsPlayer.Events.LEVEL_SWITCHED,
  ]) {
    hls.on(name, reportQualities);
  }
  const reportTracks = (): void => events.onTracks(readTracks(hls));
  for (const name of [
    HlsPlayer.Events.AUDIO_TRACKS_UPDATED,
    HlsPlayer.Events.AUDIO_TRACK_SWITCHED,
    HlsPlayer.Events.SUBTITLE_TRACKS_UPDATED,
    HlsPlayer.Events.SUBTITLE_TRACK_SWITCH,
  ]) {
    hls.on(name, reportTracks);
  }
  hls.loadSource(options.url);
  hls.attachMedia(video);
  offerAirPlay(video, options.url);
  return hls;
}

/** Safari sends only a stream that it plays by itself to a television: a second source, which hls.js does not use. */
function offerAirPlay(video: HTMLVideoElement, url: string): void {
  if (!('ManagedMediaSource' in globalThis)) return;
  const source = document.createElement('source');
  source.type = 'application/vnd.apple.mpegurl';
  source.src = url;
  video.append(source);
  video.disableRemotePlayback = false;
}

function readQualities(hls: Hls): Qualities {
  return {
    all: hls.levels.map(({ height, width, bitrate }) => ({ height, width, bitrateBps: bitrate })),
    selected: hls.autoLevelEnabled ? -1 : hls.manualLevel,
    current: hls.currentLevel,
  };
}

function readCodecs(hls: Hls | undefined): readonly string[] {
  const level = hls?.levels[hls.currentLevel];
  return [level?.videoCodec, level?.audioCodec].filter(
    codec => codec !== undefined && codec !== '',
  ) as string[];
}

function readFrames(video: HTMLVideoElement): Pick<PlaybackStats, 'droppedFrames' | 'frames'> {
  const quality = video.getVideoPlaybackQuality?.();
  return { droppedFrames: quality?.droppedVideoFrames ?? 0, frames: quality?.totalVideoFrames ?? 0 };
}

/** Only seconds are understood. */
function readRetryAfter(details: unknown): number | undefined {
  if (!(details instanceof XMLHttpRequest)) return undefined;
  const seconds = Number(details.getResponseHeader('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) ? seconds : undefined;
}

function readTracks(hls: Hls): Tracks {
  const toTrack = ({ name, lang }: { readonly name: string; readonly lang?: string }) => ({
    name,
    language: lang,
  });
  return {
    audioTracks: hls.audioTracks.map(toTrack),
    selectedAudio: hls.audioTrack,
    captions: hls.subtitleTracks.map(toTrack),
    selectedCaptions: hls.subtitleTrack,
  };
}

function playNatively(video: HTMLVideoElement, { url, startAtSeconds }: PlaybackOptions): void {
  video.src = url;
  if (startAtSeconds > 0) video.currentTime = startAtSeconds;
}

function readBufferedSeconds(video: HTMLVideoElement): number {
  for (let index = 0; index < video.buffered.length; index++) {
    const end = video.buffered.end(index);
    if (video.buffered.start(index) <= video.currentTime + 0.1 && end >= video.currentTime) {
      return end - video.currentTime;
    }
  }
  return 0;
}
