/**
 * The poster and the storyboard of a film: frames that ffmpeg decoded and wrote anew as JPEG. The poster is the frame with
 * the most to see among some from the whole film, so it is not the black one that many films begin with.
 */
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { findStats, syncDirectory, syncFile } from '../../../kernel/files.ts';
import type { Storyboard } from '../../database/extras.ts';
import { TONE_MAP } from '../conversion/encode-args.ts';
import type { Args } from '../ffmpeg/allowed.ts';
import { convert, type MediaInput, type MediaTools } from '../ffmpeg/ffmpeg.ts';
import { FfmpegFailed, type RunLimits } from '../ffmpeg/run.ts';

export interface VideoInput {
  readonly path: string;
  readonly demuxer: MediaInput['demuxer'];
  readonly durationMs: number;
  /** As shown. */
  readonly width: number;
  readonly height: number;
  /** Mapped to what every screen shows. */
  readonly isHdr: boolean;
}

export const POSTER_FILE = 'poster.jpg';
export const STORYBOARD_FILE = 'storyboard.jpg';

const POSTER_BOX = 1_280;
/** Where frames for the poster are taken from, as parts of the film. Earlier ones tell less of the end. */
const POSTER_PLACES = [0.1, 0.2, 0.3, 0.05, 0.45, 0.6, 0.8, 0] as const;
const TILE_BOX = 160;
const MAX_TILES = 144;
const TILE_COLUMNS = 12;
const MIN_TILE_MS = 1_000;

const LIMITS: Partial<RunLimits> = { cpuSeconds: 1_800, fileBytes: 64 * 2 ** 20, wallMs: 3_600_000 };

/** The largest size of the same shape in a square box, in whole pairs of pixels. */
export function fitInto(box: number, width: number, height: number): { width: number; height: number } {
  const scale = Math.min(1, box / Math.max(width, height));
  const even = (value: number): number => Math.max(2, 2 * Math.round((value * scale) / 2));
  return { width: even(width), height: even(height) };
}

/** JPEG is of full range, and does not notice that what was mapped is not. */
const toneMap = ({ isHdr }: VideoInput): string =>
  isHdr ? `${TONE_MAP},format=yuv420p,scale=out_range=pc,` : '';

const asJpeg = (filter: string, quality: number): Args => [
  ...['-map', '0:V:0', '-vf', filter, '-fps_mode', 'vfr', '-c:v', 'mjpeg', '-q:v', quality],
  ...['-f', 'image2', '-update', 1],
];

/**
 * Writes `poster.jpg` into an empty directory.
 *
 * @returns false where no frame of the film could be decoded
 */
export async function makePoster(
  tools: MediaTools,
  film: VideoInput,
  directory: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const { width, height } = fitInto(POSTER_BOX, film.width, film.height);
  const filter = `scale=${width}:${height},setsar=1,${toneMap(film)}format=yuvj420p`;
  let best: { readonly name: string; readonly bytes: number } | undefined;
  for (const [number, place] of POSTER_PLACES.entries()) {
    const name = `candidate-${number}`;
    const work = join(directory, name);
    await mkdir(work);
    const bytes = await attempt(async () => {
      await convert(tools, {
        inputs: [
          {
            path: film.path,
            demuxer: film.demuxer,
            options: ['-ss', ((film.durationMs * place) / 1_000).toFixed(3)],
          },
        ],
        directory: work,
        outputs: [{ name: POSTER_FILE, options: ['-frames:v', 1, ...asJpeg(filter, 4)] }],
        limits: LIMITS,
        ...(signal ? { abort: signal } : {}),
      });
      return (await findStats(join(work, POSTER_FILE)))?.size;
    });
    // The more there is to see in a frame, the more bytes it takes.
    if (bytes && bytes > (best?.bytes ?? 0)) best = { name, bytes };
    // A frame this rich is good enough; the rest need not be decoded.
    if (best && number >= 2 && best.bytes > (width * height) / 12) break;
  }
  if (best) await rename(join(directory, best.name, POSTER_FILE), join(directory, POSTER_FILE));
  for (const number of POSTER_PLACES.keys()) {
    await rm(join(directory, `candidate-${number}`), { recursive: true, force: true });
  }
  if (best) await makeSafe(directory, POSTER_FILE);
  return best !== undefined;
}

/** Writes `storyboard.jpg` into a directory of its own: key frames at even distances, side by side. */
export async function makeStoryboard(
  tools: MediaTools,
  film: VideoInput,
  directory: string,
  signal?: AbortSignal,
): Promise<Omit<Storyboard, 'file'> | undefined> {
  const tile = fitInto(TILE_BOX, film.width, film.height);
  const everyMs = Math.max(MIN_TILE_MS, Math.ceil(film.durationMs / MAX_TILES));
  const count = Math.max(1, Math.min(MAX_TILES, Math.floor(film.durationMs / everyMs)));
  const columns = Math.min(TILE_COLUMNS, count);
  const rows = Math.ceil(count / columns);
  const filter =
    `fps=fps=1000/${everyMs}:round=near:start_time=0,scale=${tile.width}:${tile.height},setsar=1,${toneMap(film)}` +
    `tile=${columns}x${rows},format=yuvj420p`;
  const isMade = await attempt(async () => {
    await convert(tools, {
      inputs: [{ path: film.path, demuxer: film.demuxer, options: ['-skip_frame', 'nokey'] }],
      directory,
      outputs: [{ name: STORYBOARD_FILE, options: ['-frames:v', 1, ...asJpeg(filter, 5)] }],
      limits: LIMITS,
      ...(signal ? { abort: signal } : {}),
    });
    return true;
  });
  if (!isMade) return undefined;
  await makeSafe(directory, STORYBOARD_FILE);
  return { everyMs, columns, count, tileWidth: tile.width, tileHeight: tile.height };
}

/** A film of which no picture can be made has none. Other faults are the machine's. */
async function attempt<T>(act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof FfmpegFailed && error.fault !== 'unavailable') return undefined;
    throw error;
  }
}

/** JPEG begins with its own mark: nothing else is ever served as a picture. */
async function makeSafe(directory: string, name: string): Promise<void> {
  const path = join(directory, name);
  const head = (await readFile(path)).subarray(0, 3);
  if (head.toString('hex') !== 'ffd8ff') throw new FfmpegFailed('failed', `${name} is no JPEG`);
  await syncFile(path);
  await syncDirectory(directory);
}
