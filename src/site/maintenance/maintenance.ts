/** What a site looks after by itself, again and again: its disks, its ballast, uploads that nobody goes on with, records of others. */

import { repeat } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import { readSignal } from '../database/signal.ts';
import type { SiteDatabase } from '../database/videos.ts';
import type { Uploads } from '../http/uploads/uploads.ts';
import type { Intake } from '../media/intake/intake.ts';
import type { Disks } from '../media/storage/storage.ts';
import type { DiskReserve } from './disk-reserve.ts';
import { watchDisks } from './watch-disks.ts';

/** What came whole while the database or a disk was away is taken in this often, once nobody writes to it any more. */
const TAKE_UP_MS = 5_000;
const RESTING_MS = 10_000;
const BALLAST_MS = 30_000;
const SWEEP_MS = 3_600_000;
const RECORD_WATCH_MS = 500;

export interface MaintenanceDeps {
  readonly db: SiteDatabase;
  readonly disks: Disks;
  readonly reserve: DiskReserve;
  readonly uploads: Pick<Uploads, 'sweep'>;
  readonly intake: Pick<Intake, 'resume'>;
  readonly keepFreeBytes: number;
  readonly onDiskBack: () => void;
  /** Workers in other processes write records too. */
  readonly onRecord: () => void;
  readonly log: Log;
}

export interface Maintenance {
  stop(): Promise<void>;
}

export function startMaintenance(options: MaintenanceDeps): Maintenance {
  const { reserve: ballast, uploads, intake, log } = options;
  const takingUp = repeat(async () => {
    await intake
      .resume(RESTING_MS)
      .catch(error => log.warn({ reason: messageOf(error) }, 'uploads were not looked for'));
    return TAKE_UP_MS;
  });
  const tasks = [
    takingUp,
    watchDisks(options.disks, log, () => {
      takingUp.wake();
      options.onDiskBack();
    }),
    watchRecords(options.db, options.onRecord),
    repeat(async () => {
      await ballast.restore(options.keepFreeBytes).catch(error => log.warn({ err: error }, 'no ballast'));
      return BALLAST_MS;
    }),
    repeat(async () => {
      await uploads.sweep().catch(error => log.warn({ err: error }, 'old uploads not swept'));
      return SWEEP_MS;
    }),
  ];
  return {
    async stop() {
      await Promise.all(tasks.map(task => task.stop()));
    },
  };
}

function watchRecords(db: SiteDatabase, onRecord: () => void) {
  let seen: number | undefined;
  return repeat(async () => {
    const change = await readSignal(db).then(
      row => Number(row.change),
      // The database is away: this looks again.
      () => seen,
    );
    if (seen !== undefined && change !== seen) onRecord();
    seen = change;
    return RECORD_WATCH_MS;
  });
}
