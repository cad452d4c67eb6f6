/**
 * The collector connects to the sites that signalled and reads their unpublished records page by page. A site is read by
 * one run at a time; a site that fails is tried again later and holds nobody up. Now and then every site is swept: read
 * without a signal, and its digest compared, so that a lost signal costs delay and nothing else.
 */

import { failpoint } from '../../kernel/failpoint.ts';
import { type Clock, systemClock } from '../../kernel/lifecycle/clock.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf, Problem, problem } from '../../kernel/problem.ts';
import type { SiteId } from '../../protocol/ids.ts';
import type { Acknowledgement } from '../../protocol/publication/gateway.ts';
import type { Bell } from '../change-notifier.ts';
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
import type { Refusal } from '../database/publication/take-records.ts';
import type { CentralDatabase, MemberRow } from '../database/schema.ts';
import { findMember, isActive, listJoined } from '../database/sites.ts';
import type { CentralMetrics } from '../metrics.ts';
import type { OpenReader } from '../site-reader/site-reader.ts';
import { collectPage, compareDigests, describeRefusal, type PageMeans } from './collect-page.ts';
import type { Leasing } from './leasing.ts';

/** Sites read at once. */
const PLACES = 64;
/** Of these, so many are kept for sound sites that signalled: a sweep over dead sites must not delay a live one. */
const PLACES_KEPT_FOR_SIGNALS = 16;
/** After so many pages a site goes to the back of the queue, whatever it still has. */
const PAGES_PER_TURN = 20;
/** A site where something is written all the time is compared another day. */
const COMPARISONS_A_RUN = 3;
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 60_000;
/** How often signals are looked for that another central stored, and left: it has more than it can read, or is gone. */
const SHARE_MS = 3_000;
/** So long they are left to the central that stored them. */
const LEFT_TO_OTHERS_MS = 2_000;
/** Another central reads the site just now. */
const BUSY_RETRY_MS = 500;
const SIGNALS_KEPT_MS = 90 * 24 * 60 * 60 * 1_000;
const REGISTRATIONS_EXACT_MS = 7 * 24 * 60 * 60 * 1_000;

export interface CollectorOptions {
  readonly db: CentralDatabase;
  readonly openReader: OpenReader;
  readonly bell: Bell;
  readonly metrics: CentralMetrics;
  readonly log: Log;
  readonly sweepIntervalMs: number;
  /** Where several centrals share the database: what one of them reads, the others leave to it. */
  readonly leasing?: Leasing;
  readonly clock?: Clock;
}

/** How a run ended: the records that are now published, or why not all of them are. */
export interface Outcome {
  readonly records: number;
  readonly error?: string;
}

const STOPPED: Outcome = { records: 0, error: 'Central was stopped.' };

type Watcher = (outcome: Outcome) => void;

/** One reading of a site from its first page to its last. */
interface Run {
  records: number;
  refused: number;
  firstRefusal: Refusal | undefined;
  /** What the page before acknowledged. */
  previous: ReadonlySet<string>;
  /** Digests are compared at the end: the site is swept, or somebody asked. */
  readonly compares: boolean;
  differs: boolean;
  readonly watchers: readonly Watcher[];
}

interface SiteWork {
  running: boolean;
  /** Asked for while a run was on its way. */
  again: boolean;
  /** Runs that failed one after another. */
  failures: number;
  cancelRetry: (() => void) | undefined;
  /** The next run is to compare digests. */
  compares: boolean;
  run: Run | undefined;
  /** Wait for the end of the next run that begins. */
  watchers: Watcher[];
}

export class Collector {
  readonly #options: CollectorOptions;
  readonly #work = new Map<SiteId, SiteWork>();
  /** Sound sites that signalled, and all others; each in the order of asking. */
  readonly #signalled = new Set<SiteId>();
  readonly #others = new Set<SiteId>();
  readonly #running = new Map<SiteId, { readonly abort: AbortController; readonly end: Promise<void> }>();
  readonly #clock: Clock;
  #cancelSweep: (() => void) | undefined;
  #cancelShare: (() => void) | undefined;
  #stopped = false;

