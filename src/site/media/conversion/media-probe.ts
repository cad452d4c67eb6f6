/** What ffprobe says of a source, parsed to what an encoding needs to know. */
import * as z from 'zod';
import { languageSchema } from '../../../protocol/text.ts';
import type { Container } from '../ffmpeg/demuxers.ts';
import { type MediaTools, probe } from '../ffmpeg/ffmpeg.ts';
import { FfmpegFailed } from '../ffmpeg/run.ts';
import { damaged } from '../source-rejected.ts';

export interface ProbedVideoTrack {
  /** Among the pictures, attached ones left out: `0:V:{order}`. */
  readonly order: number;
  readonly codec: string;
  readonly profile: string;
  readonly pixelFormat: string;
  /** As shown: rotated, pixels square. */
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number | undefined;
  readonly isInterlaced: boolean;
  readonly isHdr: boolean;
  readonly endSeconds: number | undefined;
}

export interface ProbedAudioTrack {
  /** Among the sounds: `0:a:{order}`. */
  readonly order: number;
  readonly codec: string;
  readonly profile: string;
  readonly channels: number;
  readonly language: string | undefined;
  readonly endSeconds: number | undefined;
}

export interface ProbedSource {
  /** Container time at which the film begins. */
  readonly startSeconds: number;
  readonly durationSeconds: number | undefined;
  readonly videoTracks: readonly ProbedVideoTrack[];
  readonly audioTracks: readonly ProbedAudioTrack[];
}

const numberText = z
  .string()
  .optional()
  .transform(text => {
    const value = Number(text);
    return text !== undefined && Number.isFinite(value) ? value : undefined;
  });
const fraction = z
  .string()
  .optional()
  .transform(text => {
    const [numerator = 0, denominator = 1] = (text ?? '').split(/[/:]/).map(Number);
    const value = numerator / denominator;
    return Number.isFinite(value) && value > 0 ? value : undefined;
  });

const streamSchema = z.object({
  codec_type: z.string().optional(),
  codec_name: z.string().default('unknown'),
  profile: z.coerce.string().default(''),
  pix_fmt: z.string().default(''),
  width: z.int().nonnegative().default(0),
  height: z.int().nonnegative().default(0),
  sample_aspect_ratio: fraction,
  field_order: z.string().default('unknown'),
  color_transfer: z.string().default(''),
  avg_frame_rate: fraction,
  r_frame_rate: fraction,
  channels: z.int().nonnegative().default(0),
  start_time: numberText,
  duration: numberText,
  disposition: z.object({ attached_pic: z.int().default(0) }).optional(),
  tags: z.object({ language: z.string().optional() }).optional(),
  side_data_list: z.array(z.object({ rotation: z.number().optional() })).default([]),
});
type Stream = z.infer<typeof streamSchema>;

const answerSchema = z.object({
  streams: z.array(streamSchema).max(1_000).default([]),
  format: z.object({ start_time: numberText, duration: numberText }),
});

const MAX_SECONDS = 100 * 3_600;
/** More is said where the rate is not known: it is how finely the container counts time. */
const MAX_FRAMES_PER_SECOND = 300;
const HDR_TRANSFERS = new Set(['smpte2084', 'arib-std-b67']);

/** @throws SourceRejected if the file is not what it begins like */
export async function probeMedia(
  tools: MediaTools,
  path: string,
  { demuxer }: Pick<Container, 'demuxer'>,
): Promise<ProbedSource> {
  let answer: unknown;
  try {
    answer = await probe(tools, { path, demuxer }, ['-show_format', '-show_streams']);
  } catch (error) {
    if (!(error instanceof FfmpegFailed) || error.fault === 'unavailable') throw error;
    throw Object.assign(damaged('the description of its tracks cannot be read'), { cause: error });
  }
  return parseProbe(answer);
}

export function parseProbe(answer: unknown): ProbedSource {
  const { streams, format } = answerSchema.parse(answer);
  const startSeconds = format.start_time ?? 0;
  const endOf = ({ start_time, duration }: Stream): number | undefined =>
    duration === undefined ? undefined : (start_time ?? startSeconds) - startSeconds + duration;
  const ofKind = (kind: string): readonly Stream[] =>
    streams.filter(stream => stream.codec_type === kind && stream.disposition?.attached_pic !== 1);
  return {
    startSeconds,
    durationSeconds:
      format.duration !== undefined && format.duration > 0 && format.duration <= MAX_SECONDS
        ? format.duration
        : undefined,
    videoTracks: ofKind('video').map((stream, order) => ({
      order,
      codec: stream.codec_name,
      profile: stream.profile,
      pixelFormat: stream.pix_fmt,
      ...shownSize(stream),
      framesPerSecond: [stream.avg_frame_rate, stream.r_frame_rate].find(
        rate => rate !== undefined && rate <= MAX_FRAMES_PER_SECOND,
      ),
      isInterlaced: !['progressive', 'unknown'].includes(stream.field_order),
      isHdr: HDR_TRANSFERS.has(stream.color_transfer),
      endSeconds: endOf(stream),
    })),
    audioTracks: ofKind('audio').map((stream, order) => ({
      order,
      codec: stream.codec_name,
      profile: stream.profile,
      channels: stream.channels,
      language: toLanguage(stream.tags?.language),
      endSeconds: endOf(stream),
    })),
  };
}

function shownSize(stream: Stream): { width: number; height: number } {
  const width = Math.round(stream.width * (stream.sample_aspect_ratio ?? 1));
  const turn = stream.side_data_list.find(data => data.rotation !== undefined)?.rotation ?? 0;
  return Math.abs(Math.round(turn / 90)) % 2 === 1
    ? { width: stream.height, height: width }
    : { width, height: stream.height };
}

/** ISO 639-2 or BCP 47 → the shortest BCP 47 tag; undefined where the language is not said. */
function toLanguage(code: string | undefined): string | undefined {
  if (!code || code === 'und') return undefined;
  try {
    return languageSchema.safeParse(Intl.getCanonicalLocales(code)[0]).data;
  } catch {
    return undefined;
  }
}
