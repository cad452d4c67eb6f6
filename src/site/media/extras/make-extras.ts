/**
 * Makes the poster and the storyboard of a published video and extracts the captions from its source. The result is a new revision
 * with the same renditions.
 */
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { findCapabilities } from '../../../kernel/ffmpeg.ts';
import { syncDirectory } from '../../../kernel/files.ts';
import type { Log } from '../../../kernel/log.ts';
import { newId } from '../../../protocol/base/ids.ts';
import type { Colour } from '../../../protocol/media/media.ts';
import {
  type CaptionsTrack,
  changeExtras,
  type Extras,
  markExtrasMade,
  parseExtras,
  reopenExtras,
} from '../../database/extras.ts';
import { parseDetails } from '../../database/tables/details.ts';
import type { VideoRow } from '../../database/tables/schema.ts';
import { findVideo, type SiteDatabase } from '../../database/tables/videos.ts';
import {
  detectContainer,
  type MediaInput,
  type MediaTools,
  needsZscale,
  probeMedia,
  resolveColour,
} from '../ffmpeg/ffmpeg.ts';
import { makeRecord, parsePrepared } from '../record/record.ts';
import type { Storage } from '../storage/storage.ts';
import type { TrackPosition } from '../video-track.ts';
import { extractCaptions } from './captions/embedded.ts';
import { addCaptions, writeCaptions } from './captions/tracks.ts';
import { makePoster, makeStoryboard, POSTER_FILE, STORYBOARD_FILE } from './images.ts';

const IMAGES_FOLDER = 'pictures';

export interface ExtrasDeps {
  readonly db: SiteDatabase;
  readonly storage: Storage;
  readonly sourceAddress: string;
  readonly tools: MediaTools;
  /** Called after a record was written, which must then be signalled to central. */
  readonly onRecord: () => void;
  readonly log: Log;
}

type Images = Pick<Extras, 'poster' | 'posterAtMs' | 'storyboard'>;

/**
 * Replaces the results of an earlier attempt that was interrupted. An attempt that fails leaves no file behind.
 *
 * @throws the reason of `abort` when it is aborted
 */
export async function makeExtras(deps: ExtrasDeps, video: VideoRow, abort?: AbortSignal): Promise<void> {
  const { db, storage, tools } = deps;
  const id = video.id;
  const directory = storage.directory(id);
  const path = await storage.fetch(id, storage.sourceName);
  const container = await detectContainer(path);
  if (!container) return markExtrasMade(db, id);
  const input = { path, demuxer: container.demuxer };
  if (parseExtras(video.extras).storyboard) return retakePoster(deps, video, input, abort);

  const workDirectory = join(directory, 'extras.new');
  await rm(workDirectory, { recursive: true, force: true });
  await mkdir(join(workDirectory, IMAGES_FOLDER), { recursive: true });
  const written: CaptionsTrack[] = [];
  let changed = false;
  try {
    const { originSeconds = 0, uploadOriginSeconds = originSeconds } = parsePrepared(video) ?? {};
    const options = { directory: workDirectory, originSeconds: uploadOriginSeconds, abort };
    const found = tools.ffprobe ? await extractCaptions(tools, input, options) : [];
    const images = await makeImages(deps, video, input, { workDirectory, abort });
    abort?.throwIfAborted();
    await rm(join(directory, IMAGES_FOLDER), { recursive: true, force: true });
    await rename(join(workDirectory, IMAGES_FOLDER), join(directory, IMAGES_FOLDER));
    await syncDirectory(directory);
    for (const captions of found) {
      written.push(await writeCaptions(directory, { ...captions, from: 'source' }));
    }
    const hasAny = written.length > 0 || images.poster !== undefined || images.storyboard !== undefined;
    changed =
      hasAny &&
      (await changeExtras(db, id, {
        change: before => addCaptions({ ...before, ...images }, written),
        record: row => makeRecord(row, deps),
        alsoSet: { extras_made: 1 },
      }));
    if (changed) deps.onRecord();
    else await markExtrasMade(db, id);
  } finally {
    await rm(workDirectory, { recursive: true, force: true });
    if (!changed) for (const { file } of written) await rm(join(directory, file), { force: true });
  }
}

const chosenTime = (row: VideoRow): number | undefined => parseDetails(row).poster?.atMs;
const timeOf = (posterAtMs: number | undefined) => (posterAtMs === undefined ? {} : { posterAtMs });