  constructor(options: CollectorOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Takes up the signals that an earlier process left, and begins to sweep. */
  async start(): Promise<void> {
    for (const { site } of await listPending(this.#options.db)) this.wake(site);
    this.#planSweep();
    if (this.#options.leasing) this.#planShare();
  }

  #planShare(): void {
    if (this.#stopped) return;
    this.#cancelShare = this.#clock.after(SHARE_MS, () => {
      void this.#share().then(() => this.#planShare());
    });
  }

  async #share(): Promise<void> {
    try {
      const beforeMs = this.#clock.now() - LEFT_TO_OTHERS_MS;
      for (const { site, oldestAt } of await listPending(this.#options.db)) {
        const { running, failures } = this.#workOf(site);
        if (oldestAt < beforeMs && !running && failures === 0) this.#ask(site, 'retry');
      }
    } catch (error) {
      this.#options.log.error({ err: error }, 'signals that others left were not looked for');
    }
  }

  #planSweep(): void {
    if (this.#stopped) return;
    this.#cancelSweep = this.#clock.after(this.#options.sweepIntervalMs, () => {
      void this.#sweepAll().then(() => this.#planSweep());
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelSweep?.();
    this.#cancelShare?.();
    for (const work of this.#work.values()) work.cancelRetry?.();
    const ends = [...this.#running.values()].map(({ abort, end }) => {
      abort.abort();
      return end;
    });
    await Promise.all(ends);
    for (const { watchers, run } of this.#work.values()) {
      for (const tell of [...watchers, ...(run?.watchers ?? [])]) {
        tell(STOPPED);
      }
    }
  }

  /** The site has signalled: read it as soon as there is a place. */
  wake(site: SiteId): void {
    this.#ask(site, 'signal');
  }

  /** Reads the site now, compares digests, and says how that ended. */
  collect(site: SiteId): Promise<Outcome> {
    if (this.#stopped) return Promise.resolve(STOPPED);
    return new Promise(resolve => {
      const work = this.#workOf(site);
      work.watchers.push(resolve);
      work.compares = true;
      this.#ask(site, 'signal');
    });
  }

  async #sweepAll(): Promise<void> {
    const { db, log, leasing, sweepIntervalMs } = this.#options;
    try {
      if (leasing && !(await leasing.isTurn('sweep', sweepIntervalMs * 0.9))) return;
      for (const { id } of await listJoined(db, 'site')) {
        this.#workOf(id as SiteId).compares = true;
        this.#ask(id as SiteId, 'sweep');
      }
      await removeHandledBefore(db, this.#clock.now() - SIGNALS_KEPT_MS);
      await thinRegistrations(db, this.#clock.now() - REGISTRATIONS_EXACT_MS);
    } catch (error) {
      log.error({ err: error }, 'the sweep failed');
    }
  }

  #workOf(site: SiteId): SiteWork {
    let work = this.#work.get(site);
    if (!work) {
      work = {
        running: false,
        again: false,
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

  #ask(site: SiteId, why: 'signal' | 'sweep' | 'retry' | 'more'): void {
    if (this.#stopped) return;
    const work = this.#workOf(site);
    if (work.running) {
      work.again ||= why !== 'sweep';
      return;
    }
    if (why === 'signal' && work.failures === 0) {
      this.#others.delete(site);
      this.#signalled.add(site);
    } else if (!this.#signalled.has(site)) {
      this.#others.add(site);
    }
    this.#fillPlaces();
  }

  #fillPlaces(): void {
    while (!this.#stopped) {
      const taken = this.#running.size;
      const queue =
        this.#signalled.size > 0 && taken < PLACES
          ? this.#signalled
          : this.#others.size > 0 && taken < PLACES - PLACES_KEPT_FOR_SIGNALS
            ? this.#others
            : undefined;
      const [site] = queue ?? [];
      if (!queue || !site) return;
      queue.delete(site);
      const work = this.#workOf(site);
      work.running = true;
      work.again = false;
      work.cancelRetry?.();
      work.cancelRetry = undefined;
      const abort = new AbortController();
      const end = this.#takeTurn(site, work, abort.signal).then(next => {
        this.#running.delete(site);
        work.running = false;
        if (next === 'more') this.#ask(site, 'more');
        else if (next === 'again') this.#ask(site, 'signal');
        this.#fillPlaces();
      });
      this.#running.set(site, { abort, end });
    }
  }

  /** A turn under a lease of its own, where centrals share the work. Never throws. */
  async #takeTurn(site: SiteId, work: SiteWork, signal: AbortSignal): Promise<'more' | 'again' | 'rest'> {
    const { leasing, log } = this.#options;
    if (!leasing) return this.#readTurn(site, work, signal, undefined);
    let lease: Lease | undefined;
    try {
      lease = await leasing.acquire(`collect ${site}`);
    } catch (error) {
      log.error({ err: error, site }, 'no lease could be taken');
    }
    if (!lease) {
      if (!this.#stopped) work.cancelRetry = this.#clock.after(BUSY_RETRY_MS, () => this.#retryBusy(site));
      return 'rest';
    }
    const next = await this.#readTurn(site, work, signal, lease);
    await leasing.release(lease).catch(error => log.warn({ err: error, site }, 'a lease was not given back'));
    // Asked for while the lease was given back: nobody else would see to it.
    return next === 'rest' && work.again && !work.cancelRetry ? 'again' : next;
  }

  /** Another central read the site: is there still something to do? */
  #retryBusy(site: SiteId): void {
    const work = this.#workOf(site);
    if (work.watchers.length > 0 || work.compares || work.run) {
      this.#ask(site, 'retry');
      return;
    }
    hasPending(this.#options.db, site).then(
      pending => {
        if (pending) this.#ask(site, 'retry');
      },
      error => this.#options.log.error({ err: error, site }, 'pending signals were not read'),
    );
  }

  /** Never throws: whatever goes wrong is this site's and is told there. */
  async #readTurn(
    site: SiteId,
    work: SiteWork,
    signal: AbortSignal,
    lease: Lease | undefined,
  ): Promise<'more' | 'again' | 'rest'> {
    const { db, log, metrics } = this.#options;
    try {
      const member = await findMember(db, site);
      if (!member || !isActive(member)) {
        this.#endRun(work, { records: 0, error: 'This site has not joined, or it was revoked.' });
        return 'rest';
      }
      if (!work.run) {
        work.run = {
          records: 0,
          refused: 0,
          firstRefusal: undefined,
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
      if ((await this.#readPages(member, run, signal, lease)) === 'more') return 'more';
      const remark = describeRefusals(run);
      const { records } = run;
      // In this order: `again` may be set while the database answers.
      const pending = await completeSignals(db, { site, records, remark, atMs: this.#clock.now() });
      failpoint('signals-completed');
      work.failures = 0;
      if (remark) log.warn({ site, remark: remark.reason }, 'some records were refused');
      log.debug({ site, records }, 'collected');
      this.#endRun(work, { records, ...(remark ? { error: remark.reason } : {}) });
      return pending || work.again ? 'again' : 'rest';
    } catch (error) {
      if (this.#stopped) return 'rest';
      const reason = messageOf(error);
      work.failures++;
      metrics.collectFailures.inc();
      log.warn({ site, reason, failures: work.failures }, 'a site could not be read');
      await this.#tellFailure(site, work, {
        code: error instanceof Problem ? error.code : 'internal',
        reason,
      });
      // Whoever waited for the run finds its failure written down.
      this.#endRun(work, { records: work.run?.records ?? 0, error: reason });
      return 'rest';
    }
  }

  #endRun(work: SiteWork, outcome: Outcome): void {
    const watchers = work.run?.watchers ?? work.watchers.splice(0);
    work.run = undefined;
    for (const tell of watchers) tell(outcome);
  }

  async #tellFailure(site: SiteId, work: SiteWork, failure: Failure): Promise<void> {
    const { db, log } = this.#options;
    let pending = true;
    try {
      await failSignals(db, site, failure);
      pending = await hasPending(db, site);
    } catch (error) {
      log.error({ err: error, site }, 'a failure could not be written down');
    }
    if ((pending || work.again) && !this.#stopped) {
      const delayMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(work.failures - 1, 10));
      work.cancelRetry = this.#clock.after(delayMs, () => this.#ask(site, 'retry'));
    }
  }

  /** Reads the site to its end, or for one turn. `more`: there is more to read. */
  async #readPages(
    member: MemberRow,
    run: Run,
    signal: AbortSignal,
    lease: Lease | undefined,
  ): Promise<'more' | 'end'> {
    const { db, openReader } = this.#options;
    const site = member.id as SiteId;
    const means: PageMeans = {
      db,
      site,
      signal,
      lease,
      reader: openReader(member),
      now: () => this.#clock.now(),
    };
    let comparisons = 0;
    for (let pages = 1; ; pages++) {
      if (await this.#takePage(means, run)) {
        if (pages >= PAGES_PER_TURN) return 'more';
        continue;
      }
      if (!run.compares || run.refused > 0) return 'end';
      const found = await compareDigests(means);
      run.differs = found === 'differs';
      // Something was written since the last page: it is read first, within bounds.
      if (found !== 'unpublished' || ++comparisons === COMPARISONS_A_RUN) return 'end';
    }
  }

  /** Takes in the next page. True: there is another. */
  async #takePage(means: PageMeans, run: Run): Promise<boolean> {
    const { bell, metrics } = this.#options;
    const { acknowledged, more } = await collectPage(means, ({ acknowledged, applied, refused }) => {
      if (applied > 0) bell.ring();
      run.records += acknowledged.length;
      run.refused += refused.length;
      run.firstRefusal ??= refused[0];
      metrics.records.inc(acknowledged.length);
      metrics.refusals.inc(refused.length);
    });
    // Nothing on this page may be acknowledged, so the next page would be this one again.
    if (!more || acknowledged.length === 0) return false;
    const keys = new Set(acknowledged.map(formatKey));
    if ([...keys].every(key => run.previous.has(key))) {
      throw problem(
        'peer-repeats',
        'The site offers records again that were acknowledged a moment ago. Look at its log and its disk.',
      );
    }
    run.previous = keys;
    return true;
  }
}

const DIGEST_DIFFERS: Failure = {
  code: 'digest-differs',
  reason:
    'The site and the centre hold different records for published. The site greets anew, and both compare themselves.',
};

const formatKey = ({ video, version }: Acknowledgement): string => `${video} ${version}`;

function describeRefusals({ refused, firstRefusal, differs }: Run): Failure | undefined {
  if (differs) return DIGEST_DIFFERS;
  if (!firstRefusal) return undefined;
  const rest = refused > 1 ? ` ${refused - 1} more were refused.` : '';
  return { code: firstRefusal.decision, reason: `${describeRefusal(firstRefusal)}${rest}` };
}
