/** Plans the jobs that copy a source's frames into another container (pure), so that they need not be encoded again. */
import * as z from 'zod';
import type { VideoId } from '../../../../protocol/base/ids.ts';
import type { NewJob } from '../../../database/jobs.ts';
import { type Container, DEMUXER_NAMES, type ProbedAudioTrack } from '../../ffmpeg/ffmpeg.ts';
import type { RejectionCode } from '../../source-rejected.ts';
import { URGENCY } from './job-kinds.ts';
import type { EncodeInput } from './plan-encode.ts';

/** Video frames are copied. Audio that no browser plays may be encoded on the way, if it is short. */
export const remuxPlanSchema = z.strictObject({
  /** The source has no timestamps. The copy has, and is then encoded instead of being published. */
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
});
export type RemuxPlan = z.infer<typeof remuxPlanSchema>;

/** Reasons for a rejection that a conversion can remove. */
const CONVERTIBLE: ReadonlySet<RejectionCode> = new Set([
  'container-unsupported',
  'codec-unsupported',
  'structure-unsupported',
  'segments-too-large',
]);

export const isConvertible = (code: RejectionCode): boolean => CONVERTIBLE.has(code);

const COPIED_PIXEL_FORMATS = new Set(['yuv420p', 'yuvj420p']);
const COPIED_AUDIO_CODECS = new Set(['aac', 'opus']);
/** Audio encodes some fifty times faster than real time. A longer source gets a first rendition at once instead. */
const MAX_ENCODED_AUDIO_SECONDS = 600;

const isCopied = ({ codec, profile }: ProbedAudioTrack): boolean =>
  COPIED_AUDIO_CODECS.has(codec) && (codec !== 'aac' || /^(LC|HE-AAC|HE-AACv2|-1|)$/.test(profile));

/** @returns undefined if a copy of the frames would not make the source playable */
export function planRemux(input: EncodeInput, code: RejectionCode): NewJob | undefined {
  const { probed, container, durationSeconds } = input;
  const { video, audioTracks: audio } = probed;
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
  if (!isAllCopied && (!video || durationSeconds > MAX_ENCODED_AUDIO_SECONDS)) return undefined;
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
  };
  return {
    video: input.video,
    kind: 'remux',
    urgency: URGENCY.remux,
    priority: input.priority ?? 0,
    needs: isAllCopied ? [] : ['aac'],
    plan,
    steps: [{ kind: 'remux', after: 0, mediaMs: durationSeconds * 1_000 }],
  };
}

/** A copy with timestamps, of which many workers can encode a chunk each. */
export function planWrap(video: VideoId, source: string, { demuxer }: Container): NewJob {
  const plan: RemuxPlan = { source, demuxer, hasVideo: true, audio: [], isWrapped: true };
  const steps = [{ kind: 'remux', after: 0, mediaMs: 0 }];
  return { video, kind: 'remux', urgency: URGENCY.remux, priority: 0, needs: [], plan, steps };
}
