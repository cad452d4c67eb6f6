/** The ffmpeg command that encodes one chunk (pure): one decoding, every rung and every sound, in one MP4 file. */

import type { Args } from '../ffmpeg/allowed.ts';
import type { EncodePlan } from './encode-plan.ts';
import { ENCODERS, type LadderRendition } from './ladder.ts';

/** Ticks a second of encoded pictures: fits every usual frame rate. */
export const VIDEO_TIMESCALE = 90_000;
export const AUDIO_RATE_HZ = 48_000;
export const AAC_FRAME_SAMPLES = 1_024;
/** Output times begin here, so that reordered pictures and the encoder's priming do not lie before zero. */
export const HEADROOM_SECONDS = 1;
/** Of sound, encoded before the chunk and thrown away: what a decoder hears then is as if nothing had been cut. */
const PREROLL_FRAMES = 4;
/** What the sound's decoder needs before its first right sample. */
const SOUND_LEAD_IN_SECONDS = 0.3;
/** Of a film that is filled: how often a picture is shown anew where the source has no other. */
const REPEATS_PER_SECOND = 2;
/** A picture may stand for so long where a container has no index to find it by. */
const STANDING_LEAD_IN_SECONDS = 90;
/** A key frame is asked for a little early, because the place of a frame is rounded. */
const KEY_FRAME_EARLY_SECONDS = 0.002;

export interface EncodeChunk {
  /** Seconds from the film's first instant. */
  readonly from: number;
  /** Undefined of the last one: to the end of the source. */
  readonly to: number | undefined;
}

export function chunkOf(plan: EncodePlan, number: number): EncodeChunk {
  return { from: plan.chunks[number]!, to: plan.chunks[number + 1] };
}

/** The sound frames of a chunk, counted from the film's first instant: `[first, end)`. */
export function audioFramesOf({ from, to }: EncodeChunk): { readonly first: number; readonly end: number } {
  const frameAt = (seconds: number): number =>
    Math.ceil((seconds * AUDIO_RATE_HZ) / AAC_FRAME_SAMPLES - 1e-6);
  return { first: frameAt(from), end: to === undefined ? Number.POSITIVE_INFINITY : frameAt(to) };
}

/** Which pictures and sounds have anything in this chunk; the others would be looked for to the end of the file. */
export const hasVideo = ({ video: picture, fillsGaps }: EncodePlan, { from }: EncodeChunk): boolean =>
  picture !== undefined &&
  (fillsGaps || from === 0 || from < (picture.endSeconds ?? Number.POSITIVE_INFINITY));

/** Where a chunk ends; undefined where its tracks end as the source's do. */
const endOf = ({ fillsGaps, durationSeconds }: EncodePlan, { to }: EncodeChunk): number | undefined =>
  to ?? (fillsGaps ? durationSeconds : undefined);

/** Instant of the source's own clock → ticks from which the film's first instant counts. */
export const ticksOf = (seconds: number): number => Math.round(seconds * VIDEO_TIMESCALE);

/** The parts of the command, as the runner takes them. */
export interface EncodeArgs {
  /** Before the input. */
  readonly input: Args;
  /** For all outputs. */
  readonly common: Args;
  readonly output: Args;
}

/** @param boundaries where segments begin, seconds from the film's first instant */
export function encodeArgs(
  plan: EncodePlan,
  chunk: EncodeChunk,
  { threads, boundaries }: { readonly threads: number; readonly boundaries: readonly number[] },
): EncodeArgs {
  const rungs = hasVideo(plan, chunk) ? (plan.video?.renditions ?? []) : [];
  const filters = [
    ...(rungs.length > 0 ? pictureFilters(plan, chunk) : []),
    ...plan.audio.map((sound, index) => soundFilter(plan, chunk, sound, index)),
  ];
  const search = searchFrom(plan, chunk);
  const keyFrames = boundaries
    .filter(boundary => boundary >= chunk.from - 1e-6 && (chunk.to === undefined || boundary < chunk.to))
    .map(boundary => (boundary - chunk.from + HEADROOM_SECONDS - KEY_FRAME_EARLY_SECONDS).toFixed(6));
  return {
    input: [
      ...['-threads', threads],
      ...(chunk.from > 0 && !(plan.fillsGaps && search <= 0)
        ? ['-noaccurate_seek', '-seek_timestamp', 1, '-ss', (plan.originSeconds + search).toFixed(6)]
        : []),
    ],
    common: [
      // Times stay the source's own: what a chunk begins with does not hang on where the search for it ended.
      ...['-copyts', '-filter_complex_threads', threads, '-filter_complex', filters.join(';')],
    ],
    output: [
      ...rungs.flatMap((rung, index) => pictureOutput(rung, index, plan, threads, keyFrames)),
      ...plan.audio.flatMap((sound, index) => soundOutput(sound.kbps, index)),
      ...['-fps_mode', 'vfr', '-video_track_timescale', VIDEO_TIMESCALE],
      ...['-movie_timescale', VIDEO_TIMESCALE * 8, '-f', 'mp4'],
    ],
  };
}

