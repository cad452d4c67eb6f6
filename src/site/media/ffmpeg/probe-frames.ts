/**
 * Decodes the first frames of a track, to see whether anything can be decoded and whether frames are interlaced: what containers
 * declare is often wrong.
 */
import * as z from 'zod';
import { findDecoders } from './decoders.ts';
import type { Container } from './demuxers.ts';
import { unlessFileFails } from './failure.ts';
import type { MediaTools } from './media-tools.ts';
import { probe } from './probe.ts';

/** The codecs that are used with interlaced pictures, by ffmpeg's names. */
const CODECS_WITH_FIELDS = new Set([
  ...['h264', 'mpeg2video', 'mpeg4', 'vc1', 'wmv3', 'dvvideo', 'prores', 'dnxhd', 'mjpeg', 'mjpegb', 'svq3'],
  ...['ffv1', 'huffyuv', 'ffvhuff', 'utvideo', 'v210', 'rawvideo', 'jpeg2000'],
]);
const FRAMES = 4;

const framesSchema = z.object({
  frames: z.array(z.object({ interlaced_frame: z.int().default(0) })).default([]),
});

interface FieldsQuery {
  readonly path: string;
  readonly demuxer: Container['demuxer'];
  readonly codec: string;
  /** Index among the video tracks, without attached pictures. */
  readonly order: number;
}

/**
 * @returns false if the frames are progressive or cannot be decoded
 * @throws FfmpegFailed if ffprobe cannot run
 */
export async function hasInterlacedFrames(
  tools: MediaTools,
  { path, demuxer, codec, order }: FieldsQuery,
): Promise<boolean> {
  if (!CODECS_WITH_FIELDS.has(codec)) return false;
  const show = [
    ...['-select_streams', `V:${order}`, '-read_intervals', `%+#${FRAMES}`],
    ...['-show_entries', 'frame=interlaced_frame'],
  ];
  const found = await unlessFileFails(probe(tools, { path, demuxer }, show), undefined);
  const parsed = framesSchema.safeParse(found);
  return parsed.success && parsed.data.frames.some(frame => frame.interlaced_frame === 1);
}

const foundSchema = z.object({
  frames: z.array(z.unknown()).default([]),
  streams: z.array(z.object({ codec_name: z.string().default('') })).default([]),
});
/** Packets from the beginning of a track: the first video packet is a key frame, audio decoders need a few. */
const FIRST_PACKETS = { V: 1, v: 1, a: 16 } as const;

interface TrackQuery {
  readonly path: string;
  readonly demuxer: Container['demuxer'];
  /** `V`: video without attached pictures, `v`: all video, `a`: audio. */
  readonly kind: 'V' | 'v' | 'a';
  /** Index among the tracks of this kind. */
  readonly order: number;
  readonly durationSeconds: number;
}

/**
 * Looks at the first packets of a track, and at others only if those decode to nothing.
 *
 * @returns false only if ffmpeg has a decoder for the track and nothing could be decoded
 * @throws FfmpegFailed if ffprobe cannot run
 */
export async function isDecodable(tools: MediaTools, query: TrackQuery): Promise<boolean> {
  const { path, demuxer, kind, order, durationSeconds } = query;
  const { decodable } = await findDecoders(tools.ffmpeg);
  const later = [0.25, 0.5, 0.75].map(part => `${(durationSeconds * part).toFixed(3)}%+#60`);
  const hasFrames = async (intervals: string): Promise<boolean> => {
    const output = await probe(tools, { path, demuxer }, [
      ...['-select_streams', `${kind}:${order}`, '-read_intervals', intervals],
      ...['-show_entries', 'stream=codec_name:frame=media_type'],
    ]);
    const { frames, streams } = foundSchema.parse(output);
    return frames.length > 0 || !streams.every(({ codec_name }) => decodable.has(codec_name));
  };
  /** @param otherwise the answer if ffprobe cannot read this part of the file */
  const tryFrames = (intervals: string, otherwise: boolean): Promise<boolean> =>
    unlessFileFails(hasFrames(intervals), otherwise);
  // A file that ffprobe cannot read at all is judged by its other properties.
  if (await tryFrames(`%+#${FIRST_PACKETS[kind]}`, true)) return true;
  return (await tryFrames('%+#300', false)) || tryFrames(later.join(','), false);
}
