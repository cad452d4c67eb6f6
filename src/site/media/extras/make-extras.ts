/**
 * Looks, once a video is published, for what can stand beside its renditions: poster, storyboard, captions that are in the
 * source. One video at a time, behind everything else; what comes out is a new revision of the same renditions.
 */
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { findCapabilities } from '../../../kernel/ffmpeg.ts';
import { syncDirectory } from '../../../kernel/files.ts';
import { type Repeating, repeat } from '../../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../../kernel/log.ts';
import type { VideoId } from '../../../protocol/ids.ts';
import {
  type CaptionsTrack,
  changeExtras,
  countExtrasAttempt,
  type Extras,
  listWithoutExtras,
  markExtrasMade,
} from '../../database/extras.ts';
import type { VideoRow } from '../../database/schema.ts';
import type { SiteDatabase } from '../../database/videos.ts';
import { probeMedia } from '../conversion/media-probe.ts';
import type { Demuxer } from '../ffmpeg/allowed.ts';
import { chooseDemuxer, type MediaTools } from '../ffmpeg/ffmpeg.ts';
import type { PreparedSource } from '../index/source-index.ts';
import { makeRecord } from '../intake/intake.ts';
import type { Storage } from '../storage/storage.ts';
import { addCaptions, writeCaptions } from './caption-tracks.ts';
import { extractCaptions } from './embedded-captions.ts';
import { makePoster, makeStoryboard, POSTER_FILE, STORYBOARD_FILE } from './pictures.ts';

const LOOK_EVERY_MS = 15_000;
export const MAX_EXTRAS_ATTEMPTS = 3;
const FOLDER = 'pictures';

export interface ExtrasDeps {
  readonly db: SiteDatabase;
  readonly storage: Storage;
  readonly sourceAddress: string;
  readonly tools: MediaTools;
  readonly onRecord: () => void;
  readonly log: Log;
}

export function startExtras(options: ExtrasDeps): Repeating {
  const { db, log } = options;
  return repeat(async signal => {
    try {
      for (;;) {
        const [video] = await listWithoutExtras(db, MAX_EXTRAS_ATTEMPTS, 1);
        if (!video || signal.aborted) return LOOK_EVERY_MS;
        await countExtrasAttempt(db, video.id as VideoId);
        try {
          await makeExtras(options, video, signal);
        } catch (error) {
          if (signal.aborted) await countExtrasAttempt(db, video.id as VideoId, -1);
          else log.warn({ err: error, video: video.id }, 'pictures and captions not made');
        }
      }
    } catch (error) {
      log.warn({ err: error }, 'pictures and captions not looked for');
      return LOOK_EVERY_MS;
    }
  });
}

/** One video. What was made by an attempt that was cut short is made anew. */
export async function makeExtras(options: ExtrasDeps, video: VideoRow, signal?: AbortSignal): Promise<void> {
  const { db, storage, tools } = options;
  const id = video.id as VideoId;
  const directory = storage.directory(id);
  const path = await storage.fetch(id, storage.sourceName);
  const demuxer = await chooseDemuxer(path);
  if (!demuxer) return markExtrasMade(db, id);
  const { durationMs, width, height } = JSON.parse(video.prepared ?? '{}') as PreparedSource;

  const work = join(directory, 'extras.new');
  await rm(work, { recursive: true, force: true });
  await mkdir(join(work, FOLDER), { recursive: true });
  try {
    const found = tools.ffprobe ? await extractCaptions(tools, { path, demuxer }, work, signal) : [];
    const pictures: Pick<Extras, 'poster' | 'storyboard'> =
      width && height
        ? await makePictures(
            tools,
            { path, demuxer, durationMs, width, height, isHdr: await isHdr(tools, path, demuxer) },
            work,
            signal,
          )
        : {};
    signal?.throwIfAborted();
    await rm(join(directory, FOLDER), { recursive: true, force: true });
    await rename(join(work, FOLDER), join(directory, FOLDER));
    await syncDirectory(directory);
    const tracks: CaptionsTrack[] = [];
    for (const captions of found)
      tracks.push(await writeCaptions(directory, { ...captions, from: 'source' }));
    const hasAny = tracks.length > 0 || pictures.poster !== undefined || pictures.storyboard !== undefined;
    const changed =
      hasAny &&
      (await changeExtras(
        db,
        id,
        before => addCaptions({ ...before, ...pictures }, tracks),
        fresh => makeRecord(fresh, options),
        { extras_made: 1 },
      ));
    if (changed) options.onRecord();
    else await markExtrasMade(db, id);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** False also where nothing here can tell or map it: a pale picture is better than none. */
async function isHdr(tools: MediaTools, path: string, demuxer: Demuxer): Promise<boolean> {
  if (!tools.ffprobe || !(await findCapabilities(tools.ffmpeg)).has('zscale')) return false;
  const { videoTracks } = await probeMedia(tools, path, { demuxer });
  return videoTracks[0]?.isHdr ?? false;
}

async function makePictures(
  tools: MediaTools,
  film: Parameters<typeof makePoster>[1],
  work: string,
  signal: AbortSignal | undefined,
): Promise<Pick<Extras, 'poster' | 'storyboard'>> {
  const folder = join(work, FOLDER);
  const board = await makeStoryboard(tools, film, folder, signal);
  const hasPoster = await makePoster(tools, film, folder, signal);
  return {
    ...(hasPoster ? { poster: `${FOLDER}/${POSTER_FILE}` } : {}),
    ...(board ? { storyboard: { file: `${FOLDER}/${STORYBOARD_FILE}`, ...board } } : {}),
  };
}
