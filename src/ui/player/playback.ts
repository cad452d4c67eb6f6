/**
 * Plays a steered playlist with hls.js, tuned so that a site which falls silent is left in time. Changing sites is left
 * to hls.js and the tracker's steering: nothing here does that (playback notes: an own failover fights the built-in one).
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
import { chooseLoadLimitMs } from './load-limit.ts';

export interface PlaybackNumbers {
  readonly throughputBps: number | undefined;
  readonly bufferedSeconds: number;
  readonly width: number;
  readonly height: number;
}

export interface SegmentReport {
  readonly host: string;
  /** Bits a second; undefined where it did not come. */
  readonly bps: number | undefined;
}

export interface PlaybackEvents {
  /** A segment came from this host. Never called where the browser plays by itself. */
  readonly onServed: (host: string) => void;
  readonly onNative: () => void;
  /** What there is to choose from, and what is chosen, changed. */
  readonly onTracks: (tracks: Tracks) => void;
  /** A segment of the picture came whole from this host, or did not come. Never called where the browser plays by itself. */
  readonly onSegment: (report: SegmentReport) => void;
  /** Playing has ended for good: no site answers, the browser cannot play it, or it knows no streams at all. */
  readonly onFatal: (what: 'no-site' | 'unplayable' | 'unsupported') => void;
}

export interface PlaybackOptions {
  readonly url: string;
  readonly startAtSeconds: number;
  /** With one source alone there is nowhere to move to, so requests are tried again instead. */
  readonly sourceCount: number;
}

export interface Track {
  /** As the playlist names it: no two of a kind are called the same. */
  readonly name: string;
  readonly language: string | undefined;
}

export interface Tracks {
  readonly sounds: readonly Track[];
  readonly sound: number;
  readonly captions: readonly Track[];
  /** −1: none. */
  readonly captionsOn: number;
}
export const NO_TRACKS: Tracks = { sounds: [], sound: -1, captions: [], captionsOn: -1 };

export interface Playback {
  readNumbers(): PlaybackNumbers;
  chooseSound(index: number): void;
  /** −1: none. */
  chooseCaptions(index: number): void;
  /** The tracker's order of now, sooner than the player would have asked for it. */
  prefer(pathways: readonly string[]): void;
  stop(): void;
}

const NO_RETRY = { maxNumRetry: 0, retryDelayMs: 0, maxRetryDelayMs: 0 } as const;
const SOME_RETRIES = { maxNumRetry: 4, retryDelayMs: 500, maxRetryDelayMs: 4_000 } as const;
const FIRST_BYTE_MS = 2_500;

function makeConfig({ sourceCount, startAtSeconds }: PlaybackOptions): Partial<HlsConfig> {
  const retry = sourceCount > 1 ? NO_RETRY : SOME_RETRIES;
  const policy = (maxLoadTimeMs: number): LoadPolicy => ({
    default: {
      maxTimeToFirstByteMs: FIRST_BYTE_MS,
      maxLoadTimeMs,
      timeoutRetry: { ...retry },
      errorRetry: { ...retry },
    },
  });
  return {
    // Little is loaded ahead, so that steering has something left to move.
    maxBufferLength: 20,
    maxMaxBufferLength: 40,
    maxBufferSize: 30_000_000,
    backBufferLength: 30,
    startPosition: startAtSeconds > 0 ? startAtSeconds : -1,
    capLevelToPlayerSize: true,
    enableWorker: false,
    fragLoadPolicy: policy(chooseLoadLimitMs(UNKNOWN_LINE)),
    playlistLoadPolicy: policy(6_000),
  };
}

/** A smaller segment tells of the round trip more than of the line. */
const LEAST_TELLING_BYTES = 20_000;
const LOAD_FAILURES: ReadonlySet<string> = new Set(['fragLoadError', 'fragLoadTimeOut']);
const UNKNOWN_LINE = { segmentSeconds: 0, lowestBitrateBps: 0, throughputBps: 0, slowInARow: 0 } as const;

export function startPlayback(
  video: HTMLVideoElement,
  options: PlaybackOptions,
  events: PlaybackEvents,
): Playback {
  let hls: Hls | undefined;
  let stopped = false;
  let wanted: readonly string[] = [];
  // hls.js stands still for good when it is moved before its first segment of the picture is in its buffer.
  let hasBegun = false;
  /** Sites that go by another name now, because the player keeps away from the first (steering: clones). */
  const names = new Map<string, string>();
  import('hls.js').then(
    ({ default: HlsPlayer }) => {
      if (stopped) return;
      if (HlsPlayer.isSupported()) {
        hls = attach(HlsPlayer, video, options, events, names);
        whenBegun(HlsPlayer, hls, () => {
          hasBegun = true;
          prefer();
        });
      } else if (video.canPlayType('application/vnd.apple.mpegurl')) {
        playNatively(video, options);
        events.onNative();
      } else events.onFatal('unsupported');
    },
    () => events.onFatal('no-site'),
  );
  const prefer = (): void => {
    // A player without pathways has nothing to prefer.
    if (!hasBegun || wanted.length === 0 || !hls?.pathwayPriority) return;
    const named = wanted.map(site => names.get(site) ?? site);
    if (hls.pathwayPriority.join(' ') !== named.join(' ')) hls.pathwayPriority = named;
  };
  return {
    readNumbers: () => ({
      throughputBps: hls?.bandwidthEstimate,
      bufferedSeconds: bufferedAhead(video),
      width: video.videoWidth,
      height: video.videoHeight,
    }),
    chooseSound(index) {
      if (hls) hls.audioTrack = index;
    },
    chooseCaptions(index) {
      if (!hls) return;
      hls.subtitleDisplay = index >= 0;
      hls.subtitleTrack = index;
    },
    prefer(pathways) {
      wanted = pathways;
      prefer();
    },
    stop() {
      stopped = true;
      if (hls) hls.destroy();
      else video.removeAttribute('src');
    },
  };
}

