/**
 * The simulation is sensitive: without any one rule it finds a violation. The function of the rule is replaced by
 * code that someone could write without knowing the rule; everything else is the real code.
 */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Acknowledgement } from '../../src/protocol/publication/gateway.ts';
import type { Disk } from './disk.ts';
import type { Run, Storm } from './simulate.ts';

const src = '../../src';
/** Each violation must be found within this many seeds; most are found within a few. */
const MAX_SEEDS = 400;

/** Mostly forks of histories: databases meet that gave the same version to different contents. */
const FORKS: Partial<Storm> = {
  maxSites: 1,
  maxVideos: 1,
  weather: 0.02,
  steps: 600,
  fate: 0.03,
  write: 10,
  fork: 10,
  withdraw: 0,
  copy: 0,
  backUp: 0,
  crash: 0,
  cut: 0,
  restoreSite: 0,
  restoreCentral: 0,
  overtake: 0,
};

/** One central is suspended after it has read a page, while another takes over and continues. */
const HOLD_UPS: Partial<Storm> = {
  maxSites: 1,
  maxVideos: 1,
  weather: 0.02,
  steps: 1_500,
  fate: 0.05,
  write: 20,
  overtake: 10,
  heldMs: 2_000,
  withdraw: 0,
  copy: 0,
  crash: 0,
  cut: 0,
  fork: 0,
  restoreSite: 0,
  restoreCentral: 0,
};

type Real = typeof import('../../src/site/database/publication/records.ts') &
  typeof import('../../src/site/database/publication/signal.ts') &
  typeof import('../../src/site/database/publication/compare.ts') &
  typeof import('../../src/central/collector/collect-page.ts') &
  typeof import('../../src/central/database/publication/write-records.ts') &
  typeof import('../../src/central/database/publication/decide.ts') &
  typeof import('../../src/central/database/publication/take-records.ts') &
  typeof import('../../src/site/publication/handshake.ts');

/** Replaces functions of one module; `make` gets the real ones. */
function replace(path: string, make: (real: Real) => Partial<Record<keyof Real, unknown>>): void {
  vi.doMock(path, async importOriginal => {
    const real = await importOriginal<Real>();
    const replaced = make(real);
    for (const name of Object.keys(replaced))
      if (!(name in real)) unknownNames.push(`${path} has no ${name}`);
    return { ...real, ...replaced };
  });
}
/** A rule whose function has another name now would not be tested. */
const unknownNames: string[] = [];
afterEach(() => expect(unknownNames).toEqual([]));

async function findViolation(changes: Partial<Storm> = {}): Promise<Run | undefined> {
  const { simulate, STORM } = await import('./simulate.ts');
  for (let seed = 1; seed <= MAX_SEEDS; seed++) {
    const run = await simulate(seed, { ...STORM, ...changes });
    if (run.violation) return run;
  }
  return undefined;
}

afterEach(() => {
  vi.doUnmock(`${src}/site/database/publication/records.ts`);
  vi.doUnmock(`${src}/site/database/publication/signal.ts`);
  vi.doUnmock(`${src}/site/database/publication/compare.ts`);
  vi.doUnmock(`${src}/site/publication/handshake.ts`);
  vi.doUnmock(`${src}/central/collector/collect-page.ts`);
  vi.doUnmock(`${src}/central/database/publication/write-records.ts`);
  vi.doUnmock(`${src}/central/database/publication/decide.ts`);
  vi.doUnmock(`${src}/protocol/publication/epoch.ts`);
  vi.resetModules();
});

