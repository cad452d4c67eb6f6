/** hls.js, tuned so that a site which stops is left in time (see the project's notes on players), and what it tells of itself. */
import Hls, { type HlsConfig } from 'hls.js';

export interface Playing {
  /** Host of the site that gave the last segment. */
  readonly host: string;
  readonly throughputBps: number;
  readonly bufferedSeconds: number;
  readonly width: number;
  readonly height: number;
}

/** Buffers little enough that steering has something left to move, and gives a silent site little time. */
const CONFIG: Partial<HlsConfig> = {
  maxBufferLength: 20,
  maxMaxBufferLength: 40,
  maxBufferSize: 30_000_000,
  fragLoadPolicy: {
    default: {
      maxTimeToFirstByteMs: 2_500,
      // A viewer slower than the film is let finish: a site that stalls in mid-segment is left by steering.
      maxLoadTimeMs: 20_000,
      timeoutRetry: { maxNumRetry: 0, retryDelayMs: 0, maxRetryDelayMs: 0 },
      errorRetry: { maxNumRetry: 0, retryDelayMs: 0, maxRetryDelayMs: 0 },
    },
  },
};

export interface Player {
  stop(): void;
}

export function startPlayer(
  video: HTMLVideoElement,
  url: string,
  onPlaying: (playing: Playing) => void,
  onFatal: (detail: string) => void,
): Player {
  if (!Hls.isSupported()) {
    video.src = url;
    return { stop: () => video.removeAttribute('src') };
  }
  const hls = new Hls(CONFIG);
  let recovered = false;
  hls.on(Hls.Events.FRAG_LOADED, (_event, { frag }) => {
    const end = video.buffered.length > 0 ? video.buffered.end(video.buffered.length - 1) : 0;
    onPlaying({
      host: new URL(frag.url).host,
      throughputBps: hls.bandwidthEstimate,
      bufferedSeconds: Math.max(0, end - video.currentTime),
      width: video.videoWidth,
      height: video.videoHeight,
    });
  });
  hls.on(Hls.Events.ERROR, (_event, error) => {
    if (!error.fatal) return;
    if (error.type === Hls.ErrorTypes.MEDIA_ERROR && !recovered) {
      recovered = true;
      hls.recoverMediaError();
    } else onFatal(error.details);
  });
  hls.loadSource(url);
  hls.attachMedia(video);
  return { stop: () => hls.destroy() };
}