/** Calls once, when the first segment of the picture (of the sound, where there is no picture) is in the buffer. */
function whenBegun(HlsPlayer: typeof Hls, hls: Hls, begun: () => void): void {
  const onBuffered = (_event: string, { frag }: FragBufferedData): void => {
    if (frag.type !== 'main' || frag.sn === 'initSegment') return;
    hls.off(HlsPlayer.Events.FRAG_BUFFERED, onBuffered);
    begun();
  };
  hls.on(HlsPlayer.Events.FRAG_BUFFERED, onBuffered);
}

function attach(
  HlsPlayer: typeof Hls,
  video: HTMLVideoElement,
  options: PlaybackOptions,
  events: PlaybackEvents,
  names: Map<string, string>,
): Hls {
  const hls = new HlsPlayer(makeConfig(options));
  hls.on(
    HlsPlayer.Events.STEERING_MANIFEST_LOADED,
    (_event: string, { steeringManifest }: SteeringManifestLoadedData) => {
      for (const clone of steeringManifest['PATHWAY-CLONES'] ?? []) names.set(clone['BASE-ID'], clone.ID);
    },
  );
  let recovered = false;
  let slowInARow = 0;
  const setLoadLimit = (segmentSeconds: number): void => {
    hls.config.fragLoadPolicy.default.maxLoadTimeMs = chooseLoadLimitMs({
      segmentSeconds,
      lowestBitrateBps: Math.min(...hls.levels.map(level => level.bitrate)),
      throughputBps: hls.bandwidthEstimate,
      slowInARow,
    });
  };
  hls.on(HlsPlayer.Events.FRAG_LOADED, (_event: string, { frag, networkDetails }: FragLoadedData) => {
    slowInARow = 0;
    setLoadLimit(frag.duration);
    // Sound may still come from the site before while the picture has moved: the picture counts.
    if (frag.type === 'main') {
      // Segments of a film that is being converted are redirects to who serves them.
      const { host } = new URL((networkDetails as XMLHttpRequest | null)?.responseURL || frag.url);
      events.onServed(host);
      const { loaded, loading } = frag.stats;
      const ms = loading.end - loading.start;
      if (loaded >= LEAST_TELLING_BYTES && ms > 0) events.onSegment({ host, bps: (loaded * 8_000) / ms });
    }
  });
  hls.on(HlsPlayer.Events.ERROR, (_event: string, error: ErrorData) => {
    if (
      error.details === HlsPlayer.ErrorDetails.FRAG_LOAD_TIMEOUT &&
      error.frag &&
      error.frag.stats.loaded > 0
    ) {
      slowInARow++;
      setLoadLimit(error.frag.duration);
    }
    if (error.frag?.type === 'main' && LOAD_FAILURES.has(error.details))
      events.onSegment({ host: new URL(error.frag.url).host, bps: undefined });
    if (!error.fatal) return;
    if (error.type !== HlsPlayer.ErrorTypes.MEDIA_ERROR) {
      events.onFatal(error.type === HlsPlayer.ErrorTypes.NETWORK_ERROR ? 'no-site' : 'unplayable');
    } else if (recovered) {
      events.onFatal('unplayable');
    } else {
      recovered = true;
      hls.recoverMediaError();
    }
  });
  const tellTracks = (): void => events.onTracks(readTracks(hls));
  for (const name of [
    HlsPlayer.Events.AUDIO_TRACKS_UPDATED,
    HlsPlayer.Events.AUDIO_TRACK_SWITCHED,
    HlsPlayer.Events.SUBTITLE_TRACKS_UPDATED,
    HlsPlayer.Events.SUBTITLE_TRACK_SWITCH,
  ]) {
    hls.on(name, tellTracks);
  }
  hls.loadSource(options.url);
  hls.attachMedia(video);
  return hls;
}

const readTracks = (hls: Hls): Tracks => ({
  sounds: hls.audioTracks.map(toTrack),
  sound: hls.audioTrack,
  captions: hls.subtitleTracks.map(toTrack),
  captionsOn: hls.subtitleTrack,
});
const toTrack = ({ name, lang }: { readonly name: string; readonly lang?: string }): Track => ({
  name,
  language: lang,
});

function playNatively(video: HTMLVideoElement, { url, startAtSeconds }: PlaybackOptions): void {
  video.src = url;
  if (startAtSeconds > 0) video.currentTime = startAtSeconds;
}

function bufferedAhead(video: HTMLVideoElement): number {
  for (let index = 0; index < video.buffered.length; index++) {
    const end = video.buffered.end(index);
    if (video.buffered.start(index) <= video.currentTime + 0.1 && end >= video.currentTime) {
      return end - video.currentTime;
    }
  }
  return 0;
}
