/**
 * The ffmpeg arguments that encode one chunk (pure). The source is decoded once, and every rendition and audio track of the plan
 * goes into one MP4 file.
 */
import { type Args, DEINTERLACE, scaleBt709, scaleToBt709 } from '../../ffmpeg/ffmpeg.ts';
import { ENCODERS, type LadderRendition } from '../../ladder/ladder.ts';
import type { AudioToEncode, EncodePlan, VideoToEncode } from '../plan/encode-plan.ts';

/** Ticks per second of encoded video: fits every usual frame rate. */
export const VIDEO_TIMESCALE = 90_000;
export const AUDIO_RATE_HZ = 48_000;
export const AAC_FRAME_SAMPLES = 1_024;
/** Output timestamps start here, so that reordered frames and the encoder's priming do not lie before zero. */
export const HEADROOM_SECONDS = 1;
/** Audio frames that are encoded before the chunk and discarded, so that the decoded audio sounds as if it had not been cut. */
const PREROLL_FRAMES = 4;
/** The audio decoder needs this before its first correct sample. */
const AUDIO_LEAD_IN_SECONDS = 0.3;
/** Frames per second that are repeated in gaps of the video. */
const REPEATED_FRAMES_PER_SECOND = 2;
/** In a container without an index, a frame may be shown for this long and must still be found. */
const STILL_LEAD_IN_SECONDS = 90;
/** Key frames are forced slightly early, because the timestamps of frames are rounded. */
const KEY_FRAME_EARLY_SECONDS = 0.002;

/** Times are in seconds from the first presented instant. */
interface EncodeChunk {
  readonly from: number;
  /** Undefined for the last chunk, which ends with the source. */
  readonly to: number | undefined;
}

/** @throws RangeError if the plan has no such chunk */
export function getChunk({ chunks }: EncodePlan, number: number): EncodeChunk {
  const from = chunks[number];
  if (from === undefined) throw new RangeError(`the plan has ${chunks.length} chunks, not ${number + 1}`);
  return { from, to: chunks[number + 1] };
}

/** The audio frames of a chunk, counted from the first presented instant: `[first, end)`. */
export function audioFramesOf({ from, to }: EncodeChunk): { readonly first: number; readonly end: number } {
  const frameAt = (seconds: number): number =>
    Math.ceil((seconds * AUDIO_RATE_HZ) / AAC_FRAME_SAMPLES - 1e-6);
  return { first: frameAt(from), end: to === undefined ? Number.POSITIVE_INFINITY : frameAt(to) };
}

/** The video of a chunk; undefined if it ends before the chunk. ffmpeg would read to the end of the file to find a frame. */
export const findVideoTrack = (
  { video, fillsGaps }: EncodePlan,
  { from }: EncodeChunk,
): VideoToEncode | undefined =>
  fillsGaps || from === 0 || from < (video?.endSeconds ?? Number.POSITIVE_INFINITY) ? video : undefined;

/** Seconds → ticks. */
export const ticksOf = (seconds: number): number => Math.round(seconds * VIDEO_TIMESCALE);

/** The parts of the command line, as an `FfmpegJob` takes them. */
interface EncodeArgs {
  /** Before the input. */
  readonly input: Args;
  /** For all outputs. */
  readonly common: Args;
  readonly output: Args;
}

interface EncodeOptions {
  /** Threads of one encoder. */
  readonly threads: number;
  /** Starts of the segments, seconds from the first presented instant. */
  readonly boundaries: readonly number[];
}

export function encodeArgs(
  plan: EncodePlan,
  chunk: EncodeChunk,
  { threads, boundaries }: EncodeOptions,
): EncodeArgs {
  const video = findVideoTrack(plan, chunk);
  // A graph for each track: ffmpeg builds a graph again when its input changes, such as the size of the frames.
  const graphs = [
    ...(video ? [videoFilters(plan, video, chunk).join(';')] : []),
    ...plan.audio.map((track, index) => audioFilter(plan, chunk, track, index)),
  ];
  const seekSeconds = seekPoint(plan, chunk);
  const keyFrames = boundaries
    .filter(boundary => boundary >= chunk.from - 1e-6 && (chunk.to === undefined || boundary < chunk.to))
    .map(boundary => (boundary - chunk.from + HEADROOM_SECONDS - KEY_FRAME_EARLY_SECONDS).toFixed(6));
  return {
    input: [
      ...['-threads', threads],
      ...(chunk.from > 0 && !(plan.fillsGaps && seekSeconds <= 0)
        ? ['-noaccurate_seek', '-seek_timestamp', 1, '-ss', (plan.originSeconds + seekSeconds).toFixed(6)]
        : []),
    ],
    common: [
      // The source's timestamps are kept: the start of a chunk must not depend on where the seek ended.
      ...['-copyts', '-filter_complex_threads', threads],
      ...graphs.flatMap(graph => ['-filter_complex', graph]),
    ],
    output: [
      ...(video?.renditions ?? []).flatMap((rendition, index) => [
        ...['-map', `[v${index}]`, ...videoEncoderArgs(rendition, index, { threads, keyFrames })],
        ...gopArgs(video, index),
        ...qualityArgs(rendition, index, plan.fillsGaps === true),
      ]),
      ...plan.audio.flatMap((track, index) => audioOutputArgs(track.kbps, index)),
      ...['-fps_mode', 'vfr', '-video_track_timescale', VIDEO_TIMESCALE],
      ...['-movie_timescale', VIDEO_TIMESCALE * 8, '-f', 'mp4'],
    ],
  };
}

