import { setTimeout as sleep } from 'node:timers/promises';
import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { makeDatabase } from '../../../test/support/postgres/databases.ts';
import { systemClock } from '../../kernel/lifecycle/clock.ts';
import { silentLog } from '../../kernel/log.ts';
import { problem } from '../../kernel/problem.ts';
import { openDatabase } from '../../kernel/sql/sql.ts';
import { newSiteId } from '../../protocol/base/ids.ts';
import { ChangeNotifier } from '../change-notifier.ts';
import type { Lease } from '../database/publication/leases.ts';
import { type CentralSchema, migrations } from '../database/schema.ts';
import { enrol, insertMember } from '../database/sites.ts';
import { createMetrics } from '../metrics.ts';
import { Collector } from './collector.ts';
import { Leasing } from './leasing.ts';

/** A database that releases leases slowly. */
class SlowLeasing extends Leasing {
  override async release(lease: Lease): Promise<void> {
    await sleep(300);
    await super.release(lease);
  }
}

it('reads a site again if that is requested while its lease is being released', async () => {
  const database = await makeDatabase();
  const db = await openDatabase<CentralSchema>(database.place, migrations);
  const site = newSiteId();
  const nowMs = Date.now();
  const invitation = { tokenHash: 'a token', expiresAt: nowMs + 60_000 };
  await insertMember(
    db,
    { id: site, role: 'site', name: 'a', baseUrl: 'http://127.0.0.1:9', zone: [] },
    invitation,
    nowMs,
  );
  await enrol(db, invitation.tokenHash, 'x'.repeat(43), nowMs);
  let reads = 0;
  const reject = (): Promise<never> => {
    reads++;
    return Promise.reject(problem('handshake-pending', 'It has not completed a handshake.'));
  };
  const collector = new Collector({
    db,
    openReader: () => ({ readRecords: reject, acknowledge: reject, readDigest: reject }),
    changes: new ChangeNotifier(),
    metrics: createMetrics(new Registry(), { videos: async () => 0, pendingSignals: async () => 0 }),
    log: silentLog,
    sweepIntervalMs: 3_600_000,
    leasing: new SlowLeasing({ db, holder: 'this central', clock: systemClock, log: silentLog }),
  });
  try {
    expect((await collector.collect(site)).error).toContain('not completed a handshake');
    // The run has ended, but its lease is still being released.
    const second = collector.collect(site);
    expect(await Promise.race([second, sleep(10_000, 'it was forgotten')])).toMatchObject({ records: 0 });
    expect(reads).toBe(2);
  } finally {
    await collector.stop();
    await db.destroy();
    await database.drop();
  }
});
