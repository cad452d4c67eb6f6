/**
 * Intake: from the last byte of an upload to the record. Each step leaves the database in a state from which the next
 * start goes on: uploading → (bytes safe) checking → (record written) ready, or failed with a sentence.
 */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { failpoint } from '../../../kernel/failpoint.ts';
import { findStats, renameDurably, syncDirectory, syncFile } from '../../../kernel/files.ts';
import type { Log } from '../../../kernel/log.ts';
import { messageOf, problem } from '../../../kernel/problem.ts';
import { isTransient } from '../../../kernel/sql/transient-error.ts';
import { newRevisionId, type VideoId } from '../../../protocol/ids.ts';
import type { RecordDraft } from '../../../protocol/publication/record.ts';
import { parseExtras } from '../../database/extras.ts';
import { insertJob, type NewJob } from '../../database/jobs.ts';
import { changeVideo } from '../../database/records.ts';
import { deleteRevisions, insertRevision } from '../../database/revisions.ts';
import type { VideoRow } from '../../database/schema.ts';
import {
  claimCheck,
  findVideo,
  listVideosInState,
  markChecking,
  markFailed,
  releaseCheck,
  type SiteDatabase,
} from '../../database/videos.ts';
import { inspectJob, isConvertible, playsEverywhere } from '../conversion/conversion.ts';
import type { Converter, ProbeResult } from '../conversion/converter.ts';
import type { PreparedSource } from '../index/source-index.ts';
import { SourceRejected } from '../source-rejected.ts';
import type { Storage } from '../storage/storage.ts';

const MAX_ATTEMPTS = 3;
const CONCURRENT_CHECKS = 2;

export interface IntakeDeps {
  readonly db: SiteDatabase;
  readonly storage: Storage;
  readonly sourceAddress: string;
  readonly prepare: (sourcePath: string, indexPath: string, fileName?: string) => Promise<PreparedSource>;
  /** The SHA-256 of a file, in hexadecimal. */
  readonly hashFile: (path: string) => Promise<string>;
  /** Absent where there is no ffmpeg: then what cannot be played as it is is refused. */
  readonly converter?: Converter | undefined;
  /** A record was written: there is something to signal. */
  readonly onRecord: () => void;
  /** There is work for a worker. */
  readonly onJob: () => void;
  readonly log: Log;
}

export interface Intake {
  /** All bytes of an upload are there: makes them safe, then has them checked. Returns once they are safe. */
  accept(video: VideoId, hash: () => Promise<string>): Promise<void>;
  /** Checks the source of a video anew, if its state says that it is to be checked. */
  check(video: VideoId): void;
  /**
   * Takes up what an earlier run left behind, or this one while its database or a disk was away; of uploads those that nobody
   * has written to for so long.
   */
  resume(restingMs?: number): Promise<void>;
  stop(): Promise<void>;
}