/** Seconds from the film's first instant: where decoding begins, so that all of a chunk is there. */
function searchFrom(
  { leadInSeconds, audio: sounds, video: picture, fillsGaps }: EncodePlan,
  { from }: EncodeChunk,
): number {
  const soundLeadIn = sounds.length > 0 ? SOUND_LEAD_IN_SECONDS : 0;
  if (!fillsGaps || leadInSeconds === 0) return from - leadInSeconds - soundLeadIn;
  return Math.min(from, picture?.endSeconds ?? from) - Math.max(leadInSeconds, STANDING_LEAD_IN_SECONDS);
}

function pictureFilters(plan: EncodePlan, chunk: EncodeChunk): readonly string[] {
  const { from, to } = chunk;
  const picture = plan.video!;
  const start = plan.originSeconds + from;
  const trim = [
    // What stood before a chunk of a filled film stands at its beginning.
    ...(from > 0 && !plan.fillsGaps ? [`start=${start.toFixed(6)}`] : []),
    ...(to === undefined ? [] : [`end=${(plan.originSeconds + to).toFixed(6)}`]),
  ];
  const [top, ...lower] = picture.renditions;
  const place = `PTS-${ticksOf(start) - HEADROOM_SECONDS * VIDEO_TIMESCALE}`;
  const isFromFirst = plan.fillsGaps && from === 0;
  const common = [
    ...(trim.length > 0 ? [`trim=${trim.join(':')}`] : []),
    `settb=1/${VIDEO_TIMESCALE}`,
    `setpts=${isFromFirst ? `if(eq(N\\,0)\\,${HEADROOM_SECONDS * VIDEO_TIMESCALE}\\,${place})` : place}`,
    ...(picture.isInterlaced ? ['bwdif=mode=send_frame:deint=interlaced'] : []),
    ...(picture.maxFramesPerSecond
      ? [`fps=${picture.maxFramesPerSecond}${plan.fillsGaps ? '' : `:start_time=${HEADROOM_SECONDS}`}`]
      : []),
    scale(top!),
    ...(picture.isHdr ? [TONE_MAP] : []),
    'format=yuv420p',
    `settb=1/${VIDEO_TIMESCALE}`,
    ...(plan.fillsGaps ? repeat(top!, endOf(plan, chunk)! - from) : []),
  ].join(',');
  if (lower.length === 0) return [`[0:V:${picture.order}]${common}[v0]`];
  const labels = picture.renditions.map((_, index) => (index === 0 ? '[v0]' : `[s${index}]`));
  return [
    `[0:V:${picture.order}]${common},split=${picture.renditions.length}${labels.join('')}`,
    ...lower.map((rung, index) => `[s${index + 1}]${scale(rung)}[v${index + 1}]`),
  ];
}

/**
 * Beside the pictures runs a narrow strip that changes at a steady rate and is cut off again: a picture comes out whenever
 * either of them has a new one, and all of the source's own keep their times.
 */
const repeat = ({ width, height }: LadderRendition, seconds: number): readonly string[] => [
  `null[p];color=s=2x${height}:r=${REPEATS_PER_SECOND}:d=${seconds.toFixed(6)}`,
  'format=yuv420p',
  `settb=1/${VIDEO_TIMESCALE}`,
  `setpts=PTS+${HEADROOM_SECONDS * VIDEO_TIMESCALE}[strip];[p][strip]hstack`,
  `crop=${width}:${height}:0:0`,
  `settb=1/${VIDEO_TIMESCALE}`,
];

const scale = ({ width, height }: LadderRendition): string =>
  `scale=${width}:${height}:flags=bicubic,setsar=1`;

