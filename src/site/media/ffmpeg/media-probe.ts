/** Parses what ffprobe reports about a source into the properties that an encoding needs. */
import * as z from 'zod';
import { languageSchema } from '../../../protocol/base/text.ts';
import { type Colour, givenTrackNameSchema } from '../../../protocol/media/media.ts';
import { nameIncompatibleProfile } from '../containers/containers.ts';
import { damaged, SourceRejected } from '../source-rejected.ts';
import { chooseVideoTrack, type TrackPosition } from '../video-track.ts';
import { resolveColour } from './colour-filters.ts';
import { findDecoders } from './decoders.ts';
import type { Container } from './demuxers.ts';
import { isFaultOfFile } from './failure.ts';
import { MAX_PIXELS } from './input-args.ts';
import type { MediaTools } from './media-tools.ts';
import { probe } from './probe.ts';
import { hasInterlacedFrames } from './probe-frames.ts';

export interface ProbedVideoTrack {
  /** Number of the stream in the container. */
  readonly stream: number;
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
}

export interface ProbedAudioTrack {
  /** Number of the stream in the container. */
  readonly stream: number;
  /** Index among the audio tracks: `0:a:{order}`. */
  readonly order: number;
  readonly codec: string;
  readonly profile: string;
  readonly channels: number;
  /** It is known, or usual for this number of channels, which loudspeaker each channel is for. */
  readonly hasLayout: boolean;
  /** The author marked the track to be used unless a viewer chooses another. */
  readonly isDefault: boolean;
  /** The name that its author chose. */
  readonly name: string | undefined;
  /** BCP 47 */
  readonly language: string | undefined;
}

/** Without any duration: what a container declares is often an estimate (`measure-source.ts`). */
export interface ProbedSource {
  /** The video track that is shown; undefined for a recording of audio. */
  readonly video: ProbedVideoTrack | undefined;
  /** Where the video track is, if the source has several. */
  readonly videoTrack?: TrackPosition;
  /** Those that can be decoded, the default one first, at most `MAX_AUDIO_TRACKS`. */
  readonly audioTracks: readonly ProbedAudioTrack[];
  /** One sentence for the uploader about each track that is left out. */
  readonly notes: readonly string[];
}

const fraction = z
  .string()
  .optional()
  .transform(text => {
    const [numerator = 0, denominator = 1] = (text ?? '').split(/[/:]/).map(Number);
    const value = numerator / denominator;
    return Number.isFinite(value) && value > 0 ? value : undefined;
  });

const streamSchema = z.object({
  id: z.string().optional(),
  index: z.int().nonnegative(),
  codec_type: z.string().optional(),
  codec_name: z.string().default('unknown'),
  codec_tag_string: z.string().default(''),
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
  channel_layout: z.string().optional(),
  disposition: z
    .object({
      attached_pic: z.int().default(0),
      default: z.int().default(0),
      comment: z.int().default(0),
      visual_impaired: z.int().default(0),
    })
    .optional(),
  tags: z
    .object({
      language: z.string().optional(),
      title: z.string().optional(),
      handler_name: z.string().optional(),
    })
    .optional(),
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
  programs: z
    .array(z.object({ streams: z.array(z.object({ index: z.int().nonnegative() })).default([]) }))
    .default([]),
});

/** ffmpeg has a usual layout for each number of channels up to this one. */
const MAX_IMPLIED_CHANNELS = 8;
/** More audio tracks than this are left out. */
const MAX_AUDIO_TRACKS = 16;
/** A higher rate is the container's timescale, reported because the frame rate is unknown. */
const MAX_FRAMES_PER_SECOND = 300;

/**
 * @param videoTrack the track that was chosen before; default: the best one that can be decoded
 * @throws SourceRejected if the file is damaged, or none of its video or audio can be decoded
 * @throws FfmpegFailed if ffprobe cannot run
 */
export async function probeMedia(
  tools: MediaTools,
  path: string,
  { demuxer }: Pick<Container, 'demuxer'>,
  videoTrack?: TrackPosition,
): Promise<ProbedSource> {
  let output: unknown;
  try {
    output = await probe(tools, { path, demuxer }, [
      '-show_streams',
      ...['-show_entries', 'program=program_id:program_stream=index'],
    ]);
  } catch (error) {
    if (!isFaultOfFile(error)) throw error;
    if (/exceeds specified max pixel count/.test(error.stderr)) throw tooLarge(error);
    throw damaged('the description of its tracks cannot be read', { cause: error });
  }
  const { decodable } = await findDecoders(tools.ffmpeg);
  const parsed = parseProbe(output, decodable, videoTrack);
  const { video } = parsed;
  if (!video || video.isInterlaced) return parsed;
  const isInterlaced = await hasInterlacedFrames(tools, { path, demuxer, ...video });
  return { ...parsed, video: { ...video, isInterlaced } };
}

const tooLarge = (cause?: Error): SourceRejected =>
  new SourceRejected(
    'codec-unsupported',
    'The frames of this video are larger than a site converts (8192 × 4608 pixels). Convert it to a smaller size, and upload it again.',
    { cause },
  );

const isPicture = ({ disposition }: Stream): boolean => disposition?.attached_pic === 1;