export function createIntake(options: IntakeDeps): Intake {
  const { db, storage, log } = options;
  const waiting: VideoId[] = [];
  const running = new Set<Promise<void>>();
  /** Those that wait, or are checked. */
  const queued = new Set<VideoId>();
  /** Those that are moved into place: asked for twice, it is done once. */
  const keeping = new Map<VideoId, Promise<void>>();
  let stopped = false;

  /** The order of a commit: file synced, renamed into place, directories synced, then the database. */
  async function keep(video: VideoId, sha256: string): Promise<void> {
    await syncFile(storage.upload(video));
    failpoint('source-synced');
    await mkdir(storage.directory(video), { recursive: true });
    await syncDirectory(dirname(storage.directory(video)));
    await renameDurably(storage.upload(video), storage.source(video));
    failpoint('source-renamed');
    await settle(video, sha256);
    failpoint('source-kept');
  }

  async function settle(video: VideoId, sha256: string): Promise<void> {
    if ((await markChecking(db, video, sha256)) || (await findVideo(db, video))) return;
    // Called off while it was moved into place: nobody else knows of these bytes.
    await storage.remove(video);
    throw problem('upload-cancelled', 'This upload was called off.');
  }

  async function keepOnce(video: VideoId, work: () => Promise<void>): Promise<void> {
    let kept = keeping.get(video);
    if (!kept) {
      kept = work().finally(() => keeping.delete(video));
      keeping.set(video, kept);
    }
    await kept;
    enqueue(video);
  }

  /** What came whole and was not taken in then. */
  async function takeUp({ id, state, size_bytes }: VideoRow, restingMs: number): Promise<void> {
    const video = id as VideoId;
    if (state === 'checking') return enqueue(video);
    const upload = await findStats(storage.upload(video));
    // Between the rename and the commit: the bytes are whole and in place.
    if (existsSync(storage.source(video)))
      await keepOnce(video, async () => settle(video, await options.hashFile(storage.source(video))));
    // Between the last byte and the rename: nobody will send another byte.
    else if (upload?.size === size_bytes && upload.mtimeMs <= Date.now() - restingMs)
      await keepOnce(video, async () => keep(video, await options.hashFile(storage.upload(video))));
  }

  /** True: to be tried again at once. */
  async function check(video: VideoId): Promise<boolean> {
    if (storage.isUnavailable(video)) return false;
    const attempt = await claimCheck(db, video);
    if (attempt === undefined) return false;
    if (attempt > MAX_ATTEMPTS) {
      await fail(
        video,
        'check-set-aside',
        `Checking this file stopped the site's checker ${MAX_ATTEMPTS} times, so it was set aside. Export the film again and upload it anew.`,
      );
      return false;
    }
    failpoint('check-claimed');
    const [row] = await db.selectFrom('videos').selectAll().where('id', '=', video).execute();
    if (!row) return false;
    try {
      await judge(video, row);
    } catch (error) {
      if (error instanceof SourceRejected) {
        await fail(video, error.code, error.message);
      } else if (!stopped && isTransient(error)) {
        // Not the file's fault: it is tried again for as long as it takes, and this counts for no attempt.
        log.warn({ video, reason: messageOf(error) }, 'not checked yet');
        await releaseCheck(db, video);
      } else if (!stopped) {
        log.error({ err: error, video, attempt }, 'check failed');
        if (attempt < MAX_ATTEMPTS) return true;
        await fail(
          video,
          'check-failed',
          `This file could not be checked (${messageOf(error)}). Export the film again and upload it anew.`,
        );
      }
    }
    return false;
  }

  /** Publishes what can be played as it is, and has converted what cannot. */
  async function judge(video: VideoId, row: VideoRow): Promise<void> {
    const { converter } = options;
    let prepared: PreparedSource;
    try {
      prepared = await options.prepare(
        await storage.fetch(video, storage.sourceName),
        storage.index(video),
        row.file_name ?? undefined,
      );
    } catch (error) {
      if (!(error instanceof SourceRejected) || !isConvertible(error.code)) throw error;
      if (!converter) throw withoutFfmpeg(error);
      const look = await converter.inspect(video);
      const job = look && (await converter.planPlayableVersion(video, look, { rejection: error }));
      if (!job || !look) throw error;
      await convert(video, describeUnplayable(row, look), job);
      return;
    }
    const { hasGaps } = prepared;
    if (converter && (hasGaps || !playsEverywhere(prepared))) {
      const look = await converter.inspect(video);
      const job =
        look &&
        (hasGaps
          ? await converter.planPlayableVersion(video, look, { hasGaps })
          : await converter.planFirstRendition(video, look, prepared));
      const waiting = { ...prepared, renditions: [], fullDurationMs: prepared.durationMs };
      if (job) return convert(video, waiting, job);
    }
    failpoint('check-prepared');
    const revision = newRevisionId();
    // Of a check that was killed here before: no record names it.
    await deleteRevisions(db, video);
    await insertRevision(db, revision, video, [storage.indexName]);
    failpoint('check-revision-written');
    const changed = await changeVideo(
      db,
      video,
      ['checking'],
      { state: 'ready', revision, prepared: JSON.stringify(prepared) },
      fresh => makeRecord(fresh, options),
      Date.now(),
      async transaction => {
        // What else it needs is looked into once it can be seen.
        if (converter) {
          await insertJob(transaction, inspectJob(video, storage.sourceName, storage.indexName));
        }
      },
    );
    failpoint('record-written');
    if (!changed) return;
    options.onRecord();
    options.onJob();
  }

  /** From here on the job's worker publishes: the state is `preparing` until all of the film can be played. */
  async function convert(video: VideoId, prepared: PreparedSource, job: NewJob): Promise<void> {
    const changes = { state: 'preparing' as const, prepared: JSON.stringify(prepared) };
    await changeVideo(db, video, ['checking'], changes, undefined, Date.now(), async transaction => {
      await insertJob(transaction, job);
    });
    log.info({ video, kind: job.kind, chunks: job.steps.length }, 'source is converted');
    options.onJob();
  }

  /** The refused bytes go; the row with its sentence stays. */
  async function fail(video: VideoId, code: string, detail: string): Promise<void> {
    await markFailed(db, video, code, detail);
    await storage.remove(video);
    log.info({ video, code }, 'source refused');
  }

  function enqueue(video: VideoId): void {
    if (queued.has(video)) return;
    queued.add(video);
    waiting.push(video);
    fill();
  }

  function fill(): void {
    while (!stopped && running.size < CONCURRENT_CHECKS) {
      const next = waiting.shift();
      if (next === undefined) return;
      const run: Promise<void> = check(next)
        .catch(error => log.error({ err: error, video: next }, 'check could not be recorded'))
        .then(again => {
          running.delete(run);
          queued.delete(next);
          if (again === true) enqueue(next);
          fill();
        });
      running.add(run);
    }
  }

  return {
    accept: (video, hash) => keepOnce(video, async () => keep(video, await hash())),
    check: enqueue,
    async resume(restingMs = 0) {
      for (const row of await listVideosInState(db, ['uploading', 'checking'])) {
        const video = row.id as VideoId;
        if (stopped || storage.isUnavailable(video)) continue;
        await takeUp(row, restingMs).catch(error =>
          log.warn({ err: error, video }, 'an upload could not be taken in yet'),
        );
      }
    },
    async stop() {
      stopped = true;
      await Promise.allSettled(running);
    },
  };
}

