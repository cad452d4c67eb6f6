/**
 * The collector connects to the sites that signalled, reads their unpublished records page by page, commits each page and
 * only then acknowledges it (publication rule R2). A site is read by one run at a time; a site that fails is tried again
 * later and holds nobody up. What a site sends is hostile input until it is parsed, hashed and found to be its own.
 */
import { call, type Signer } from '../kernel/client.ts';
import { sha256Hex } from '../kernel/keys.ts';
import type { Log } from '../kernel/log.ts';
import { messageOf, Problem } from '../kernel/problem.ts';
import {
  type Acknowledgement,
  publishedAnswerSchema,
  type RecordPage,
  recordPageSchema,
} from '../protocol/gateway.ts';
import type { SiteId } from '../protocol/ids.ts';
import { MAX_RECORD_PAGE_ROWS } from '../protocol/limits.ts';
import { canonicalJson } from '../protocol/record.ts';
import type { Bell } from './bell.ts';
import { type Refusal, takeRecords } from './database/catalogue.ts';
import type { CentralDatabase, MemberRow } from './database/schema.ts';
import {
  attemptSignals,
  completeSignals,
  failSignals,
  hasPending,
  listPending,
  removeHandledBefore,
} from './database/signals.ts';
import { findMember, isActive, listJoined } from './database/sites.ts';
import type { CentralMetrics } from './metrics.ts';

/** Sites read at once. */
const PLACES = 16;
/** Of these, so many are kept for sound sites that signalled: a sweep over dead sites must not delay a live one. */
const PLACES_KEPT_FOR_SIGNALS = 4;
/** After so many pages a site goes to the back of the queue, whatever it still has. */
const PAGES_PER_TURN = 20;
/** For one request; connecting is bounded to 10 s by the HTTP client itself. */
const REQUEST_TIMEOUT_MS = 30_000;
/** A page of records: 500 rows may be long ones. A site cuts its pages at MAX_RECORD_PAGE_BYTES, so this is ample. */
const MAX_PAGE_ANSWER_BYTES = 8 * 2 ** 20;
const MAX_SMALL_ANSWER_BYTES = 64 * 1024;
/** An acknowledgement has about 150 bytes, and a request of 500 would not fit the 64 KB that a part takes. */
const ACKNOWLEDGEMENTS_A_REQUEST = 250;
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 60_000;
const SIGNALS_KEPT_MS = 90 * 24 * 60 * 60 * 1_000;

export interface CollectorOptions {
  readonly db: CentralDatabase;
  readonly signer: Signer;
  readonly bell: Bell;
  readonly metrics: CentralMetrics;
  readonly log: Log;
  readonly sweepIntervalMs: number;
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
  readonly watchers: readonly Watcher[];
}

interface SiteWork {
  running: boolean;
  /** Asked for while a run was on its way. */
  again: boolean;
  /** Runs that failed one after another. */
  failures: number;
  retry: NodeJS.Timeout | undefined;
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
  #sweep: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  /** Takes up the signals that an earlier process left, and begins to sweep. */
  async start(): Promise<void> {
    for (const { site } of await listPending(this.#options.db)) this.wake(site);
    this.#sweep = setInterval(() => void this.#sweepAll(), this.#options.sweepIntervalMs);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#sweep);
    for (const work of this.#work.values()) clearTimeout(work.retry);
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

  /** Reads the site now and says how that ended. */
  collect(site: SiteId): Promise<Outcome> {
    if (this.#stopped) return Promise.resolve(STOPPED);
    return new Promise(resolve => {
      this.#workOf(site).watchers.push(resolve);
      this.#ask(site, 'signal');
    });
  }

  async #sweepAll(): Promise<void> {
    const { db, log } = this.#options;
    try {
      for (const { id } of await listJoined(db, 'site')) this.#ask(id as SiteId, 'sweep');
      await removeHandledBefore(db, Date.now() - SIGNALS_KEPT_MS);
    } catch (error) {
      log.error({ err: error }, 'the sweep failed');
    }
  }

  #workOf(site: SiteId): SiteWork {
    let work = this.#work.get(site);
    if (!work) {
      work = { running: false, again: false, failures: 0, retry: undefined, run: undefined, watchers: [] };
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
      clearTimeout(work.retry);
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

  /** Never throws: whatever goes wrong is this site's and is told there. */
  async #takeTurn(site: SiteId, work: SiteWork, signal: AbortSignal): Promise<'more' | 'again' | 'rest'> {
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
          watchers: work.watchers.splice(0),
        };
        await attemptSignals(db, site);
      }
      const { run } = work;
      for (let pages = 0; await this.#takePage(member, run, signal); ) {
        if (++pages === PAGES_PER_TURN) return 'more';
      }
      const remark = describeRefusals(run);
      await completeSignals(db, site, run.records, remark, Date.now());
      work.failures = 0;
      if (remark) log.warn({ site, remark }, 'some records were refused');
      log.debug({ site, records: run.records }, 'collected');
      this.#endRun(work, { records: run.records, ...(remark ? { error: remark } : {}) });
      return work.again || (await hasPending(db, site)) ? 'again' : 'rest';
    } catch (error) {
      if (this.#stopped) return 'rest';
      const reason = messageOf(error);
      work.failures++;
      metrics.collectFailures.inc();
      log.warn({ site, reason, failures: work.failures }, 'a site could not be read');
      this.#endRun(work, { records: work.run?.records ?? 0, error: reason });
      await this.#tellFailure(site, work, reason);
      return 'rest';
    }
  }

  #endRun(work: SiteWork, outcome: Outcome): void {
    const watchers = work.run?.watchers ?? work.watchers.splice(0);
    work.run = undefined;
    for (const tell of watchers) tell(outcome);
  }

  async #tellFailure(site: SiteId, work: SiteWork, reason: string): Promise<void> {
    const { db, log } = this.#options;
    let pending = true;
    try {
      await failSignals(db, site, reason);
      pending = await hasPending(db, site);
    } catch (error) {
      log.error({ err: error, site }, 'a failure could not be written down');
    }
    if ((pending || work.again) && !this.#stopped) {
      const delayMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(work.failures - 1, 10));
      work.retry = setTimeout(() => this.#ask(site, 'retry'), delayMs);
    }
  }

