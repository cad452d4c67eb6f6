/** Plans the jobs that copy a source's frames into another container (pure), so that they need not be encoded again. */
import * as z from 'zod';
import type { VideoId } from '../../../../protocol/base/ids.ts';
import type { NewJob } from '../../../database/jobs.ts';
import {
  type ClockPeriod,
  type Container,
  DEMUXER_NAMES,
  type ProbedAudioTrack,
  type SourceTimes,
} from '../../ffmpeg/ffmpeg.ts';
import { type RejectionCode, SourceRejected } from '../../source-rejected.ts';
import { URGENCY } from './job-kinds.ts';
import type { EncodeInput } from './plan-encode.ts';

/** How to convert the times of each packet (`ClockPeriod`). */
const periodsSchema = z
  .array(z.strictObject({ firstPacket: z.int().nonnegative(), addSeconds: z.number() }))
  .min(1);

/** Video frames are copied. Audio that no browser plays may be encoded on the way, if it is short. */
export const remuxPlanSchema = z.strictObject({
  /** The source has no timestamps, or they are not continuous. The copy's are. It is not published, but converted further. */
  isWrapped: z.boolean().optional(),
  /** A name in the video's directory. */
  source: z.string(),
  demuxer: z.enum(DEMUXER_NAMES),
  hasVideo: z.boolean(),
  /** Index among the video tracks; absent for the first. */
  videoOrder: z.int().nonnegative().optional(),
  audio: z.array(
    z.strictObject({
      /** Index among the audio tracks. */
      order: z.int().nonnegative(),
      isCopied: z.boolean(),
      kbps: z.int().positive(),
    }),
  ),
  /** Timestamp in the container at which the source starts. Absent if it has no timestamps, or in `join`. */
  startSeconds: z.number().optional(),
  /** The source was made for this conversion only, and is deleted when nothing more will be made of it. */
  isTemporary: z.boolean().optional(),
  /** The clock of the source jumps. In the copy, its periods follow each other. */
  join: z
    .strictObject({
      /** ffmpeg's name of a format whose timestamps have the same unit as the source's. */
      container: z.enum(['mpegts', 'matroska']),
      video: periodsSchema.optional(),
      audio: z.array(periodsSchema),
    })
    .optional(),
});
export type RemuxPlan = z.infer<typeof remuxPlanSchema>;

/** Reasons for a rejection that a conversion can remove. */
const CONVERTIBLE: ReadonlySet<RejectionCode> = new Set([
  'container-unsupported',
  'codec-unsupported',
  'structure-unsupported',
  'segments-too-large',
  // ffmpeg reads past defects that an index cannot describe.
  'damaged',
  'truncated',
]);

export const isConvertible = (code: RejectionCode): boolean => CONVERTIBLE.has(code);

const COPIED_PIXEL_FORMATS = new Set(['yuv420p', 'yuvj420p']);
const COPIED_AUDIO_CODECS = new Set(['aac', 'opus']);
/** Audio encodes some fifty times faster than real time. A longer source gets a first rendition at once instead. */
const MAX_ENCODED_AUDIO_SECONDS = 600;

const isCopied = ({ codec, profile }: ProbedAudioTrack): boolean =>
  COPIED_AUDIO_CODECS.has(codec) && (codec !== 'aac' || /^(LC|HE-AAC|HE-AACv2|-1|)$/.test(profile));

interface CopyInput extends EncodeInput {
  readonly times: SourceTimes;
}

