/** The periodic tasks of a site: disks, the disk reserve, unfinished uploads, and records written by other processes. */
import { type Repeating, repeat } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import { readSignal } from '../database/publication/signal.ts';
import type { SiteDatabase } from '../database/tables/videos.ts';
import type { Intake } from '../media/intake/intake.ts';
import type { Disks } from '../media/storage/storage.ts';
import type { DiskReserve } from './disk-reserve.ts';
import { watchDisks } from './watch-disks.ts';

/** How often uploads are taken in that were completed while the database or a disk was unavailable. */
const RESUME_INTERVAL_MS = 5_000;
/** Only uploads that nobody has written to for this time are taken in. */
const RESTING_MS = 10_000;
const RESERVE_INTERVAL_MS = 30_000;
const SWEEP_INTERVAL_MS = 3_600_000;
const RECORD_INTERVAL_MS = 500;

export interface MaintenanceDeps {
  readonly db: SiteDatabase;
  readonly disks: Disks;
  readonly reserve: DiskReserve;
  /** Deletes uploads that nobody continues. */
  readonly uploads: { sweep(): Promise<void> };
  readonly intake: Pick<Intake, 'resume'>;
  readonly keepFreeBytes: number;
  readonly onDiskBack: () => void;
  /** Called if the records have changed, because workers in other processes write records too. */
  readonly onRecord: () => void;
  readonly log: Log;
}

export interface Maintenance {
  stop(): Promise<void>;
}

export function startMaintenance(deps: MaintenanceDeps): Maintenance {
  const { reserve, uploads, intake, log } = deps;
  const every = (ms: number, failure: string, work: () => Promise<void>): Repeating =>
    repeat(async () => {
      await work().catch(error => log.warn({ reason: messageOf(error) }, failure));
      return ms;
    });
  const resuming = every(RESUME_INTERVAL_MS, 'could not look for completed uploads', () =>
    intake.resume(RESTING_MS),
  );
  const tasks = [
    resuming,
    watchDisks(deps.disks, log, () => {
      resuming.wake();
      deps.onDiskBack();
    }),
    watchRecords(deps.db, deps.onRecord),
    every(RESERVE_INTERVAL_MS, 'could not write the disk reserve', () => reserve.restore(deps.keepFreeBytes)),
    every(SWEEP_INTERVAL_MS, 'could not delete old uploads', () => uploads.sweep()),
  ];
  return {
    async stop() {
      await Promise.all(tasks.map(task => task.stop()));
    },
  };
}

function watchRecords(db: SiteDatabase, onRecord: () => void): Repeating {
  let lastChange: number | undefined;
  return repeat(async () => {
    const change = await readSignal(db).then(
      row => Number(row.change),
      // The database is unavailable. The next run reads it again.
      () => lastChange,
    );
    if (lastChange !== undefined && change !== lastChange) onRecord();
    lastChange = change;
    return RECORD_INTERVAL_MS;
  });
}