  /** Takes in the next page. True: there is another. */
  async #takePage(member: MemberRow, run: Run, signal: AbortSignal): Promise<boolean> {
    const { db, signer, bell, metrics } = this.#options;
    const site = member.id as SiteId;
    const bounds = { signer, timeoutMs: REQUEST_TIMEOUT_MS, signal };
    const page = await call(`${member.base_url}/gateway/records?limit=${MAX_RECORD_PAGE_ROWS}`, {
      ...bounds,
      maxBytes: MAX_PAGE_ANSWER_BYTES,
      answer: recordPageSchema,
    });
    checkPage(page, site);
    const { acknowledged, applied, refused } = await takeRecords(db, site, page.records, Date.now());
    if (applied > 0) bell.ring();
    run.records += acknowledged.length;
    run.refused += refused.length;
    run.firstRefusal ??= refused[0];
    metrics.records.inc(acknowledged.length);
    metrics.refusals.inc(refused.length);

    for (let start = 0; start < acknowledged.length; start += ACKNOWLEDGEMENTS_A_REQUEST) {
      const published = acknowledged.slice(start, start + ACKNOWLEDGEMENTS_A_REQUEST);
      await call(`${member.base_url}/gateway/published`, {
        ...bounds,
        method: 'POST',
        body: { published },
        maxBytes: MAX_SMALL_ANSWER_BYTES,
        answer: publishedAnswerSchema,
      });
    }
    if (!page.more) return false;
    // Nothing on this page may be acknowledged, so the next page would be this one again.
    if (acknowledged.length === 0) return false;
    const keys = new Set(acknowledged.map(formatKey));
    if ([...keys].every(key => run.previous.has(key))) {
      throw new Problem(
        502,
        'peer-repeats',
        'The site offers records again that were acknowledged a moment ago. Look at its log and its disk.',
      );
    }
    run.previous = keys;
    return true;
  }
}

const formatKey = ({ video, version }: Acknowledgement): string => `${video} ${version}`;

/** @throws Problem if the page is not the site's own or a record is not what its hash says. */
export function checkPage(page: RecordPage, site: SiteId): void {
  if (page.site !== site) {
    throw new Problem(
      502,
      'peer-foreign-rows',
      `The server at this base URL says that it is site ${page.site}. Its records were not taken.`,
    );
  }
  for (const { record, hash } of page.records) {
    if (sha256Hex(canonicalJson(record)) !== hash) {
      throw new Problem(
        502,
        'peer-hash-mismatch',
        `The record of video ${record.video}, version ${record.version}, is not what its hash says. The page was not taken.`,
      );
    }
  }
}

const REFUSALS = {
  stale: 'is older than what the centre holds. Was the site restored from a backup?',
  conflict: 'came before with another content. Was the site restored from a backup?',
  withdrawn: 'is of a video that was withdrawn, and withdrawn videos do not come back.',
  taken: 'has the id of another site’s video.',
} as const satisfies Record<Refusal['decision'], string>;

function describeRefusals({ refused, firstRefusal }: Run): string | undefined {
  if (!firstRefusal) return undefined;
  const { decision, video, version } = firstRefusal;
  const rest = refused > 1 ? ` ${refused - 1} more were refused.` : '';
  return `${decision}: version ${version} of video ${video} ${REFUSALS[decision]}${rest}`;
}
