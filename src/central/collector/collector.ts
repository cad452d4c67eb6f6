/**
 * The collector connects to the sites that have signalled and reads their unpublished records page by page. One run at a time
 * reads a site. A site that fails is retried later and does not delay the others. At regular intervals it sweeps all sites: it
 * reads them without a signal and compares digests, so that a lost signal causes a delay but no loss.
 */

import { failpoint } from '../../kernel/failpoint.ts';
import { type Clock, systemClock } from '../../kernel/lifecycle/clock.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf, Problem, problem } from '../../kernel/problem.ts';
import type { SiteId } from '../../protocol/base/ids.ts';
import type { Acknowledgement } from '../../protocol/publication/gateway.ts';
import type { ChangeNotifier } from '../change-notifier.ts';
import { thinRegistrations } from '../database/feed.ts';
import type { Lease } from '../database/publication/leases.ts';
import {
  attemptSignals,
  completeSignals,
  type Failure,
  failSignals,
  hasPending,
  listPending,
  removeHandledBefore,
} from '../database/publication/signals.ts';
import type { Rejection } from '../database/publication/take-records.ts';
import { type CentralDatabase, isSite, type SiteRow } from '../database/schema.ts';
import { findMember, isActive, listJoined } from '../database/sites.ts';
import type { CentralMetrics } from '../metrics.ts';
import type { OpenReader } from '../site-reader/site-reader.ts';
import { collectPage, compareDigests, describeRejection, type PageDeps } from './collect-page.ts';
import type { Leasing } from './leasing.ts';

/** The number of sites that are read at the same time. */
const MAX_CONCURRENT_SITES = 64;
/** Reserved for healthy sites that have signalled, so that a sweep over unavailable sites does not delay them. */
const RESERVED_FOR_SIGNALS = 16;
/** After this number of pages a site goes to the back of the queue, even if it has more. */
const PAGES_PER_RUN = 20;
/** If a site writes records during every comparison, the comparison is postponed to the next sweep. */
const COMPARISONS_PER_RUN = 3;
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 60_000;
/** How often this process looks for signals that another central stored and does not handle. */
const ORPHAN_CHECK_MS = 3_000;
/** Grace period before another central may take over its signals. */
const ORPHAN_GRACE_MS = 2_000;
/** Delay before the next attempt if another central is reading the site. */
const BUSY_RETRY_MS = 500;
const SIGNALS_KEPT_MS = 90 * 24 * 60 * 60 * 1_000;
const REGISTRATIONS_EXACT_MS = 7 * 24 * 60 * 60 * 1_000;

export interface CollectorDeps {
  readonly db: CentralDatabase;
  readonly openReader: OpenReader;
  readonly changes: ChangeNotifier;
  readonly metrics: CentralMetrics;
  readonly log: Log;
  readonly sweepIntervalMs: number;
  /** Present if several centrals share the database. A site is read only under its lease. */
  readonly leasing?: Leasing;
  readonly clock?: Clock;
}

/** The result of a run: the number of published records, and the reason if some were not published. */
export interface CollectResult {
  readonly records: number;
  readonly error?: string;
}

const STOPPED: CollectResult = { records: 0, error: 'Central was stopped.' };

type Watcher = (outcome: CollectResult) => void;

/** One run: reads a site from its first page to its last. */
interface Run {
  records: number;
  rejected: number;
  firstRejection: Rejection | undefined;
  /** The records that the previous page acknowledged. */
  previous: ReadonlySet<string>;
  /** True if the run ends with a comparison of digests, in a sweep or on request. */
  readonly compares: boolean;
  differs: boolean;
  readonly watchers: readonly Watcher[];
}

interface SiteWork {
  running: boolean;
  /** Another run was requested during the current one. */
  requeue: boolean;
  /** The number of consecutive failed runs. */
  failures: number;
  cancelRetry: (() => void) | undefined;
  /** True if the next run must compare digests. */
  compares: boolean;
  run: Run | undefined;
  /** Resolvers of callers that wait for the end of the next run. */
  watchers: Watcher[];
}