/** Somebody has chosen another time for the poster. Earlier revisions keep their own file, so this one has another name. */
async function retakePoster(
  deps: ExtrasDeps,
  row: VideoRow,
  input: Pick<MediaInput, 'path' | 'demuxer'>,
  abort: AbortSignal | undefined,
): Promise<void> {
  const { db, storage, tools } = deps;
  const { durationMs = 0, width, height, videoTrack } = parsePrepared(row) ?? {};
  const posterAtMs = chosenTime(row);
  if (!width || !height || posterAtMs === parseExtras(row.extras).posterAtMs)
    return markExtrasMade(db, row.id);
  const directory = storage.directory(row.id);
  const workDirectory = join(directory, 'extras.new');
  await rm(workDirectory, { recursive: true, force: true });
  await mkdir(workDirectory, { recursive: true });
  try {
    const track = await findTrack(tools, { ...input, height, videoTrack });
    const video = { ...input, durationMs, width, height, posterAtMs, ...track };
    if (!(await makePoster(tools, video, workDirectory, abort))) return await markExtrasMade(db, row.id);
    abort?.throwIfAborted();
    const poster = `${IMAGES_FOLDER}/poster-${posterAtMs ?? 'chosen-by-site'}-${newId()}.jpg`;
    await rename(join(workDirectory, POSTER_FILE), join(directory, poster));
    await syncDirectory(join(directory, IMAGES_FOLDER));
    const isChanged = await changeExtras(db, row.id, {
      change: ({ posterAtMs: _, ...before }) => ({ ...before, poster, ...timeOf(posterAtMs) }),
      record: changed => makeRecord(changed, deps),
      alsoSet: { extras_made: 1 },
    });
    if (!isChanged) return await markExtrasMade(db, row.id);
    deps.onRecord();
    // Somebody may have chosen another time meanwhile.
    const present = await findVideo(db, row.id);
    if (present && chosenTime(present) !== posterAtMs) await reopenExtras(db, row.id);
  } finally {
    await rm(workDirectory, { recursive: true, force: true });
  }
}

async function makeImages(
  { tools }: ExtrasDeps,
  row: VideoRow,
  input: Pick<MediaInput, 'path' | 'demuxer'>,
  { workDirectory, abort }: { readonly workDirectory: string; readonly abort: AbortSignal | undefined },
): Promise<Images> {
  const { durationMs = 0, width, height, videoTrack } = parsePrepared(row) ?? {};
  if (!width || !height) return {};
  const track = await findTrack(tools, { ...input, height, videoTrack });
  const video = { ...input, durationMs, width, height, ...track };
  const folder = join(workDirectory, IMAGES_FOLDER);
  const storyboard = await makeStoryboard(tools, video, folder, abort);
  const posterAtMs = chosenTime(row);
  const hasPoster = await makePoster(tools, { ...video, posterAtMs }, folder, abort);
  return {
    ...(hasPoster ? { poster: `${IMAGES_FOLDER}/${POSTER_FILE}`, ...timeOf(posterAtMs) } : {}),
    ...(storyboard ? { storyboard: { file: `${IMAGES_FOLDER}/${STORYBOARD_FILE}`, ...storyboard } } : {}),
  };
}

interface TrackQuery extends Pick<MediaInput, 'path' | 'demuxer'> {
  readonly height: number;
  readonly videoTrack: TrackPosition | undefined;
}

/** On a machine that cannot detect or tone-map HDR, it is taken for SDR: a pale image is better than none. */
async function findTrack(
  tools: MediaTools,
  { path, demuxer, height, videoTrack }: TrackQuery,
): Promise<{ readonly order: number; readonly colour: Colour; readonly isInterlaced: boolean }> {
  const unknown = resolveColour({ height });
  const { video } = tools.ffprobe ? await probeMedia(tools, path, { demuxer }, videoTrack) : {};
  if (!video) return { order: 0, colour: unknown, isInterlaced: false };
  const filters = await findCapabilities(tools.ffmpeg);
  const canConvert = !needsZscale(video.colour) || filters.has('zscale');
  return {
    order: video.order,
    colour: canConvert ? video.colour : { ...unknown, matrix: video.colour.matrix },
    isInterlaced: video.isInterlaced && filters.has('bwdif'),
  };
}
