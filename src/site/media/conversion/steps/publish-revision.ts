/** Publishes finished renditions of a video as a new revision. */
import { newRevisionId, type VideoId } from '../../../../protocol/base/ids.ts';
import { insertJob, type NewJob } from '../../../database/jobs.ts';
import { changeVideo } from '../../../database/publication/records.ts';
import { insertRevisionWithExtras } from '../../../database/revisions.ts';
import type { PreparedSource } from '../../index/source-index.ts';
import { makeRecord } from '../../record/record.ts';
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
export function publishRevision(
  deps: StepDeps,
  video: VideoId,
  { indexes, prepared, isComplete, next }: NewRevision,
): Promise<boolean> {
  const revision = newRevisionId();
  return changeVideo(deps.db, video, {
    onlyFrom: ['preparing', 'ready'],
    changes: {
      revision,
      prepared: JSON.stringify(prepared),
      error_code: null,
      error_detail: null,
      ...(isComplete ? { state: 'ready' as const } : {}),
    },
    record: row => makeRecord(row, deps),
    nowMs: Date.now(),
    also: async transaction => {
      await insertRevisionWithExtras(transaction, revision, video, indexes);
      if (next) await insertJob(transaction, next);
    },
  });
}