export class Collector {
  readonly #deps: CollectorDeps;
  readonly #work = new Map<SiteId, SiteWork>();
  /** Queues in order of arrival: healthy sites that have signalled, and all others. */
  readonly #signalled = new Set<SiteId>();
  readonly #others = new Set<SiteId>();
  readonly #running = new Map<SiteId, { readonly abort: AbortController; readonly end: Promise<void> }>();
  readonly #clock: Clock;
  #cancelSweep: (() => void) | undefined;
  #cancelOrphanCheck: (() => void) | undefined;
  #stopped = false;

  constructor(deps: CollectorDeps) {
    this.#deps = deps;
    this.#clock = deps.clock ?? systemClock;
  }

  /** Queues the sites whose signals an earlier process left unhandled, and starts the sweeps. */
  async start(): Promise<void> {
    for (const { site } of await listPending(this.#deps.db)) this.wake(site);
    this.#scheduleSweep();
    if (this.#deps.leasing) this.#scheduleOrphanCheck();
  }

  #scheduleOrphanCheck(): void {
    if (this.#stopped) return;
    this.#cancelOrphanCheck = this.#clock.after(ORPHAN_CHECK_MS, () => {
      void this.#queueOrphans().then(() => this.#scheduleOrphanCheck());
    });
  }

  async #queueOrphans(): Promise<void> {
    try {
      const beforeMs = this.#clock.now() - ORPHAN_GRACE_MS;
      for (const { site, oldestAt } of await listPending(this.#deps.db)) {
        const { running, failures } = this.#workOf(site);
        if (oldestAt < beforeMs && !running && failures === 0) this.#queue(site, 'retry');
      }
    } catch (error) {
      this.#deps.log.error({ err: error }, 'could not check for orphaned signals');
    }
  }

  #scheduleSweep(): void {
    if (this.#stopped) return;
    this.#cancelSweep = this.#clock.after(this.#deps.sweepIntervalMs, () => {
      void this.#sweepAll().then(() => this.#scheduleSweep());
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelSweep?.();
    this.#cancelOrphanCheck?.();
    for (const work of this.#work.values()) work.cancelRetry?.();
    const ends = [...this.#running.values()].map(({ abort, end }) => {
      abort.abort();
      return end;
    });
    await Promise.all(ends);
    for (const { watchers, run } of this.#work.values()) {
      for (const resolve of [...watchers, ...(run?.watchers ?? [])]) {
        resolve(STOPPED);
      }
    }
  }

  /** Reads a site that has signalled, as soon as a slot is free. */
  wake(site: SiteId): void {
    this.#queue(site, 'signal');
  }

  /** Reads the site now, compares digests, and returns the result. */
  collect(site: SiteId): Promise<CollectResult> {
    if (this.#stopped) return Promise.resolve(STOPPED);
    return new Promise(resolve => {
      const work = this.#workOf(site);
      work.watchers.push(resolve);
      work.compares = true;
      this.#queue(site, 'signal');
    });
  }

  async #sweepAll(): Promise<void> {
    const { db, log, leasing, sweepIntervalMs } = this.#deps;
    try {
      if (leasing && !(await leasing.claimPeriod('sweep', sweepIntervalMs * 0.9))) return;
      for (const { id } of (await listJoined(db, 'site')).filter(isSite)) {
        this.#workOf(id).compares = true;
        this.#queue(id, 'sweep');
      }
      await removeHandledBefore(db, this.#clock.now() - SIGNALS_KEPT_MS);
      await thinRegistrations(db, this.#clock.now() - REGISTRATIONS_EXACT_MS);
    } catch (error) {
      log.error({ err: error }, 'sweep failed; will retry at the next interval');
    }
  }

  #workOf(site: SiteId): SiteWork {
    let work = this.#work.get(site);
    if (!work) {
      work = {
        running: false,
        requeue: false,
        failures: 0,
        cancelRetry: undefined,
        compares: false,
        run: undefined,
        watchers: [],
      };
      this.#work.set(site, work);
    }
    return work;
  }

  #queue(site: SiteId, why: 'signal' | 'sweep' | 'retry' | 'more'): void {
    if (this.#stopped) return;
    const work = this.#workOf(site);
    if (work.running) {
      work.requeue ||= why !== 'sweep';
      return;
    }
    if (why === 'signal' && work.failures === 0) {
      this.#others.delete(site);
      this.#signalled.add(site);
    } else if (!this.#signalled.has(site)) {
      this.#others.add(site);
    }
    this.#schedule();
  }

  #schedule(): void {
    while (!this.#stopped) {
      const taken = this.#running.size;
      const queue =
        this.#signalled.size > 0 && taken < MAX_CONCURRENT_SITES
          ? this.#signalled
          : this.#others.size > 0 && taken < MAX_CONCURRENT_SITES - RESERVED_FOR_SIGNALS
            ? this.#others
            : undefined;
      const [site] = queue ?? [];
      if (!queue || !site) return;
      queue.delete(site);
      const work = this.#workOf(site);
      work.running = true;
      work.requeue = false;
      work.cancelRetry?.();
      work.cancelRetry = undefined;
      const abort = new AbortController();
      const end = this.#acquireLease(site, work, abort.signal).then(next => {
        this.#running.delete(site);
        work.running = false;
        if (next === 'continue') this.#queue(site, 'more');
        else if (next === 'requeue') this.#queue(site, 'signal');
        this.#schedule();
      });
      this.#running.set(site, { abort, end });
    }
  }

  /** Runs a site under its lease, if several centrals share the work. Never throws. */
  async #acquireLease(
    site: SiteId,
    work: SiteWork,
    abort: AbortSignal,
  ): Promise<'continue' | 'requeue' | 'idle'> {
    const { leasing, log } = this.#deps;
    if (!leasing) return this.#runSite(site, work, abort, undefined);
    let lease: Lease | undefined;
    try {
      lease = await leasing.acquire(`collect ${site}`);
    } catch (error) {
      log.error({ err: error, site }, 'could not acquire a lease');
    }
    if (!lease) {
      if (!this.#stopped) work.cancelRetry = this.#clock.after(BUSY_RETRY_MS, () => this.#retryBusy(site));
      return 'idle';
    }
    const next = await this.#runSite(site, work, abort, lease);
    await leasing.release(lease).catch(error => log.warn({ err: error, site }, 'could not release a lease'));
    // A run that was requested while the lease was being released would otherwise be forgotten.
    return next === 'idle' && work.requeue && !work.cancelRetry ? 'requeue' : next;
  }

  /** Queues the site again if the other central that held its lease left work to do. */
  #retryBusy(site: SiteId): void {
    const work = this.#workOf(site);
    if (work.watchers.length > 0 || work.compares || work.run) {
      this.#queue(site, 'retry');
      return;
    }
    hasPending(this.#deps.db, site).then(
      pending => {
        if (pending) this.#queue(site, 'retry');
      },
      error => this.#deps.log.error({ err: error, site }, 'could not read pending signals'),
    );
  }

  /** Never throws: every failure is recorded for this site. */
  async #runSite(
    site: SiteId,
    work: SiteWork,
    abort: AbortSignal,
    lease: Lease | undefined,
  ): Promise<'continue' | 'requeue' | 'idle'> {
    const { db, log, metrics } = this.#deps;
    try {
      const member = await findMember(db, site);
      if (!member || !isSite(member) || !isActive(member)) {
        this.#endRun(work, { records: 0, error: 'This site has not joined, or it was revoked.' });
        return 'idle';
      }
      if (!work.run) {
        work.run = {
          records: 0,
          rejected: 0,
          firstRejection: undefined,
          previous: new Set(),
          compares: work.compares,
          differs: false,
          watchers: work.watchers.splice(0),
        };
        work.compares = false;
        await attemptSignals(db, site);
        failpoint('signals-attempted');
      }
      const { run } = work;
      if ((await this.#readPages(member, run, abort, lease)) === 'continue') return 'continue';
      const remark = describeRejections(run);
      const { records } = run;
      // `requeue` is read after this call, because it may be set while the database responds.
      const pending = await completeSignals(db, { site, records, remark, atMs: this.#clock.now() });
      failpoint('signals-completed');
      work.failures = 0;
      if (remark) log.warn({ site, remark: remark.reason }, 'some records were rejected');
      log.debug({ site, records }, 'collected');
      this.#endRun(work, { records, ...(remark ? { error: remark.reason } : {}) });
      return pending || work.requeue ? 'requeue' : 'idle';
    } catch (error) {
      if (this.#stopped) return 'idle';
      const reason = messageOf(error);
      work.failures++;
      metrics.collectFailures.inc();
      log.warn({ site, reason, failures: work.failures }, 'could not read a site; will retry');
      await this.#recordFailure(site, work, {
        code: error instanceof Problem ? error.code : 'internal',
        reason,
      });
      // Callers that wait for the run are resolved after its failure is stored.
      this.#endRun(work, { records: work.run?.records ?? 0, error: reason });
      return 'idle';
    }
  }

  #endRun(work: SiteWork, outcome: CollectResult): void {
    const watchers = work.run?.watchers ?? work.watchers.splice(0);
    work.run = undefined;
    for (const resolve of watchers) resolve(outcome);
  }

  async #recordFailure(site: SiteId, work: SiteWork, failure: Failure): Promise<void> {
    const { db, log } = this.#deps;
    let pending = true;
    try {
      await failSignals(db, site, failure);
      pending = await hasPending(db, site);
    } catch (error) {
      log.error({ err: error, site }, 'could not record a failure');
    }
    if ((pending || work.requeue) && !this.#stopped) {
      const delayMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(work.failures - 1, 10));
      work.cancelRetry = this.#clock.after(delayMs, () => this.#queue(site, 'retry'));
    }
  }

  /** Reads pages up to the last one or up to the limit of a run. `continue`: there are more. */
  async #readPages(
    member: SiteRow,
    run: Run,
    abort: AbortSignal,
    lease: Lease | undefined,
  ): Promise<'continue' | 'end'> {
    const { db, openReader } = this.#deps;
    const site = member.id;
    const pageDeps: PageDeps = {
      db,
      site,
      abort,
      lease,
      reader: openReader(member),
      now: () => this.#clock.now(),
    };
    let comparisons = 0;
    for (let pages = 1; ; pages++) {
      if (await this.#applyPage(pageDeps, run)) {
        if (pages >= PAGES_PER_RUN) return 'continue';
        continue;
      }
      if (!run.compares || run.rejected > 0) return 'end';
      const found = await compareDigests(pageDeps);
      run.differs = found === 'differs';
      // Records were written since the last page. They are read first, a limited number of times.
      if (found !== 'unpublished' || ++comparisons === COMPARISONS_PER_RUN) return 'end';
    }
  }

  /** Applies the next page. Returns true if there is another. */
  async #applyPage(pageDeps: PageDeps, run: Run): Promise<boolean> {
    const { changes, metrics } = this.#deps;
    const { acknowledged, more } = await collectPage(pageDeps, ({ acknowledged, applied, refused }) => {
      if (applied > 0) changes.notify();
      run.records += acknowledged.length;
      run.rejected += refused.length;
      run.firstRejection ??= refused[0];
      metrics.records.inc(acknowledged.length);
      metrics.rejections.inc(refused.length);
    });
    // If nothing on this page was acknowledged, the next page would be the same one.
    if (!more || acknowledged.length === 0) return false;
    const keys = new Set(acknowledged.map(formatKey));
    if ([...keys].every(key => run.previous.has(key))) {
      throw problem(
        'peer-repeats',
        'The site offers records again that were just acknowledged. Check its log and its disk.',
      );
    }
    run.previous = keys;
    return true;
  }
}

const DIGEST_DIFFERS: Failure = {
  code: 'digest-differs',
  reason:
    'The published records of the site and of central differ. The site repeats the handshake, and both compare their records.',
};

const formatKey = ({ video, version }: Acknowledgement): string => `${video} ${version}`;

function describeRejections({ rejected, firstRejection, differs }: Run): Failure | undefined {
  if (differs) return DIGEST_DIFFERS;
  if (!firstRejection) return undefined;
  const rest = rejected > 1 ? ` ${rejected - 1} more were rejected.` : '';
  return { code: firstRejection.decision, reason: `${describeRejection(firstRejection)}${rest}` };
}
