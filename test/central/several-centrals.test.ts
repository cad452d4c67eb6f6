/** Several centrals on one PostgreSQL: any of them answers, each signal is taken up once, and none is left lying. */
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

let stand: CentralHarness;
let other: RunningCentral;
let db: CentralDatabase;

async function start(): Promise<void> {
  stand = await startCentralHarness();
  other = await stand.startAnother();
  db = await openDatabase<CentralSchema>(stand.database.place, migrations);
}

const signals = async () => (await stand.request('GET', '/api/signals')).body.signals;

// Not `runIf`: an embedded database has one central, so nothing of it is left out here.
if (ENGINE === 'postgres') {
  describe('several centrals', () => {
    beforeEach(start);
    afterEach(async () => {
      await db.destroy();
      await stand.stop();
    });

    it('tell one another of changes at once', async () => {
      const site = await stand.addSite('a');
      const tracker = await stand.addTracker('tracker');
      const { position } = await tracker.changes(0, '', other.url);
      const waiting = tracker.changes(position, '&wait=20', other.url);
      const record = site.put(videoRecord());
      const startedMs = performance.now();
      await site.signal();
      expect((await waiting).changes).toMatchObject([{ kind: 'video', video: record.video }]);
      // Long before the wait would have ended by itself.
      expect(performance.now() - startedMs).toBeLessThan(10_000);
    });

    it('collect each record once, whoever was signalled', async () => {
      const sites = await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map(name => stand.addSite(name)));
      for (const site of sites) for (let n = 0; n < 40; n++) site.put(videoRecord());
      await Promise.all(
        sites.flatMap(site => [stand.central.url, other.url].map(url => site.signal(undefined, url))),
      );
      await eventually('every signal is handled', async () =>
        (await signals()).every((signal: { handledAt?: string }) => signal.handledAt),
      );
      for (const site of sites) {
        expect(site.acknowledged).toHaveLength(40);
        expect(new Set(site.acknowledged.map(({ video }) => video)).size).toBe(40);
      }
    });

    it('take up what another stored and did not live to collect', async () => {
      const site = await stand.addSite('a');
      site.put(videoRecord());
      await storeSignal(db, { site: site.id, atMs: Date.now() });
      await eventually(
        'the site gets one acknowledgement',
        async () => site.acknowledged.length === 1,
        20_000,
      );
    });

    it('leave a site to the one that reads it, until that one is gone', async () => {
      const site = await stand.addSite('a');
      site.put(videoRecord());
      const leaseMs = 3_000;
      const startedMs = Date.now();
      await acquireLease(db, `collect ${site.id}`, 'a central that was killed', startedMs, leaseMs);
      await site.signal(undefined, other.url);
      await eventually(
        'the site gets one acknowledgement',
        async () => site.acknowledged.length === 1,
        20_000,
      );
      expect(Date.now() - startedMs).toBeGreaterThanOrEqual(leaseMs);
    });

    it('take up at once what they themselves held when they were killed', async () => {
      const site = await stand.addSite('a');
      site.put(videoRecord());
      const id = (await readFile(join(stand.directory, 'central.id'), 'utf8')).trim();
      const holder = `${id} 127.0.0.1:0`;
      const leaseMs = 600_000;
      const before = await acquireLease(db, `collect ${site.id}`, holder, Date.now(), leaseMs);
      await site.signal();
      await eventually(
        'the site gets one acknowledgement',
        async () => site.acknowledged.length === 1,
        20_000,
      );
      // Whoever held it before, and only paused, finds that it has lost it.
      if (!before) throw new Error('the lease was not free');
      expect((await findValidLeases(db, [before]))(before)).toBe(false);
    });

    it('say the same of the sites, whichever a tracker has told', async () => {
      const site = await stand.addSite('a');
      const tracker = await stand.addTracker('tracker');
      await tracker.reportSiteStates([{ site: site.id, up: true }]);
      const answer = await fetch(`${other.url}/api/sites`);
      const { sites } = siteListSchema.parse(await answer.json());
      expect(sites).toMatchObject([{ id: site.id, state: 'up' }]);
    });
  });
} else {
  it('are of PostgreSQL alone', () => expect(ENGINE).toBe('sqlite'));
}
