/**
 * Entry of this folder: everything that runs ffmpeg or ffprobe on an upload goes through here. Uploads are hostile input, so every
 * run is sandboxed, limited and restricted to known demuxers and decoders.
 */

export { type CaptionProgram, CaptionProgramFailed, runCaptionProgram } from './caption-program.ts';
export {
  DEINTERLACE,
  needsZscale,
  resolveColour,
  scaleBt709,
  scaleToBt709,
  scaleToJpeg,
} from './colour-filters.ts';
export { convert, type FfmpegJob, type MediaInput } from './convert.ts';
export { type Container, DEMUXER_NAMES, WRAPPED_CONTAINER } from './demuxers.ts';
export { FfmpegFailed, isFaultOfFile, unlessFileFails } from './failure.ts';
export type { Args } from './input-args.ts';
export {
  type ProbedAudioTrack,
  type ProbedSource,
  type ProbedVideoTrack,
  probeMedia,
  toLanguageTag,
} from './media-probe.ts';
export { findMediaTools, type MediaTools } from './media-tools.ts';
export { detectContainer, probe } from './probe.ts';
export { isDecodable } from './probe-frames.ts';
export type { FfmpegProgress } from './progress.ts';
export type { RunLimits } from './run.ts';
export { describeConfinement, findConfinement, type Isolation } from './sandbox.ts';
export { GENERATE_TIMES, measureSource, type SourceTimes } from './timing/measure-source.ts';
export type { ClockPeriod, TrackTimes } from './timing/packet-clock.ts';
