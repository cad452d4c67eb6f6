/**
 * Decides what becomes of a complete upload: it is published as it is, converted first, or rejected. A conversion that improves a
 * playable source is planned by a job after the publication. Files that are not videos are rejected while they are indexed
 * (containers/reject-unsupported.ts).
 */
import { failpoint } from '../../../kernel/failpoint.ts';
import type { Log } from '../../../kernel/log.ts';
import { newRevisionId, type VideoId } from '../../../protocol/base/ids.ts';
import { insertJob, type NewJob } from '../../database/jobs.ts';
import { changeVideo } from '../../database/publication/records.ts';
import { deleteRevisions, insertRevision } from '../../database/revisions.ts';
import type { VideoRow } from '../../database/tables/schema.ts';
import type { SiteDatabase } from '../../database/tables/videos.ts';
import {
  type Converter,
  inspectJob,
  isConvertible,
  type PlayablePlan,
  type ProbeResult,
  playsEverywhere,
} from '../conversion/conversion.ts';
import { isServable, type PreparedSource } from '../index/source-index.ts';
import { makeRecord } from '../record/record.ts';
import { damaged, SourceRejected } from '../source-rejected.ts';
import type { Storage } from '../storage/storage.ts';

export interface CheckDeps {
  readonly db: SiteDatabase;
  readonly storage: Storage;
  readonly sourceAddress: string;
  /** Indexes a source and describes it. */
  readonly prepare: (sourcePath: string, indexPath: string, fileName?: string) => Promise<PreparedSource>;
  /** Absent if the site has no ffmpeg: sources that cannot be played as they are are then rejected. */
  readonly converter?: Converter | undefined;
  /** Called after a record was written, which must then be signalled to central. */
  readonly onRecord: () => void;
  /** Called after a job was added. */
  readonly onJob: () => void;
  readonly log: Log;
}

/**
 * @throws SourceRejected if the source can neither be played nor converted
 * @throws other errors for failures of the machine; the check may be tried again
 */
export async function checkSource(deps: CheckDeps, video: VideoId, row: VideoRow): Promise<void> {
  const { converter, storage } = deps;
  let prepared: PreparedSource;
  try {
    prepared = await deps.prepare(
      await storage.fetch(video, storage.sourceName),
      storage.index(video),
      row.file_name ?? undefined,
    );
  } catch (error) {
    if (!(error instanceof SourceRejected) || !isConvertible(error.code)) throw error;
    return convertUnplayable(deps, video, row, error);
  }
  if (converter) await requireDecodable(converter, video, mainTrackOf(prepared));
  const plan = converter && (await planBeforePublication(converter, video, prepared));
  if (plan) return startConversion(deps, video, describeUnpublished(prepared, plan), plan.job);
  failpoint('check-prepared');
  await publishSource(deps, video, prepared);
}

async function convertUnplayable(
  deps: CheckDeps,
  video: VideoId,
  row: VideoRow,
  rejection: SourceRejected,
): Promise<void> {
  const { converter } = deps;
  if (!converter) {
    const message = `${rejection.message} This site cannot convert it, because ffmpeg is not installed.`;
    throw new SourceRejected(rejection.code, message, { cause: rejection });
  }
  const orElse = (error: unknown): never => {
    throw preferReason(rejection, error);
  };
  const found = await converter.inspect(video, { videoTrack: rejection.videoTrack }).catch(orElse);
  const plan =
    found && (await converter.planPlayableVersion(video, found, { code: rejection.code }).catch(orElse));
  if (!plan) throw rejection;
  const { video: track, audioTracks } = found.probed;
  await requireDecodable(converter, video, {
    kind: track ? 'V' : 'a',
    order: (track ?? audioTracks[0])?.order ?? 0,
    durationSeconds: (plan.durationMs ?? 0) / 1_000,
  }).catch(orElse);
  const described = describeUnplayable(row, found, plan);
  const isDamage = rejection.isCutOff || rejection.code === 'damaged' || rejection.code === 'truncated';
  const prepared = isDamage ? { ...described, notes: [...described.notes, DAMAGED] } : described;
  await startConversion(deps, video, prepared, plan.job);
}

/** The reason for the uploader if ffmpeg cannot use a file either: its own if ours is no more than a container or a codec. */
const preferReason = (rejection: SourceRejected, error: unknown): unknown =>
  error instanceof SourceRejected &&
  rejection.code !== 'container-unsupported' &&
  rejection.code !== 'codec-unsupported'
    ? rejection
    : error;

type MainTrack = Parameters<Converter['isDecodable']>[1];

