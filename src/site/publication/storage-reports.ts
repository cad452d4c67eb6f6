/** Reports to central the space for copies at this site and the damage in its files, periodically and after a change of the damage. */
import { memberLoop } from '../../kernel/lifecycle/member-loop.ts';
import type { Repeating } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { MAX_REPORTED_DAMAGE } from '../../protocol/copies.ts';
import { listDamage } from '../database/file-checks.ts';
import type { SiteDatabase } from '../database/tables/videos.ts';
import type { Central } from './central-client.ts';

const EVERY_MS = 60_000;
const RETRY_MS = 10_000;

interface StorageReportDeps {
  readonly db: SiteDatabase;
  readonly central: () => Pick<Central, 'reportStorage'> | undefined;
  /** The disk space that copies may still use. */
  readonly freeBytes: () => number;
  readonly servesViewers: boolean;
  readonly log: Log;
}

export const startStorageReports = (deps: StorageReportDeps): Repeating =>
  memberLoop(
    {
      name: 'reporting the storage',
      peer: deps.central,
      everyMs: EVERY_MS,
      retryMs: RETRY_MS,
      log: deps.log,
      level: 'debug',
    },
    async (peer, abort) => {
      const report = {
        freeBytes: Math.max(0, Math.floor(deps.freeBytes())),
        servesViewers: deps.servesViewers,
        damage: await listDamage(deps.db, MAX_REPORTED_DAMAGE),
      };
      await peer.reportStorage(report, abort);
      return undefined;
    },
  );
