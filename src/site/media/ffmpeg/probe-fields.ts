/** Decodes the first frames of a video track to see whether they are interlaced: what containers declare is often wrong. */
import * as z from 'zod';
import type { Container } from './demuxers.ts';
import { FfmpegFailed } from './failure.ts';
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
  try {
    const found = await probe(tools, { path, demuxer }, [
      ...['-select_streams', `V:${order}`, '-read_intervals', `%+#${FRAMES}`],
      ...['-show_entries', 'frame=interlaced_frame'],
    ]);
    const parsed = framesSchema.safeParse(found);
    return parsed.success && parsed.data.frames.some(frame => frame.interlaced_frame === 1);
  } catch (error) {
    if (!(error instanceof FfmpegFailed) || error.fault === 'unavailable') throw error;
    return false;
  }
}