function mainTrackOf({ renditions, videoTrack, durationMs }: PreparedSource): MainTrack {
  const durationSeconds = durationMs / 1_000;
  if (videoTrack) return { kind: 'v', order: videoTrack.order, durationSeconds };
  return { kind: renditions.some(({ kind }) => kind === 'video') ? 'V' : 'a', order: 0, durationSeconds };
}

/** @throws SourceRejected if no frame of the main track can be decoded: the index of a file may be intact and its content lost */
async function requireDecodable(converter: Converter, video: VideoId, main: MainTrack): Promise<void> {
  if (await converter.isDecodable(video, main)) return;
  throw damaged(
    main.kind === 'a' ? 'none of its audio can be decoded' : 'none of its pictures can be decoded',
  );
}

/** The job without which a source should not be published; undefined if every browser plays it well. */
async function planBeforePublication(
  converter: Converter,
  video: VideoId,
  prepared: PreparedSource,
): Promise<PlayablePlan | undefined> {
  const { hasGaps = false, mayBeInterlaced } = prepared;
  if (isServable(prepared) && !mayBeInterlaced && playsEverywhere(prepared)) return undefined;
  const found = await converter.inspect(video, prepared);
  if (!found) return undefined;
  if (!isServable(prepared) || found.probed.video?.isInterlaced) {
    return converter.planPlayableVersion(video, found, { hasGaps });
  }
  const job = playsEverywhere(prepared)
    ? undefined
    : await converter.planFirstRendition(video, found, prepared);
  return job && { job, durationMs: prepared.durationMs, startSeconds: prepared.originSeconds };
}

async function publishSource(deps: CheckDeps, video: VideoId, prepared: PreparedSource): Promise<void> {
  const { db, storage } = deps;
  const revision = newRevisionId();
  // Left over from a check that was killed at this point; no record names them.
  await deleteRevisions(db, video);
  await insertRevision(db, revision, video, [storage.indexName]);
  failpoint('check-revision-written');
  const changed = await changeVideo(db, video, {
    onlyFrom: ['checking'],
    changes: { state: 'ready', revision, prepared: JSON.stringify(prepared) },
    record: row => makeRecord(row, deps),
    nowMs: Date.now(),
    also: async transaction => {
      // Publication does not wait for the answer to whether the source needs a ladder.
      if (deps.converter) {
        await insertJob(transaction, inspectJob(video, storage.sourceName, storage.indexName));
      }
    },
  });
  failpoint('record-written');
  if (!changed) return;
  deps.onRecord();
  deps.onJob();
}

/** From now on the job's worker publishes. The state is `preparing` until the whole video can be played. */
async function startConversion(
  { db, log, onJob }: CheckDeps,
  video: VideoId,
  prepared: PreparedSource,
  job: NewJob,
): Promise<void> {
  const changes = { state: 'preparing' as const, prepared: JSON.stringify(prepared) };
  await changeVideo(db, video, {
    onlyFrom: ['checking'],
    changes,
    nowMs: Date.now(),
    also: async transaction => {
      await insertJob(transaction, job);
    },
  });
  log.info({ video, kind: job.kind, steps: job.steps.length }, 'conversion started');
  onJob();
}

const DAMAGED = 'The file is damaged or incomplete. What could be read was converted.';

/** The description of a source that could be published, before its first rendition exists. */
function describeUnpublished(
  { shownFromSeconds: _, ...prepared }: PreparedSource,
  { durationMs = prepared.durationMs, startSeconds }: PlayablePlan,
): PreparedSource {
  const start = startSeconds === undefined ? {} : { originSeconds: startSeconds };
  return { ...prepared, ...start, renditions: [], durationMs, fullDurationMs: durationMs };
}

/** The description of a source before its first rendition exists. */
function describeUnplayable(
  row: VideoRow,
  { container, probed }: ProbeResult,
  { durationMs, startSeconds }: PlayablePlan,
): PreparedSource {
  const sizeBytes = Number(row.size_bytes);
  const { video: track, videoTrack, notes } = probed;
  return {
    container: container.label,
    durationMs: durationMs ?? 1,
    sizeBytes,
    bitrateBps: Math.max(1, Math.round((sizeBytes * 8_000) / (durationMs ?? 1_000))),
    ...(track && track.width > 0 ? { width: track.width, height: track.height } : {}),
    renditions: [],
    notes,
    ...(videoTrack ? { videoTrack } : {}),
    ...(startSeconds === undefined ? {} : { originSeconds: startSeconds }),
    ...(durationMs === undefined ? {} : { fullDurationMs: durationMs }),
  };
}
