/** Signals of sites. Each is stored before it is acknowledged, and stays pending until the announced records are applied. */
import { type Outcome, perDatabase, succeeded } from '../../../kernel/sql/batching.ts';
import { sql } from '../../../kernel/sql/sql.ts';
import { newId, type SiteId } from '../../../protocol/base/ids.ts';
import type { Epoch } from '../../../protocol/publication/epoch.ts';
import type { Cursor } from '../cursor.ts';
import type { CentralDatabase, CentralTransaction, SignalRow } from '../schema.ts';
import { lockMembers } from '../sites.ts';
import { readEpochs } from './epochs.ts';

const MAX_BATCH = 64;

export interface NewSignal {
  readonly site: SiteId;
  readonly atMs: number;
  /** The site sends too many signals. A pending one that no run has begun to handle covers this one too. */
  readonly mayJoin?: boolean;
}

/** @returns the id of the signal, or of the one that covers it, and the current epoch of its site */
export const storeSignal = perDatabase(
  MAX_BATCH,
  (
    db: CentralDatabase,
    signals: readonly NewSignal[],
  ): Promise<Outcome<{ readonly id: string; readonly epoch: Epoch | undefined }>[]> =>
    db.transaction().execute(async tx => {
      const covering = await findUnattempted(
        tx,
        signals.filter(({ mayJoin }) => mayJoin).map(({ site }) => site),
      );
      const ids = signals.map(({ site, mayJoin }) => (mayJoin && covering.get(site)) || newId());
      const rows = signals.flatMap(({ site, atMs, mayJoin }, index) =>
        mayJoin && covering.has(site)
          ? []
          : [
              {
                id: ids[index] ?? newId(),
                site_id: site,
                received_at: atMs,
                handled_at: null,
                attempts: 0,
                records: null,
                last_error: null,
                error_code: null,
              },
            ],
      );
      const sites = signals.map(({ site }) => site);
      await lockMembers(tx, sites);
      if (rows.length > 0) await tx.insertInto('signals').values(rows).execute();
      await tx
        .updateTable('members')
        .set({ last_signal_at: Math.max(...signals.map(({ atMs }) => atMs)) })
        .where('id', 'in', sites)
        .execute();
      const epochs = await readEpochs(tx, sites);
      return signals.map(({ site }, index) => succeeded({ id: ids[index] ?? '', epoch: epochs.get(site) }));
    }),
);

/** Maps each site to its pending signal that no run has begun to handle. */
async function findUnattempted(
  tx: CentralTransaction,
  sites: readonly SiteId[],
): Promise<ReadonlyMap<SiteId, string>> {
  if (sites.length === 0) return new Map();
  const rows = await tx
    .selectFrom('signals')
    .select(({ fn }) => ['site_id', fn.max<string>('id').as('id')])
    .where('site_id', 'in', sites)
    .where('handled_at', 'is', null)
    .where('attempts', '=', 0)
    .groupBy('site_id')
    .execute();
  return new Map(rows.map(({ site_id, id }) => [site_id, id]));
}

/** Why a run did not apply all records: a stable code, and a sentence for the operator. */
export interface Failure {
  readonly code: string;
  readonly reason: string;
}

/** Counts the beginning of a run before it does anything, so that a signal whose run crashes the process counts as attempted. */
export const attemptSignals = perDatabase(
  MAX_BATCH,
  async (db: CentralDatabase, sites: readonly SiteId[]) => {
    await db
      .updateTable('signals')
      .set(({ eb }) => ({ attempts: eb('attempts', '+', 1) }))
      .where('site_id', 'in', sites)
      .where('handled_at', 'is', null)
      .execute();
    return sites.map(() => succeeded(undefined));
  },
);

export interface Completion {
  readonly site: SiteId;
  readonly records: number;
  readonly remark: Failure | undefined;
  readonly atMs: number;
}

/**
 * Marks the signals that a successful run covered as handled. Signals that arrived during the run (without an attempt) stay
 * pending.
 *
 * @returns for each run, whether signals of its site are pending
 */
export const completeSignals = perDatabase(
  MAX_BATCH,
  (db: CentralDatabase, runs: readonly Completion[]): Promise<Outcome<boolean>[]> =>
    db.transaction().execute(async tx => {
      const sites = runs.map(({ site }) => site);
      await lockMembers(tx, sites);
      const withoutRemark = runs.filter(({ remark }) => !remark);
      if (withoutRemark.length > 0) await complete(tx, withoutRemark);
      for (const run of runs) if (run.remark) await complete(tx, [run]);
      const pending = await tx
        .selectFrom('signals')
        .select('site_id')
        .distinct()
        .where('site_id', 'in', sites)
        .where('handled_at', 'is', null)
        .execute();
      return sites.map(site => succeeded(pending.some(row => row.site_id === site)));
    }),
);