const withoutFfmpeg = (refusal: SourceRejected): SourceRejected =>
  new SourceRejected(
    refusal.code,
    `${refusal.message} This site cannot convert it, because it has no ffmpeg.`,
    { cause: refusal },
  );

/** What is known of a source before its first rung is there. */
function describeUnplayable(row: VideoRow, { container, probed }: ProbeResult): PreparedSource {
  const sizeBytes = Number(row.size_bytes);
  // Without times a duration is a guess.
  const seconds = container.leadInSeconds === undefined ? undefined : probed.durationSeconds;
  const durationMs = seconds === undefined ? undefined : Math.max(1, Math.round(seconds * 1_000));
  const [picture] = probed.videoTracks;
  return {
    container: container.label,
    durationMs: durationMs ?? 1,
    sizeBytes,
    bitrateBps: Math.max(1, Math.round((sizeBytes * 8_000) / (durationMs ?? 1_000))),
    ...(picture && picture.width > 0 ? { width: picture.width, height: picture.height } : {}),
    renditions: [],
    notes: [],
    ...(durationMs === undefined ? {} : { fullDurationMs: durationMs }),
  };
}

/** The record of a video that is ready (mission, requirement 10). */
export function makeRecord(
  video: VideoRow,
  site: { readonly storage: Storage; readonly sourceAddress: string },
): RecordDraft {
  const prepared = JSON.parse(video.prepared ?? '{}') as PreparedSource;
  const extras = parseExtras(video.extras);
  const { container, durationMs, sizeBytes, bitrateBps, renditions } = prepared;
  return {
    kind: 'video',
    video: video.id,
    revision: video.revision,
    name: video.name,
    description: video.description,
    ...(video.language ? { language: video.language } : {}),
    path: prepared.takenOver?.path ?? site.storage.recordPath(video.id as VideoId),
    sourceAddress: site.sourceAddress,
    sizeBytes,
    bitrateBps,
    durationMs,
    ...(prepared.width && prepared.height ? { width: prepared.width, height: prepared.height } : {}),
    sha256: video.sha256,
    container,
    renditions: [...renditions, ...extras.captions.map(({ rendition }) => rendition)],
    ...(prepared.takenOver?.pictures ? { pictures: prepared.takenOver.pictures } : {}),
    ...(extras.poster || extras.storyboard
      ? {
          pictures: { poster: extras.poster !== undefined, storyboard: extras.storyboard !== undefined },
        }
      : {}),
    ...(video.state === 'preparing' ? { isGrowing: true } : {}),
    ...(video.private === 1 ? { visibility: 'private' } : {}),
    createdAt: video.created_at,
  } as RecordDraft;
}
