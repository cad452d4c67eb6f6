/** Decides what an error of hls.js means for playback. Pure: hls.js reports the error, playback.ts acts on it. */

/**
 * Playback has ended: no site responds, every site is at its limits, the browser does not support the codecs of the video or cannot play
 * it for another reason, or it supports no adaptive streaming.
 */
export type PlaybackFailure = 'no-site' | 'busy' | 'codec' | 'unplayable' | 'unsupported';

/** The members of an hls.js `ErrorData` that count here. */
export interface HlsErrorFacts {
  /** hls.js `ErrorTypes` */
  readonly type: string;
  /** hls.js `ErrorDetails` */
  readonly details: string;
  readonly fatal: boolean;
  /** Of the response that failed, if there was one. */
  readonly status?: number | undefined;
  readonly segment: { readonly isMain: boolean; readonly loadedBytes: number } | undefined;
}

interface HlsErrorVerdict {
  /** A segment of the main rendition was not delivered by its site. */
  readonly isSegmentFailure: boolean;
  /** A segment was loading and timed out: the connection is slower than the load limit allows for. */
  readonly isSlowSegment: boolean;
  readonly next: 'continue' | 'recover-media' | PlaybackFailure;
}

const CODEC_ERRORS: ReadonlySet<string> = new Set([
  'manifestIncompatibleCodecsError',
  'bufferAddCodecError',
  'bufferIncompatibleCodecsError',
]);
const SEGMENT_FAILURES: ReadonlySet<string> = new Set(['fragLoadError', 'fragLoadTimeOut']);

/** hls.js can recover from a media error. If that has been tried before, trying again would loop. */
function chooseNext(error: HlsErrorFacts, hasRecovered: boolean): HlsErrorVerdict['next'] {
  const { type, details, fatal, status } = error;
  if (!fatal) return 'continue';
  if (type === 'networkError') return status === 503 ? 'busy' : 'no-site';
  if (CODEC_ERRORS.has(details)) return 'codec';
  return type === 'mediaError' && !hasRecovered ? 'recover-media' : 'unplayable';
}

export const judgeHlsError = (error: HlsErrorFacts, hasRecovered: boolean): HlsErrorVerdict => ({
  isSegmentFailure: error.segment?.isMain === true && SEGMENT_FAILURES.has(error.details),
  isSlowSegment: error.details === 'fragLoadTimeOut' && (error.segment?.loadedBytes ?? 0) > 0,
  next: chooseNext(error, hasRecovered),
});