describe('without one rule the simulation finds a violation', () => {
  it('R1: an acknowledgement that names only the id', async () => {
    replace(`${src}/site/database/publication/records.ts`, () => ({
      async markPublished(
        db: Parameters<Real['markPublished']>[0],
        _epoch: unknown,
        acknowledgements: readonly Acknowledgement[],
      ) {
        for (const { video } of acknowledgements) {
          await db.updateTable('records').set({ published: 1 }).where('video_id', '=', video).execute();
        }
        return acknowledgements.length;
      },
    }));
    expect((await findViolation())?.violation).toMatch(/for published, and central has/);
  });

  it('R2: an acknowledgement before the commit', async () => {
    const { takeRecords } = await import('../../src/central/database/publication/take-records.ts');
    const { checkRecord } = await import('../../src/central/publication/offered-record.ts');
    replace(`${src}/central/collector/collect-page.ts`, () => ({
      async collectPage(
        { db, reader, site, abort, now }: Parameters<Real['collectPage']>[0],
        onCommitted: Parameters<Real['collectPage']>[1],
      ) {
        const { epoch, records, more } = await reader.readRecords(500, abort);
        const acknowledged = records.map(({ record, hash }) => ({
          video: record.video,
          version: record.version,
          hash,
        }));
        if (acknowledged.length > 0) await reader.acknowledge(epoch, acknowledged, abort);
        const taken = await takeRecords(db, {
          site,
          epoch,
          records: records.map(checkRecord),
          atMs: now(),
        });
        onCommitted(taken);
        return { ...taken, epoch, more };
      },
    }));
    expect((await findViolation())?.violation).toMatch(/for published, and central has/);
  });

  it('R3: rows that are not separated by site and video', async () => {
    replace(`${src}/central/database/publication/write-records.ts`, () => ({
      async writeRecords(...[tx, writes]: Parameters<Real['writeRecords']>) {
        for (const { site, record, atMs: nowMs } of writes) {
          const { position } = await tx
            .updateTable('feed')
            .set(({ eb }) => ({ position: eb('position', '+', 1) }))
            .returning('position')
            .executeTakeFirstOrThrow();
          await tx
            .insertInto('videos')
            .values({
              site_id: site,
              video_id: record.video,
              version: record.version,
              hash: record.hash,
              body: record.body,
              withdrawn: record.kind === 'tombstone' ? 1 : 0,
              published_at: nowMs,
              position,
              search_text: '',
              title: '',
            })
            .execute();
        }
      },
    }));
    const withoutKey = (disk: Disk): void => {
      disk.exec(
        'create table copy as select * from videos; drop table videos; alter table copy rename to videos',
      );
    };
    expect((await findViolation({ prepareCentral: withoutKey }))?.violation).toMatch(/two rows/);
  });

  it('R4: a record that is applied whatever its version', async () => {
    replace(`${src}/central/database/publication/decide.ts`, real => ({
      decide(...[held, taken, record]: Parameters<Real['decide']>) {
        const decision = real.decide(held, taken, record);
        return decision === 'stale' || decision === 'withdrawn' ? 'apply' : decision;
      },
    }));
    replace(`${src}/central/database/publication/write-records.ts`, real => ({
      async writeRecords(...[tx, writes]: Parameters<Real['writeRecords']>) {
        for (const { site, record } of writes) {
          const { video } = record;
          await tx.deleteFrom('videos').where('site_id', '=', site).where('video_id', '=', video).execute();
        }
        await real.writeRecords(tx, writes);
      },
    }));
    expect((await findViolation(HOLD_UPS))?.violation).toMatch(/for published, and central has/);
  });

  it('R5: a withdrawal that leaves no trace', async () => {
    replace(`${src}/central/database/publication/write-records.ts`, real => ({
      async writeRecords(...[tx, writes]: Parameters<Real['writeRecords']>) {
        await real.writeRecords(tx, writes);
        for (const { site, record } of writes) {
          const { kind, video } = record;
          if (kind !== 'tombstone') continue;
          await tx.deleteFrom('videos').where('site_id', '=', site).where('video_id', '=', video).execute();
        }
      },
    }));
    expect((await findViolation())?.violation).toBeTruthy();
  });

  it('R6: unpublished records that count as published once they were read', async () => {
    const handedOut = new Set<string>();
    replace(`${src}/site/database/publication/records.ts`, real => ({
      async listUnpublished(...parameters: Parameters<Real['listUnpublished']>) {
        const page = await real.listUnpublished(...parameters);
        const rows = page.rows.filter(row => !handedOut.has(row.hash));
        for (const row of rows) handedOut.add(row.hash);
        return { ...page, rows };
      },
    }));
    expect((await findViolation())?.violation).toMatch(/does not come right/);
  });

  it('R6: a signal flag that becomes "sent" although something was written in the meantime', async () => {
    // There are no sweeps, which would find the record later: only signals lead to a collection.
    const signalsOnly = { sweeps: false, restoreCentral: 0, fork: 0 };
    replace(`${src}/site/database/publication/signal.ts`, () => ({
      async markSignalled(...[db]: Parameters<Real['markSignalled']>) {
        await db.updateTable('signal').set({ flag: 'sent' }).execute();
      },
    }));
    expect((await findViolation(signalsOnly))?.violation).toMatch(/does not come right/);
  });

  it('R7: a handshake that restores nothing', async () => {
    const { adoptEpoch } = await import('../../src/site/database/publication/handshake.ts');
    const { readSignal } = await import('../../src/site/database/publication/signal.ts');
    replace(`${src}/site/publication/handshake.ts`, () => ({
      async performHandshake(
        ...[{ db }, central, abort]: Parameters<
          typeof import('../../src/site/publication/handshake.ts').performHandshake
        >
      ) {
        const { start, epoch } = await readSignal(db);
        const digest = 'f'.repeat(64);
        const response = await central.handshake({ start, epoch: Number(epoch), digest }, abort);
        await adoptEpoch(db, central.site, { ...response, highestVersion: 0 });
      },
    }));
    expect((await findViolation())?.violation).toBeTruthy();
  });

  it('R8: epochs that never change', async () => {
    vi.doMock(`${src}/protocol/publication/epoch.ts`, async importOriginal => ({
      ...(await importOriginal<typeof import('../../src/protocol/publication/epoch.ts')>()),
      isSameEpoch: (a: unknown, b: unknown) => a !== undefined && b !== undefined,
    }));
    expect((await findViolation())?.violation).toBeTruthy();
  });

  it('R9: other content with the same version that is accepted as the same', async () => {
    replace(`${src}/central/database/publication/decide.ts`, real => ({
      decide(...parameters: Parameters<Real['decide']>) {
        const decision = real.decide(...parameters);
        return decision === 'conflict' ? 'repeat' : decision;
      },
    }));
    replace(`${src}/site/database/publication/compare.ts`, real => ({
      compare(...[own, held]: Parameters<Real['compare']>) {
        return own && held && own.version === held.version ? 'same' : real.compare(own, held);
      },
    }));
    expect((await findViolation(FORKS))?.violation).toBeTruthy();
  });
});

describe('with all rules the same seeds find no violation', () => {
  it.each([
    ['as everywhere', {}],
    ['by signals only', { sweeps: false, restoreCentral: 0, fork: 0 }],
    ['with histories that fork', FORKS],
    ['with centrals that are held up', HOLD_UPS],
  ])('%s', async (_name, changes) => {
    const { simulate, STORM } = await import('./simulate.ts');
    for (let seed = 1; seed <= 100; seed++) {
      const { violation, history } = await simulate(seed, { ...STORM, ...changes });
      expect(violation, history.join('\n')).toBeUndefined();
    }
  });
});
