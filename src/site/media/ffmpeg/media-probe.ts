/** Parses what ffprobe reports about a source into the properties that an encoding needs. */
import * as z from 'zod';
import { languageSchema } from '../../../protocol/base/text.ts';
import type { Colour } from '../../../protocol/media/media.ts';
import { nameIncompatibleProfile } from '../containers/containers.ts';
import { damaged, SourceRejected } from '../source-rejected.ts';
import { resolveColour } from './colour-filters.ts';
import type { Container } from './demuxers.ts';
import { FfmpegFailed } from './failure.ts';
import type { MediaTools } from './media-tools.ts';
import { probe } from './probe.ts';
import { hasInterlacedFrames } from './probe-fields.ts';

export interface ProbedVideoTrack {
  /** Index among the video tracks, without attached pictures: `0:V:{order}`. */
  readonly order: number;
  readonly codec: string;
  readonly profile: string;
  readonly pixelFormat: string;
  /** As displayed: rotated, with square pixels. */
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number | undefined;
  readonly isInterlaced: boolean;
  /** Completed by what players assume where the source declares nothing. */
  readonly colour: Colour;
  /** From the start of the source; undefined if the container does not declare it. */
  readonly endSeconds: number | undefined;
}

export interface ProbedAudioTrack {
  /** Index among the audio tracks: `0:a:{order}`. */
  readonly order: number;
  readonly codec: string;
  readonly profile: string;
  readonly channels: number;
  /** BCP 47 */
  readonly language: string | undefined;
  readonly endSeconds: number | undefined;
}

export interface ProbedSource {
  /** Timestamp in the container at which the source starts. May be negative. */
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
  color_primaries: z.string().optional(),
  color_transfer: z.string().optional(),
  color_space: z.string().optional(),
  avg_frame_rate: fraction,
  r_frame_rate: fraction,
  channels: z.int().nonnegative().default(0),
  start_time: numberText,
  duration: numberText,
  disposition: z.object({ attached_pic: z.int().default(0) }).optional(),
  tags: z.object({ language: z.string().optional() }).optional(),
  side_data_list: z
    .array(
      z.object({
        rotation: z.number().optional(),
        dv_profile: z.int().optional(),
        dv_bl_signal_compatibility_id: z.int().optional(),
      }),
    )
    .default([]),
});
type Stream = z.infer<typeof streamSchema>;

const outputSchema = z.object({
  streams: z.array(streamSchema).max(1_000).default([]),
  format: z.object({ start_time: numberText, duration: numberText }),
});

const MAX_SECONDS = 100 * 3_600;
/** A higher rate is the container's timescale, reported because the frame rate is unknown. */
const MAX_FRAMES_PER_SECOND = 300;

/**
 * @throws SourceRejected if the file is damaged
 * @throws FfmpegFailed if ffprobe cannot run
 */
export async function probeMedia(
  tools: MediaTools,
  path: string,
  { demuxer }: Pick<Container, 'demuxer'>,
): Promise<ProbedSource> {
  let output: unknown;
  try {
    output = await probe(tools, { path, demuxer }, ['-show_format', '-show_streams']);
  } catch (error) {
    if (!(error instanceof FfmpegFailed) || error.fault === 'unavailable') throw error;
    throw damaged('the description of its tracks cannot be read', { cause: error });
  }
  const parsed = parseProbe(output);
  const [track, ...others] = parsed.videoTracks;
  if (!track || track.isInterlaced) return parsed;
  const isInterlaced = await hasInterlacedFrames(tools, { path, demuxer, ...track });
  return { ...parsed, videoTracks: [{ ...track, isInterlaced }, ...others] };
}

function parseProbe(output: unknown): ProbedSource {
  const { streams, format } = outputSchema.parse(output);
  const startSeconds = format.start_time ?? 0;
  const endOf = ({ start_time, duration }: Stream): number | undefined =>
    duration === undefined ? undefined : (start_time ?? startSeconds) - startSeconds + duration;
  const ofKind = (kind: string): readonly Stream[] =>
    streams.filter(stream => stream.codec_type === kind && stream.disposition?.attached_pic !== 1);
  for (const stream of ofKind('video')) rejectIncompatibleColours(stream);
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
      ...displaySize(stream),
      framesPerSecond: [stream.avg_frame_rate, stream.r_frame_rate].find(
        rate => rate !== undefined && rate <= MAX_FRAMES_PER_SECOND,
      ),
      isInterlaced: !['progressive', 'unknown'].includes(stream.field_order),
      colour: resolveColour(stream),
      endSeconds: endOf(stream),
    })),
    audioTracks: ofKind('audio').map((stream, order) => ({
      order,
      codec: stream.codec_name,
      profile: stream.profile,
      channels: stream.channels,
      language: toLanguageTag(stream.tags?.language),
      endSeconds: endOf(stream),
    })),
  };
}

/** ffmpeg decodes such a base layer, but it cannot convert its colours. */
function rejectIncompatibleColours({ side_data_list }: Stream): void {
  for (const { dv_profile, dv_bl_signal_compatibility_id = 0 } of side_data_list) {
    const name = dv_profile && nameIncompatibleProfile(dv_profile, dv_bl_signal_compatibility_id);
    if (!name) continue;
    throw new SourceRejected(
      'codec-unsupported',
      `The video is ${name}, whose colours only Dolby decoders show correctly. Export it as HDR10, HLG or SDR, and upload it again.`,
    );
  }
}

function displaySize(stream: Stream): { width: number; height: number } {
  const width = Math.round(stream.width * (stream.sample_aspect_ratio ?? 1));
  const rotation = stream.side_data_list.find(data => data.rotation !== undefined)?.rotation ?? 0;
  return Math.abs(Math.round(rotation / 90)) % 2 === 1
    ? { width: stream.height, height: width }
    : { width, height: stream.height };
}

/** ISO 639-2 or BCP 47 → the shortest BCP 47 tag; undefined for anything else. */
export function toLanguageTag(code: unknown): string | undefined {
  if (typeof code !== 'string' || code === '' || code === 'und') return undefined;
  try {
    return languageSchema.safeParse(Intl.getCanonicalLocales(code)[0]).data;
  } catch {
    return undefined;
  }
}
