/** Publishes finished renditions of a video as a new revision. */
import { newRevisionId, type VideoId } from '../../../../protocol/base/ids.ts';
import { insertJob, type NewJob } from '../../../database/jobs.ts';
import { changeVideo } from '../../../database/publication/records.ts';
import { insertRevisionWithExtras } from '../../../database/revisions.ts';
import { findVideo } from '../../../database/tables/videos.ts';
import { parseTrim, type Trim } from '../../../database/trimming.ts';
import type { PreparedSource } from '../../index/source-index.ts';
import { makeRecord } from '../../record/record.ts';
import { trimVideo } from '../../trim/trim.ts';
import type { StepDeps } from './step.ts';

interface NewRevision {
  /** Index files, names in the video's directory. */
  readonly indexes: readonly string[];
  readonly prepared: PreparedSource;
  /** The whole video can be played. */
  readonly isComplete: boolean;
  /** A job that starts from this revision. */
  readonly next: NewJob | undefined;
}

/** @returns false if the video was withdrawn meanwhile */
export async function publishRevision(
  deps: StepDeps,
  video: VideoId,
  { indexes, prepared, isComplete, next }: NewRevision,
): Promise<boolean> {
  const revision = newRevisionId();
  const current = await cutToMarks(deps, video, { indexes, prepared });
  return changeVideo(deps.db, video, {
    onlyFrom: ['preparing', 'ready'],
    changes: {
      revision,
      prepared: JSON.stringify(current.prepared),
      ...(current.trim ? { trim: JSON.stringify(current.trim) } : {}),
      error_code: null,
      error_detail: null,
      ...(isComplete ? { state: 'ready' as const } : {}),
    },
    record: row => makeRecord(row, deps),
    nowMs: Date.now(),
    also: async transaction => {
      await insertRevisionWithExtras(transaction, revision, video, current.indexes);
      if (next) await insertJob(transaction, next);
    },
  });
}

/** A video that was trimmed stays trimmed when it gets other renditions. */
async function cutToMarks(
  { db, storage }: StepDeps,
  video: VideoId,
  { indexes, prepared }: Pick<NewRevision, 'indexes' | 'prepared'>,
): Promise<Pick<NewRevision, 'indexes' | 'prepared'> & { readonly trim?: Trim }> {
  const row = await findVideo(db, video);
  const trim = row && parseTrim(row);
  if (!trim) return { indexes, prepared };
  const trimmed = await trimVideo(storage, video, { indexes, range: trim });
  return {
    indexes: trimmed.indexes,
    prepared: { ...prepared, renditions: trimmed.renditions, durationMs: trimmed.durationMs },
    trim: { ...trim, indexes: [...indexes], renditions: [...prepared.renditions] },
  };
}