/** Seconds from the first presented instant at which decoding must start, so that the whole chunk is decoded. */
function seekPoint({ leadInSeconds, audio, video, fillsGaps }: EncodePlan, { from }: EncodeChunk): number {
  const audioLeadIn = audio.length > 0 ? AUDIO_LEAD_IN_SECONDS : 0;
  if (!fillsGaps || leadInSeconds === 0) return from - leadInSeconds - audioLeadIn;
  return Math.min(from, video?.endSeconds ?? from) - Math.max(leadInSeconds, STILL_LEAD_IN_SECONDS);
}

/** The end of a chunk; undefined if its tracks end as the source's do. */
const endOf = ({ fillsGaps, durationSeconds }: EncodePlan, { to }: EncodeChunk): number | undefined =>
  to ?? (fillsGaps ? durationSeconds : undefined);

function videoFilters(plan: EncodePlan, video: VideoToEncode, chunk: EncodeChunk): readonly string[] {
  const { from, to } = chunk;
  const start = plan.originSeconds + from;
  const trim = [
    // If gaps are filled, the last frame before the chunk is shown at its start.
    ...(from > 0 && !plan.fillsGaps ? [`start=${start.toFixed(6)}`] : []),
    ...(to === undefined ? [] : [`end=${(plan.originSeconds + to).toFixed(6)}`]),
  ];
  const [top, ...lower] = video.renditions;
  if (!top) return [];
  const pts = `PTS-${ticksOf(start) - HEADROOM_SECONDS * VIDEO_TIMESCALE}`;
  // If gaps are filled, the first frame is shown from the start. The first frame of a graph that is built again is not.
  const firstTicks = ticksOf(plan.originSeconds + (video.startSeconds ?? 0) + 1);
  const movesFirstFrame = plan.fillsGaps && from === 0;
  const common = [
    ...(trim.length > 0 ? [`trim=${trim.join(':')}`] : []),
    `settb=1/${VIDEO_TIMESCALE}`,
    `setpts=${movesFirstFrame ? `if(eq(N\\,0)*lte(PTS\\,${firstTicks})\\,${HEADROOM_SECONDS * VIDEO_TIMESCALE}\\,${pts})` : pts}`,
    ...(video.isInterlaced ? [DEINTERLACE] : []),
    ...(video.maxFramesPerSecond ? [limitRate(video.maxFramesPerSecond)] : []),
    ...scaleToBt709(top, video.colour),
    `settb=1/${VIDEO_TIMESCALE}`,
    ...(plan.fillsGaps ? repeatFrames(top, (to ?? plan.durationSeconds) - from) : []),
  ].join(',');
  if (lower.length === 0) return [`[0:V:${video.order}]${common}[v0]`];
  const labels = video.renditions.map((_, index) => (index === 0 ? '[v0]' : `[s${index}]`));
  return [
    `[0:V:${video.order}]${common},split=${video.renditions.length}${labels.join('')}`,
    ...lower.map((rendition, index) => `[s${index + 1}]${scaleBt709(rendition)}[v${index + 1}]`),
  ];
}

/** Keeps the first frame of each interval. Frames keep their times, and none is repeated. */
function limitRate(framesPerSecond: number): string {
  const interval = (time: string): string => `floor(${time}*${framesPerSecond}+0.01)`;
  return `select='isnan(prev_selected_t)+gt(${interval('t')},${interval('prev_selected_t')})'`;
}

/**
 * Stacks a narrow strip with a constant frame rate next to the video and crops it off again. The stack emits a frame whenever
 * either side has a new one, so gaps are filled while all frames of the source keep their timestamps.
 */
