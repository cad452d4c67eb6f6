/**
 * Enforces `publishAt` and `withdrawAt` at this site, by its own clock and without central: a video is served to everybody from its
 * publishAt, and withdrawn at its withdrawAt. The first run belongs before the first request, because time has passed while the
 * site was stopped.
 */
import { type Clock, systemClock } from '../../kernel/lifecycle/clock.ts';
import { type Repeating, repeat } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import type { VideoId } from '../../protocol/base/ids.ts';
import type { AuditEvent } from '../../protocol/people/audit.ts';
import {
  listDueWithdrawals,
  listExpiredCopies,
  listPublished,
  listTurned,
} from '../database/tables/scheduled-videos.ts';
import { findVideo, type SiteDatabase } from '../database/tables/videos.ts';
import type { DiskReserve } from '../maintenance/disk-reserve.ts';
import type { SiteRights } from '../rights/site-rights.ts';
import { describeWithdrawal, type WithdrawVideoDeps, withdrawVideo } from './withdraw-video.ts';

const EVERY_MS = 1_000;
/** Withdrawals between two looks at the clock. */
const MAX_WITHDRAWALS = 50;

export interface ScheduleDeps extends WithdrawVideoDeps {
  readonly rights: Pick<SiteRights, 'setExpired' | 'notePublished'>;
  /** Reads again from the database whether these videos are served to everybody. */
  readonly markStored: (videos: readonly VideoId[]) => Promise<void>;
  /** The time of which `rights` were read from the database. */
  readonly asOfMs: number;
  readonly audit: { append(event: Omit<AuditEvent, 'at'>, transaction: SiteDatabase): Promise<void> };
  readonly reserve: Pick<DiskReserve, 'withReserveReleased'>;
  readonly log: Log;
  readonly clock?: Clock;
}

export interface ScheduleRunner {
  /** Applies everything due now. @throws if the database or the disk fails */
  run(): Promise<void>;
  start(): Repeating;
}

export function createSchedule(deps: ScheduleDeps): ScheduleRunner {
  const { db, rights, log, clock = systemClock } = deps;
  let sinceMs = deps.asOfMs;
  let publishedSinceMs = 0;

  async function run(): Promise<void> {
    const nowMs = clock.now();
    for (const id of await listDueWithdrawals(db, nowMs, MAX_WITHDRAWALS)) {
      const row = await findVideo(db, id);
      if (!row) continue;
      // This frees space, so it must be possible on a full disk.
      await deps.reserve.withReserveReleased(() =>
        withdrawVideo(deps, row, transaction =>
          deps.audit.append({ who: { kind: 'system' }, ...describeWithdrawal(row) }, transaction),
        ),
      );
      log.info({ video: id }, 'a video was withdrawn at its withdrawAt');
    }
    const { own, copies } = await listTurned(db, sinceMs, nowMs);
    // Copies are few, and their records change without notice.
    rights.setExpired(await listExpiredCopies(db, nowMs));
    await deps.markStored([...own, ...copies]);
    for (const video of await listPublished(db, publishedSinceMs, nowMs)) rights.notePublished(video);
    sinceMs = nowMs;
    publishedSinceMs = nowMs;
  }

  return {
    run,
    start: () =>
      repeat(async () => {
        try {
          await run();
        } catch (error) {
          log.warn({ reason: messageOf(error) }, 'the schedule of videos could not be applied; will retry');
        }
        return EVERY_MS;
      }, clock),
  };
}