/** @returns undefined if a copy of the frames would not make the source playable */
export function planRemux(input: CopyInput, code: RejectionCode): NewJob | undefined {
  const { probed, container, times } = input;
  const { video } = probed;
  const audio = chooseAudio(input);
  if (code !== 'container-unsupported' && code !== 'codec-unsupported') return undefined;
  // AVI has decoding times only, no presentation times.
  if (video && container.demuxer === 'avi') return undefined;
  if (video && !(video.codec === 'h264' && COPIED_PIXEL_FORMATS.has(video.pixelFormat))) return undefined;
  // Browsers show fields with combing artefacts.
  if (video?.isInterlaced) return undefined;
  if (!video && audio.length === 0) return undefined;
  const isAllCopied = audio.every(isCopied);
  const isServedContainer = container.demuxer === 'mov' || container.demuxer === 'matroska';
  if (isServedContainer && isAllCopied) return undefined;
  if (!isAllCopied && (!video || times.durationSeconds > MAX_ENCODED_AUDIO_SECONDS)) return undefined;
  if (times.hasClockJumps) return undefined;
  const plan: RemuxPlan = {
    source: input.source,
    demuxer: container.demuxer,
    hasVideo: video !== undefined,
    ...(video && video.order > 0 ? { videoOrder: video.order } : {}),
    audio: audio.map(track => ({
      order: track.order,
      isCopied: isCopied(track),
      kbps: 64 * Math.min(2, track.channels),
    })),
    startSeconds: times.startSeconds,
    ...(input.isTemporary ? { isTemporary: true } : {}),
  };
  return {
    video: input.video,
    kind: 'remux',
    urgency: URGENCY.remux,
    priority: input.priority ?? 0,
    needs: isAllCopied ? [] : ['aac'],
    plan,
    steps: [{ kind: 'remux', after: 0, mediaMs: times.durationSeconds * 1_000 }],
  };
}

/** Audio tracks that have packets. */
const chooseAudio = ({ probed, times }: CopyInput): readonly ProbedAudioTrack[] =>
  probed.audioTracks.filter(({ stream }) => times.tracks.has(stream));

/** Audio that a transport stream can carry. */
const JOINED_AUDIO_CODECS = new Set([
  ...['mp1', 'mp2', 'mp3', 'aac', 'aac_latm', 'ac3', 'eac3', 'dts', 'truehd', 'opus', 's302m'],
]);

/**
 * A copy in which the periods of the clock follow each other. It is converted further.
 *
 * @throws SourceRejected if its audio cannot be copied
 */
export function planJoin(input: CopyInput): NewJob {
  const { video, source, container, times, probed } = input;
  const { video: track } = probed;
  const audio = chooseAudio(input);
  if (!audio.every(({ codec }) => JOINED_AUDIO_CODECS.has(codec))) throw cannotJoin();
  const periodsOf = (stream: number): ClockPeriod[] => [...(times.tracks.get(stream)?.periods ?? [])];
  const plan: RemuxPlan = {
    isWrapped: true,
    source,
    demuxer: container.demuxer,
    hasVideo: track !== undefined && times.tracks.has(track.stream),
    ...(track && track.order > 0 ? { videoOrder: track.order } : {}),
    audio: audio.map(({ order, channels }) => ({ order, isCopied: true, kbps: 64 * Math.min(2, channels) })),
    join: {
      container: container.demuxer === 'flv' ? 'matroska' : 'mpegts',
      ...(track && times.tracks.has(track.stream) ? { video: periodsOf(track.stream) } : {}),
      audio: audio.map(({ stream }) => periodsOf(stream)),
    },
  };
  return wrapJob(video, plan, times.durationSeconds);
}

const cannotJoin = (): SourceRejected =>
  new SourceRejected(
    'structure-unsupported',
    'The clock of this recording restarts in the middle, and its audio cannot be copied into a continuous recording. Join its parts with a video editor, and upload the new file.',
  );

/** A copy with timestamps, of which many workers can encode a chunk each. */
export function planWrap(video: VideoId, source: string, { demuxer }: Container): NewJob {
  return wrapJob(video, { source, demuxer, hasVideo: true, audio: [], isWrapped: true }, 0);
}

function wrapJob(video: VideoId, plan: RemuxPlan, seconds: number): NewJob {
  const steps = [{ kind: 'remux', after: 0, mediaMs: seconds * 1_000 }];
  return { video, kind: 'remux', urgency: URGENCY.remux, priority: 0, needs: [], plan, steps };
}