/** PQ and HLG → BT.709, through linear light (Hable's curve). */
export const TONE_MAP = [
  'zscale=transfer=linear:npl=100',
  'format=gbrpf32le',
  'zscale=primaries=bt709',
  'tonemap=tonemap=hable:desat=0',
  'zscale=transfer=bt709:matrix=bt709:range=tv',
].join(',');

function soundFilter(
  plan: EncodePlan,
  chunk: EncodeChunk,
  sound: EncodePlan['audio'][number],
  index: number,
): string {
  const { from } = chunk;
  const frames = audioFramesOf({ from, to: endOf(plan, chunk) });
  const first = Math.max(0, frames.first - PREROLL_FRAMES);
  const layout = sound.channels === 1 ? 'mono' : 'stereo';
  const offset =
    first * AAC_FRAME_SAMPLES - Math.round(from * AUDIO_RATE_HZ) + HEADROOM_SECONDS * AUDIO_RATE_HZ;
  // One frame more than is kept: the last one overlaps with it.
  const length = Number.isFinite(frames.end) ? (frames.end - first + 1) * AAC_FRAME_SAMPLES : undefined;
  const place = [`asettb=1/${AUDIO_RATE_HZ}`, `asetpts=N+${offset}`];
  if (length !== undefined && from > 0 && from >= (sound.endSeconds ?? Number.POSITIVE_INFINITY)) {
    const silence = `anullsrc=r=${AUDIO_RATE_HZ}:cl=${layout}`;
    return `${silence},atrim=end_sample=${length},${place.join(',')}[a${index}]`;
  }
  const start = plan.originSeconds + (first * AAC_FRAME_SAMPLES) / AUDIO_RATE_HZ;
  const trim = [
    ...(from > 0 ? [`start=${start.toFixed(6)}`] : []),
    ...(length === undefined ? [] : [`end=${(start + length / AUDIO_RATE_HZ).toFixed(6)}`]),
  ];
  return [
    `[0:a:${sound.order}]${trim.length > 0 ? `atrim=${trim.join(':')},` : ''}asetpts=PTS-(${start.toFixed(6)})/TB`,
    // Holes are filled with silence and what overlaps is cut: sound stays with the pictures.
    `aresample=${AUDIO_RATE_HZ}:async=1:first_pts=0`,
    `aformat=channel_layouts=${layout}`,
    ...(length === undefined ? [] : [`apad=whole_len=${length}`, `atrim=end_sample=${length}`]),
    `${place.join(',')}[a${index}]`,
  ].join(',');
}

function pictureOutput(
  rung: LadderRendition,
  index: number,
  plan: EncodePlan,
  threads: number,
  keyFrames: readonly string[],
): Args {
  const of = (option: string): string => `-${option}:v:${index}`;
  const rate = plan.video?.framesPerSecond;
  return [
    ...['-map', `[v${index}]`, of('c'), ENCODERS[rung.codec], of('threads'), threads],
    ...[of('force_key_frames'), keyFrames.join(','), of('enc_time_base'), `1/${VIDEO_TIMESCALE}`],
    ...(rate ? [of('g'), String(Math.max(48, Math.ceil(rate * 10)))] : [of('g'), '300']),
    ...quality(rung, of, plan.fillsGaps === true),
  ];
}

function quality(
  { codec, kbps }: LadderRendition,
  of: (option: string) => string,
  fillsGaps: boolean,
): readonly string[] {
  // Where rates change, a picture out of order would say that it lasts as long as another one.
  const order = fillsGaps ? [of('bf'), '0'] : [];
  const limit = [of('maxrate'), `${kbps}k`, of('bufsize'), `${2 * kbps}k`, ...order];
  switch (codec) {
    case 'h264':
      return [of('preset'), 'veryfast', of('profile'), 'high', of('crf'), '23', ...limit];
    case 'hevc':
      return [
        of('preset'),
        'fast',
        of('crf'),
        '26',
        of('tag'),
        'hvc1',
        ...limit,
        ...[of('x265-params'), 'log-level=error'],
      ];
    case 'av1':
      return [of('usage'), 'realtime', of('cpu-used'), '6', of('crf'), '33', of('b'), `${kbps}k`];
  }
}

const soundOutput = (kbps: number, index: number): Args => [
  ...['-map', `[a${index}]`, `-c:a:${index}`, 'aac', `-b:a:${index}`, `${kbps}k`],
];
