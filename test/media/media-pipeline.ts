/** The media half of a site in this process: database, storage, intake and a worker. Tests upload a source and check the result. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { copyFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findCapabilities } from '../../src/kernel/ffmpeg.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { openDatabase } from '../../src/kernel/sql/sql.ts';
import { newVideoId, type VideoId } from '../../src/protocol/base/ids.ts';
import { type JobProgress, listJobProgress } from '../../src/site/database/jobs.ts';
import { locateRevision } from '../../src/site/database/revisions.ts';
import { type SiteSchema, siteMigrations, type VideoRow } from '../../src/site/database/tables/schema.ts';
import { findVideo, insertVideo, type SiteDatabase } from '../../src/site/database/tables/videos.ts';
import {
  createConverter,
  type RunningWorker,
  startWorker,
  type WorkerDeps,
} from '../../src/site/media/conversion/conversion.ts';
import { Presentation } from '../../src/site/media/cut/cut.ts';
import type { Isolation } from '../../src/site/media/ffmpeg/ffmpeg.ts';
import { findMediaTools } from '../../src/site/media/ffmpeg/ffmpeg.ts';
import { prepareSource } from '../../src/site/media/index/source-index.ts';
import { createIntake } from '../../src/site/media/intake/intake.ts';
import { DEFAULT_LADDER, type LadderEntry } from '../../src/site/media/ladder/ladder.ts';
import { createStorage, type Storage } from '../../src/site/media/storage/storage.ts';
import { makeTemporaryDirectory, removeDirectory } from '../support/temporary-directory.ts';

export interface MediaPipeline {
  readonly db: SiteDatabase;
  readonly storage: Storage;
  readonly workerOptions: WorkerDeps;
  upload(path: string, name?: string): Promise<VideoId>;
  find(video: VideoId): Promise<VideoRow>;
  jobs(video?: VideoId): Promise<readonly JobProgress[]>;
  /** Waits until the video has been checked and prepared and has no open job. `watch` gets each row that was polled. */
  untilProcessed(
    video: VideoId,
    watch?: (row: VideoRow) => void,
    timeoutMs?: number,
    /** Ignores the video's jobs. */
    ignoresJobs?: boolean,
  ): Promise<VideoRow>;
  present<T>(
    video: VideoId,
    revision: string | null,
    use: (presentation: Presentation) => Promise<T>,
  ): Promise<T>;
  close(): Promise<void>;
}

export async function openMediaPipeline(
  options: {
    readonly ladder?: readonly LadderEntry[];
    readonly withoutWorker?: boolean;
    /** One step at a time, so that the order of the steps is certain. */
    readonly oneByOne?: boolean;
    readonly isolation?: Isolation;
    /** How often `untilProcessed` polls: this process does the work of each poll too. */
    readonly pollMs?: number;
  } = {},
): Promise<MediaPipeline> {
  const root = await makeTemporaryDirectory('pipeline');
  const storage = createStorage(root);
  const db = await openDatabase<SiteSchema>(join(root, 'site.sqlite'), siteMigrations);
  const tools = await findMediaTools(options.isolation ? { isolation: options.isolation } : {});
  if (!tools?.ffprobe)
    throw new Error('These tests need ffmpeg and ffprobe: apt-get install ffmpeg, or set FFMPEG_PATH.');
  const converter = createConverter({ storage, tools, ladder: options.ladder ?? DEFAULT_LADDER });
  const workerOptions: WorkerDeps = {
    db,
    storage,
    tools,
    converter,
    prepare: prepareSource,
    threads: 1,
    sourceAddress: '192.0.2.1:80',
    owner: 'site',
    slots: 1,
    hasExpress: !options.oneByOne,
    keepFreeBytes: 0,
    can: async need => (await findCapabilities(tools.ffmpeg)).has(need),
    onRecord: () => {},
    log: process.env.PIPELINE_LOG ? { ...silentLog, warn: console.warn, error: console.error } : silentLog,
  };
  let worker: RunningWorker | undefined;
  const intake = createIntake({
    db,
    storage,
    converter,
    sourceAddress: '192.0.2.1:80',
    prepare: prepareSource,
    hashFile: async path => createHash('sha256').update(readFileSync(path)).digest('hex'),
    onRecord: () => {},
    onJob: () => worker?.wake(),
    log: workerOptions.log,
  });
  if (!options.withoutWorker) worker = await startWorker(workerOptions);

  async function find(video: VideoId): Promise<VideoRow> {
    const row = await findVideo(db, video);
    if (!row) throw new Error(`no video ${video}`);
    return row;
  }
  const jobs = (video?: VideoId) => listJobProgress(db, { video, limit: 100 });
  return {
    db,
    storage,
    workerOptions,
    find,
    jobs,
    async upload(path, name = 'A video') {
      const id = newVideoId();
      const { size } = await stat(path);
      await insertVideo(db, {
        id,
        name,
        description: '',
        language: undefined,
        fileName: undefined,
        sizeBytes: size,
      });
      await copyFile(path, storage.upload(id));
      await intake.accept(id, async () => createHash('sha256').update(readFileSync(path)).digest('hex'));
      return id;
    },
    async untilProcessed(video, watch, timeoutMs = 120_000, ignoresJobs = false) {
      const deadline = Date.now() + timeoutMs;
      for (;;) {
        const row = await find(video);
        watch?.(row);
        const open = (await jobs(video)).filter(({ state }) => state === 'open');
        const isDone = !['uploading', 'checking', 'preparing'].includes(row.state);
        if (isDone && (ignoresJobs || open.length === 0)) return find(video);
        if (Date.now() > deadline) {
          throw new Error(`${row.state} after ${timeoutMs} ms: ${JSON.stringify(await jobs(video))}`);
        }
        await sleep(options.pollMs ?? 50);
      }
    },
    async present(video, revision, use) {
      const parts = await locateRevision(db, video, revision as never);
      if (typeof parts !== 'object') throw new Error(`no revision ${revision}`);
      const presentation = await Presentation.open({ directory: storage.directory(video), ...parts });
      try {
        return await use(presentation);
      } finally {
        await presentation.close();
      }
    },
    async close() {
      await worker?.stop();
      await intake.stop();
      await db.destroy();
      await removeDirectory(root);
    },
  };
}
