/**
 * Makes the poster and the storyboard of a video: frames that ffmpeg decodes and encodes as JPEG. The poster is the frame with the
 * most detail among several, because many videos start with a black one.
 */
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { findStats, syncDirectory, syncFile } from '../../../kernel/files.ts';
import type { Colour } from '../../../protocol/media/media.ts';
import type { Storyboard } from '../../database/extras.ts';
import {
  type Args,
  convert,
  DEINTERLACE,
  FfmpegFailed,
  type MediaInput,
  type MediaTools,
  type RunLimits,
  scaleToJpeg,
  unlessFileFails,
} from '../ffmpeg/ffmpeg.ts';

interface VideoInput {
  readonly path: string;
  readonly demuxer: MediaInput['demuxer'];
  /** Index among the video tracks. */
  readonly order: number;
  readonly durationMs: number;
  /** The time that somebody has chosen for the poster. */
  readonly posterAtMs?: number | undefined;
  /** As displayed. */
  readonly width: number;
  readonly height: number;
  readonly colour: Colour;
  readonly isInterlaced: boolean;
}

export const POSTER_FILE = 'poster.jpg';
export const STORYBOARD_FILE = 'storyboard.jpg';

/** Longest side in pixels. */
const POSTER_BOX = 1_280;
/** Positions of the poster's candidates, as fractions of the duration. Earlier frames give away less of the end. */
const POSTER_POSITIONS = [0.1, 0.2, 0.3, 0.05, 0.45, 0.6, 0.8, 0] as const;
const TILE_BOX = 160;
const MAX_TILES = 144;
const TILE_COLUMNS = 12;
const MIN_TILE_MS = 1_000;

const LIMITS: Partial<RunLimits> = { cpuSeconds: 1_800, fileBytes: 64 * 2 ** 20, wallMs: 3_600_000 };

/** The largest size of the same aspect ratio in a square box, in even numbers of pixels; never larger than the original. */
export function fitInto(box: number, width: number, height: number): { width: number; height: number } {
  const scale = Math.min(1, box / Math.max(width, height));
  const even = (value: number): number => Math.max(2, 2 * Math.round((value * scale) / 2));
  return { width: even(width), height: even(height) };
}

const jpegArgs = (order: number, filter: string, quality: number): Args => [
  ...['-frames:v', 1, '-map', `0:V:${order}`, '-vf', filter, '-fps_mode', 'vfr'],
  ...['-c:v', 'mjpeg', '-q:v', quality],
  ...['-f', 'image2', '-update', 1],
];

/**
 * Writes `poster.jpg` into a directory.
 *
 * @returns false if no frame of the video can be decoded
 */
export async function makePoster(
  tools: MediaTools,
  video: VideoInput,
  directory: string,
  abort?: AbortSignal,
): Promise<boolean> {
  const size = fitInto(POSTER_BOX, video.width, video.height);
  const filter = [...(video.isInterlaced ? [DEINTERLACE] : []), ...scaleToJpeg(size, video.colour)].join(',');
  let best: { readonly name: string; readonly bytes: number } | undefined;
  const { posterAtMs } = video;
  const times =
    posterAtMs === undefined
      ? POSTER_POSITIONS.map(position => video.durationMs * position)
      : // Nothing may follow the very last moment.
        [posterAtMs, Math.max(0, posterAtMs - 1_000)];
  for (const [number, timeMs] of times.entries()) {
    const name = `candidate-${number}`;
    const candidateDirectory = join(directory, name);
    await mkdir(candidateDirectory);
    // Streams without timestamps, and some very short ones, can only be read from the start.
    const seek = timeMs > 0 ? ['-ss', (timeMs / 1_000).toFixed(3)] : [];
    const isDecoded = await succeeds(
      convert(tools, {
        inputs: [{ path: video.path, demuxer: video.demuxer, options: seek }],
        directory: candidateDirectory,
        outputs: [{ name: POSTER_FILE, options: jpegArgs(video.order, filter, 4) }],
        limits: LIMITS,
        abort,
      }),
    );
    const bytes = isDecoded ? (await findStats(join(candidateDirectory, POSTER_FILE)))?.size : undefined;
    // A frame with more detail takes more bytes.
    if (bytes && bytes > (best?.bytes ?? 0)) best = { name, bytes };
    if (best && posterAtMs !== undefined) break;
    // A frame with this much detail is good enough, so the others need not be decoded.
    if (best && number >= 2 && best.bytes > (size.width * size.height) / 12) break;
  }
  if (best) await rename(join(directory, best.name, POSTER_FILE), join(directory, POSTER_FILE));
  for (const number of POSTER_POSITIONS.keys()) {
    await rm(join(directory, `candidate-${number}`), { recursive: true, force: true });
  }
  if (best) await finishJpeg(directory, POSTER_FILE);
  return best !== undefined;
}

/**
 * Writes `storyboard.jpg` into a directory: key frames at equal intervals, side by side.
 *
 * @returns undefined if no frame of the video can be decoded
 */
export async function makeStoryboard(
  tools: MediaTools,
  video: VideoInput,
  directory: string,
  abort?: AbortSignal,
): Promise<Omit<Storyboard, 'file'> | undefined> {
  const tile = fitInto(TILE_BOX, video.width, video.height);
  const everyMs = Math.max(MIN_TILE_MS, Math.ceil(video.durationMs / MAX_TILES));
  const count = Math.max(1, Math.min(MAX_TILES, Math.floor(video.durationMs / everyMs)));
  const columns = Math.min(TILE_COLUMNS, count);
  const rows = Math.ceil(count / columns);
  const filter = [
    `fps=fps=1000/${everyMs}:round=near:start_time=0:eof_action=pass`,
    ...scaleToJpeg(tile, video.colour),
    `tile=${columns}x${rows}`,
  ].join(',');
  const isDecoded = await succeeds(
    convert(tools, {
      inputs: [{ path: video.path, demuxer: video.demuxer, options: ['-skip_frame', 'nokey'] }],
      directory,
      outputs: [{ name: STORYBOARD_FILE, options: jpegArgs(video.order, filter, 5) }],
      limits: LIMITS,
      abort,
    }),
  );
  if (!isDecoded) return undefined;
  await finishJpeg(directory, STORYBOARD_FILE);
  return { everyMs, columns, count, tileWidth: tile.width, tileHeight: tile.height };
}

/** False if ffmpeg cannot decode the video. Failures of the machine are thrown. */
const succeeds = (conversion: Promise<void>): Promise<boolean> =>
  unlessFileFails(
    conversion.then(() => true),
    false,
  );

/** Makes a file durable after checking that it is a JPEG: nothing else is ever served as an image. */
async function finishJpeg(directory: string, name: string): Promise<void> {
  const path = join(directory, name);
  const head = (await readFile(path)).subarray(0, 3);
  if (head.toString('hex') !== 'ffd8ff') throw new FfmpegFailed('failed', `${name} is not a JPEG`);
  await syncFile(path);
  await syncDirectory(directory);
}
