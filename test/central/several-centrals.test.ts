/** Several centrals on one PostgreSQL: each of them responds, and each signal is handled exactly once. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunningCentral } from '../../src/central/central.ts';
import { acquireLease, findValidLeases } from '../../src/central/database/publication/leases.ts';
import { storeSignal } from '../../src/central/database/publication/signals.ts';
import { type CentralDatabase, type CentralSchema, migrations } from '../../src/central/database/schema.ts';
import { openDatabase } from '../../src/kernel/sql/sql.ts';
import { siteListSchema } from '../../src/protocol/central.ts';
import { type CentralHarness, startCentralHarness } from '../support/central-harness.ts';
import { eventually } from '../support/eventually.ts';
import { ENGINE } from '../support/postgres/databases.ts';
import { videoRecord } from '../support/records.ts';

let harness: CentralHarness;
let other: RunningCentral;
let db: CentralDatabase;

async function start(): Promise<void> {
  harness = await startCentralHarness();
  other = await harness.startAnother();
  db = await openDatabase<CentralSchema>(harness.database.place, migrations);
}

const signals = async () => (await harness.request('GET', '/api/signals')).body.signals;

// Not `runIf`: an embedded database has one central, so nothing is skipped here.
if (ENGINE === 'postgres') {
  describe('several centrals', () => {
    beforeEach(start);
    afterEach(async () => {
      await db.destroy();
      await harness.stop();
    });

    it('notify each other of changes at once', async () => {
      const site = await harness.addSite('a');
      const tracker = await harness.addTracker('tracker');
      const { position } = await tracker.changes(0, '', other.url);
      const waiting = tracker.changes(position, '&wait=20', other.url);
      const record = site.put(videoRecord());
      const startedMs = performance.now();
      await site.signal();
      expect((await waiting).changes).toMatchObject([{ kind: 'video', video: record.video }]);
      // The wait ends long before its time is over.
      expect(performance.now() - startedMs).toBeLessThan(10_000);
    });

    it('collect each record once, whichever of them got the signal', async () => {
      const sites = await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map(name => harness.addSite(name)));
      for (const site of sites) for (let n = 0; n < 40; n++) site.put(videoRecord());
      await Promise.all(
        sites.flatMap(site => [harness.central.url, other.url].map(url => site.signal(undefined, url))),
      );
      await eventually('every signal is handled', async () =>
        (await signals()).every((signal: { handledAt?: string }) => signal.handledAt),
      );
      for (const site of sites) {
        expect(site.acknowledged).toHaveLength(40);
        expect(new Set(site.acknowledged.map(({ video }) => video)).size).toBe(40);
      }
    });

    it('take over signals that another central stored and could not collect', async () => {
      const site = await harness.addSite('a');
      site.put(videoRecord());
      await storeSignal(db, { site: site.id, atMs: Date.now() });
      await eventually(
        'the site gets one acknowledgement',
        async () => site.acknowledged.length === 1,
        20_000,
      );
    });

    it('leave a site to the central that reads it, until that one is down', async () => {
      const site = await harness.addSite('a');
      site.put(videoRecord());
      const leaseMs = 3_000;
      const startedMs = Date.now();
      await acquireLease(db, `collect ${site.id}`, {
        holder: 'a central that was killed',
        nowMs: startedMs,
        durationMs: leaseMs,
      });
      await site.signal(undefined, other.url);
      await eventually(
        'the site gets one acknowledgement',
        async () => site.acknowledged.length === 1,
        20_000,
      );
      expect(Date.now() - startedMs).toBeGreaterThanOrEqual(leaseMs);
    });

    it('continue at once with the sites that they held when they were killed', async () => {
      const site = await harness.addSite('a');
      site.put(videoRecord());
      const id = (await readFile(join(harness.directory, 'central.id'), 'utf8')).trim();
      const holder = `${id} 127.0.0.1:0`;
      const leaseMs = 600_000;
      const before = await acquireLease(db, `collect ${site.id}`, {
        holder,
        nowMs: Date.now(),
        durationMs: leaseMs,
      });
      await site.signal();
      await eventually(
        'the site gets one acknowledgement',
        async () => site.acknowledged.length === 1,
        20_000,
      );
      // A central that had the lease before, and only paused, finds that it has lost the lease.
      if (!before) throw new Error('the lease was not free');
      expect((await findValidLeases(db, [before]))(before)).toBe(false);
    });

    it('agree on the sites that are up, whichever of them a tracker reported to', async () => {
      const site = await harness.addSite('a');
      const tracker = await harness.addTracker('tracker');
      await tracker.reportSiteStates([{ site: site.id, up: true }]);
      const response = await fetch(`${other.url}/api/sites`);
      const { sites } = siteListSchema.parse(await response.json());
      expect(sites).toMatchObject([{ id: site.id, state: 'up' }]);
    });
  });
} else {
  it('need PostgreSQL', () => expect(ENGINE).toBe('sqlite'));
}