const repeatFrames = ({ width, height }: LadderRendition, seconds: number): readonly string[] => [
  `null[p];color=s=2x${height}:r=${REPEATED_FRAMES_PER_SECOND}:d=${seconds.toFixed(6)}`,
  'format=yuv420p',
  `settb=1/${VIDEO_TIMESCALE}`,
  `setpts=PTS+${HEADROOM_SECONDS * VIDEO_TIMESCALE}[strip];[p][strip]hstack`,
  `crop=${width}:${height}:0:0`,
  `settb=1/${VIDEO_TIMESCALE}`,
];

function audioFilter(plan: EncodePlan, chunk: EncodeChunk, track: AudioToEncode, index: number): string {
  const { from } = chunk;
  const frames = audioFramesOf({ from, to: endOf(plan, chunk) });
  const first = Math.max(0, frames.first - PREROLL_FRAMES);
  const layout = track.channels === 1 ? 'mono' : 'stereo';
  const offset =
    first * AAC_FRAME_SAMPLES - Math.round(from * AUDIO_RATE_HZ) + HEADROOM_SECONDS * AUDIO_RATE_HZ;
  // One frame more than is kept, because the last frame overlaps with it.
  const length = Number.isFinite(frames.end) ? (frames.end - first + 1) * AAC_FRAME_SAMPLES : undefined;
  const timestamps = [`asettb=1/${AUDIO_RATE_HZ}`, `asetpts=N+${offset}`];
  if (length !== undefined && from > 0 && from >= (track.endSeconds ?? Number.POSITIVE_INFINITY)) {
    const silence = `anullsrc=r=${AUDIO_RATE_HZ}:cl=${layout}`;
    return `${silence},atrim=end_sample=${length},${timestamps.join(',')}[a${index}]`;
  }
  const start = plan.originSeconds + (first * AAC_FRAME_SAMPLES) / AUDIO_RATE_HZ;
  const trim = [
    ...(from > 0 ? [`start=${start.toFixed(6)}`] : []),
    ...(length === undefined ? [] : [`end=${(start + length / AUDIO_RATE_HZ).toFixed(6)}`]),
  ];
  return [
    `[0:a:${track.order}]${trim.length > 0 ? `atrim=${trim.join(':')},` : ''}asetpts=PTS-(${start.toFixed(6)})/TB`,
    ...(track.takesFirst ? ['pan=stereo|c0=c0|c1=c1'] : []),
    // Gaps become silence and overlaps are cut, so that audio and video stay in sync.
    `aresample=${AUDIO_RATE_HZ}:async=1:first_pts=0`,
    `aformat=channel_layouts=${layout}`,
    ...(length === undefined ? [] : [`apad=whole_len=${length}`, `atrim=end_sample=${length}`]),
    `${timestamps.join(',')}[a${index}]`,
  ].join(',');
}

const forOutput =
  (index: number) =>
  (option: string): string =>
    `-${option}:v:${index}`;

function videoEncoderArgs(
  { codec }: LadderRendition,
  index: number,
  { threads, keyFrames }: { readonly threads: number; readonly keyFrames: readonly string[] },
): Args {
  const of = forOutput(index);
  return [
    ...[of('c'), ENCODERS[codec], of('threads'), threads],
    ...[of('force_key_frames'), keyFrames.join(','), of('enc_time_base'), `1/${VIDEO_TIMESCALE}`],
  ];
}

/** The longest group of pictures: ten seconds, so that only forced key frames are set. */
const gopArgs = (video: VideoToEncode | undefined, index: number): Args => {
  const rate = video?.framesPerSecond;
  return [forOutput(index)('g'), rate ? String(Math.max(48, Math.ceil(rate * 10))) : '300'];
};

function qualityArgs({ codec, kbps }: LadderRendition, index: number, fillsGaps: boolean): Args {
  const of = forOutput(index);
  // With a varying frame rate, a reordered frame would get another frame's duration.
  const order = fillsGaps ? [of('bf'), '0'] : [];
  const limit = [of('maxrate'), `${kbps}k`, of('bufsize'), `${2 * kbps}k`, ...order];
  switch (codec) {
    case 'h264':
      return [of('preset'), 'veryfast', of('profile'), 'high', of('crf'), '23', ...limit];
    case 'hevc':
      return [
        ...[of('preset'), 'fast', of('crf'), '26', of('tag'), 'hvc1', ...limit],
        // Segments begin at IDR frames, at which every decoder can begin.
        ...[of('forced-idr'), '1', of('x265-params'), 'log-level=error:open-gop=0'],
      ];
    case 'av1':
      return [of('usage'), 'realtime', of('cpu-used'), '6', of('crf'), '33', of('b'), `${kbps}k`];
  }
}

const audioOutputArgs = (kbps: number, index: number): Args => [
  ...['-map', `[a${index}]`, `-c:a:${index}`, 'aac', `-b:a:${index}`, `${kbps}k`],
];