/** Completes runs that all have the same remark. */
async function complete(tx: CentralTransaction, runs: readonly Completion[]): Promise<void> {
  const sites = runs.map(({ site }) => site);
  const remark = runs[0]?.remark;
  const atMs = Math.max(...runs.map(run => run.atMs));
  const records = sql.join(
    runs.map(run => sql`when ${run.site} then cast(${run.records} as integer)`),
    sql` `,
  );
  await tx
    .updateTable('signals')
    .set({
      handled_at: atMs,
      records: sql<number>`case site_id ${records} end`,
      ...(remark ? { last_error: remark.reason, error_code: remark.code } : {}),
    })
    .where('site_id', 'in', sites)
    .where('handled_at', 'is', null)
    .where('attempts', '>', 0)
    .execute();
  await tx
    .updateTable('members')
    .set({
      last_collected_at: atMs,
      last_error: remark?.reason ?? null,
      last_error_code: remark?.code ?? null,
    })
    .where('id', 'in', sites)
    .execute();
}

export function failSignals(db: CentralDatabase, site: SiteId, { code, reason }: Failure): Promise<void> {
  return db.transaction().execute(async tx => {
    await tx
      .updateTable('signals')
      .set({ last_error: reason, error_code: code })
      .where('site_id', '=', site)
      .where('handled_at', 'is', null)
      .where('attempts', '>', 0)
      .execute();
    await tx
      .updateTable('members')
      .set({ last_error: reason, last_error_code: code })
      .where('id', '=', site)
      .execute();
  });
}

/** Records that a request of a site, or in its name, was rejected. It appears in the signal log without any attempt. */
export function recordRejection(
  db: CentralDatabase,
  site: SiteId,
  { code, reason }: Failure,
  nowMs: number,
): Promise<void> {
  return db.transaction().execute(async tx => {
    await tx
      .insertInto('signals')
      .values({
        id: newId(),
        site_id: site,
        received_at: nowMs,
        handled_at: nowMs,
        attempts: 0,
        records: null,
        last_error: reason,
        error_code: code,
      })
      .execute();
    // A replayed request may come from an attacker, so it does not count as an error of the site.
    if (code === 'signature-replayed') return;
    await tx
      .updateTable('members')
      .set({ last_error: reason, last_error_code: code })
      .where('id', '=', site)
      .execute();
  });
}

export interface Pending {
  readonly site: SiteId;
  readonly signals: number;
  readonly oldestAt: number;
}

export async function listPending(db: CentralDatabase): Promise<Pending[]> {
  const rows = await db
    .selectFrom('signals')
    .select(({ fn }) => [
      'site_id',
      fn.countAll<number>().as('signals'),
      fn.min<number>('received_at').as('oldest_at'),
    ])
    .where('handled_at', 'is', null)
    .groupBy('site_id')
    .execute();
  return rows.map(row => ({
    site: row.site_id,
    signals: Number(row.signals),
    oldestAt: Number(row.oldest_at),
  }));
}

export async function hasPending(db: CentralDatabase, site: SiteId): Promise<boolean> {
  const row = await db
    .selectFrom('signals')
    .select('id')
    .where('site_id', '=', site)
    .where('handled_at', 'is', null)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Lists the newest signals first. Returns one row more than `limit` if there are more. */
export function listSignals(
  db: CentralDatabase,
  limit: number,
  before: Cursor | undefined,
): Promise<(SignalRow & { readonly site_name: string })[]> {
  let select = db
    .selectFrom('signals')
    .innerJoin('members', 'members.id', 'signals.site_id')
    .selectAll('signals')
    .select('members.name as site_name');
  if (before) {
    select = select.where(sql<boolean>`(signals.received_at, signals.id) < (${before.at}, ${before.id})`);
  }
  return select
    .orderBy('signals.received_at', 'desc')
    .orderBy('signals.id', 'desc')
    .limit(limit + 1)
    .execute();
}

/** Deletes old handled signals, which are only a log. */
export async function removeHandledBefore(db: CentralDatabase, beforeMs: number): Promise<void> {
  await db
    .deleteFrom('signals')
    .where('received_at', '<', beforeMs)
    .where('handled_at', 'is not', null)
    .execute();
}