function parseProbe(
  output: unknown,
  decodable: ReadonlySet<string>,
  videoTrack: TrackPosition | undefined,
): ProbedSource {
  const { streams, programs } = outputSchema.parse(output);
  const ofKind = (kind: string): readonly Stream[] => streams.filter(stream => stream.codec_type === kind);
  const videos = ofKind('video');
  const shown = videos.filter(stream => !isPicture(stream));
  const canDecode = ({ codec_name, channels, codec_type }: Stream): boolean =>
    decodable.has(codec_name) && (codec_type === 'video' || channels > 0);
  const video = chooseStream(videos, shown.filter(canDecode), videoTrack);
  const audios = ofKind('audio').map((stream, order) => ({ stream, order }));
  // Each programme of a transport stream is another broadcast, with its own clock. The video belongs to one.
  const programme = programs.find(({ streams: own }) => own.some(({ index }) => index === video?.index));
  const isOfProgramme = ({ index }: Stream): boolean =>
    programme?.streams.some(stream => stream.index === index) ?? true;
  const usable = audios.filter(({ stream }) => canDecode(stream) && isOfProgramme(stream));
  if (video && video.width * video.height > MAX_PIXELS) throw tooLarge();
  if (video) rejectIncompatibleColours(video);
  else requireDecodable(shown, decodable);
  if (!video && usable.length === 0) requireDecodable(ofKind('audio'), decodable);
  const chosen = usable
    .toSorted((a, b) => defaultOf(b.stream) - defaultOf(a.stream))
    .slice(0, MAX_AUDIO_TRACKS);
  const leftOut = [
    ...shown.filter(stream => stream !== video),
    ...ofKind('audio').filter(stream => !chosen.some(each => each.stream === stream)),
  ];
  return {
    video: video && {
      stream: video.index,
      order: shown.indexOf(video),
      codec: video.codec_name,
      profile: video.profile,
      pixelFormat: video.pix_fmt,
      ...displaySize(video),
      framesPerSecond: [video.avg_frame_rate, video.r_frame_rate].find(
        rate => rate !== undefined && rate <= MAX_FRAMES_PER_SECOND,
      ),
      isInterlaced: !['progressive', 'unknown'].includes(video.field_order),
      colour: resolveColour(video),
    },
    ...(video && shown.length > 1 ? { videoTrack: { order: videos.indexOf(video) } } : {}),
    audioTracks: chosen.map(({ stream, order }) => ({
      stream: stream.index,
      order,
      codec: stream.codec_name,
      profile: stream.profile,
      channels: stream.channels,
      hasLayout: stream.channel_layout !== undefined || stream.channels <= MAX_IMPLIED_CHANNELS,
      isDefault: defaultOf(stream) === 1,
      name: nameOf(stream),
      language: toLanguageTag(stream.tags?.language),
    })),
    notes: [
      ...leftOut.filter(isOfProgramme).map(stream => explainLeftOut(stream, canDecode(stream))),
      ...(leftOut.every(isOfProgramme) ? [] : ['The other programmes in the file were left out.']),
    ],
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

const defaultOf = ({ disposition }: Stream): number => disposition?.default ?? 0;

function chooseStream(
  videos: readonly Stream[],
  usable: readonly Stream[],
  wanted: TrackPosition | undefined,
): Stream | undefined {
  const given = wanted && (videos.find(({ id }) => Number(id) === wanted.id) ?? videos[wanted.order]);
  if (given && usable.includes(given)) return given;
  return chooseVideoTrack(
    usable.map(stream => ({
      stream,
      isEnabled: true,
      isDefault: defaultOf(stream) === 1,
      pixels: stream.width * stream.height,
    })),
  )?.stream;
}

/** @throws SourceRejected if there are streams, all of which are in codecs that cannot be decoded */
function requireDecodable([stream]: readonly Stream[], decodable: ReadonlySet<string>): void {
  if (!stream) return;
  const what = stream.codec_type === 'video' ? 'video' : 'audio';
  if (decodable.has(stream.codec_name)) throw damaged(`the properties of its ${what} cannot be read`);
  throw new SourceRejected(
    'codec-unsupported',
    `The ${what} of this file is ${nameCodec(stream)}, which this site does not convert. Convert it to MP4 with H.264 and AAC, and upload it again.`,
  );
}

function explainLeftOut(stream: Stream, isDecodable: boolean): string {
  const { codec_type: kind = '' } = stream;
  const limit = kind === 'video' ? 'one' : MAX_AUDIO_TRACKS;
  return isDecodable
    ? `A further ${kind} track was left out: a video can have only ${limit}.`
    : `A further ${kind} track was left out: it is ${nameCodec(stream)}, which this site does not convert.`;
}

/** Names come from ffmpeg's table or, for a codec that it does not know, from the file. */
function nameCodec({ codec_name, codec_tag_string }: Stream): string {
  const name = codec_name === 'unknown' ? codec_tag_string : codec_name;
  const plain = name.replaceAll(/[^A-Za-z0-9_. -]/g, '').slice(0, 40);
  return plain ? `in the codec "${plain}"` : 'in an unknown codec';
}

/** The names with which writers fill an obligatory field. */
const MEANINGLESS_NAMES =
  /^(Sound|Video|Audio|Core Media|Apple|Mainconcept|GPAC|ISO Media|Bento4|L-SMASH|Stereo|Mono|Surround|\W*$)/i;

function nameOf({ tags, disposition }: Stream): string | undefined {
  const handler = tags?.handler_name;
  const purpose = disposition?.comment
    ? 'Commentary'
    : disposition?.visual_impaired
      ? 'Audio description'
      : undefined;
  const name = tags?.title ?? (handler && !MEANINGLESS_NAMES.test(handler) ? handler : purpose);
  return givenTrackNameSchema.safeParse(name).data;
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
