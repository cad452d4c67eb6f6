/** Writes the audit log of central. Entries of changes belong into the transaction of the change. */

import { createRepetitionCounter, ONE_VIEWING_MS, WATCH_LIMITS } from '../../kernel/audit/repetitions.ts';
import type { ReportedEvent } from '../../kernel/audit/report-events.ts';
import { Budget, type BudgetOptions } from '../../kernel/lifecycle/budget.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf, problem } from '../../kernel/problem.ts';
import { batching, type Outcome, succeeded } from '../../kernel/sql/batching.ts';
import { type AuditEvent, type AuditReceipt, boundEvent } from '../../protocol/people/audit.ts';
import { appendEntries } from '../database/audit/append.ts';
import type { Position, Prover } from '../database/audit/chain.ts';
import { receiveEvents } from '../database/audit/receive.ts';
import type { CentralDatabase, CentralTransaction } from '../database/schema.ts';

/** `at`: now, unless it is given. */
export type NewEvent = Omit<AuditEvent, 'at'> & { readonly at?: string };

export interface Audit {
  /**
   * Stores an entry. With `tx` it is part of that transaction and must come last in it: it locks the end of the chain. Without, it is
   * stored when the promise is fulfilled.
   */
  append(event: NewEvent, tx?: CentralTransaction): Promise<void>;
  /**
   * Stores an event that anyone can cause at will. Those like it that follow soon are only counted.
   *
   * @param windowMs for how long they are counted. Default: a minute
   */
  count(event: NewEvent, windowMs?: number): void;
  /** Stores that somebody watches a video that is not public, once an hour for each viewer and video. */
  recordWatch(event: NewEvent): void;
  /**
   * Takes events of a member into the log. Their writer is that member, whatever they say about who did something.
   *
   * @throws Problem 503 `busy` if the member has used up its share
   */
  receive(member: string, events: readonly ReportedEvent[]): Promise<AuditReceipt>;
  /** Stores the counts, and waits for that. */
  stop(): Promise<void>;
}

export interface AuditDeps {
  readonly db: CentralDatabase;
  readonly prover: Prover;
  readonly log: Log;
}

const MAX_BATCH = 100;
/** The share of one member in the log, as JSON: about 40,000 entries at once, and 250,000 a day. */
const SHARE: BudgetOptions = { max: 2 ** 24, refillPerS: 1_200 };

export function createAudit({ db, prover, log }: AuditDeps): Audit {
  const batch = batching(MAX_BATCH, async (events: readonly AuditEvent[]): Promise<Outcome<Position>[]> => {
    const end = await db.transaction().execute(tx => appendEntries(tx, prover, events, Date.now()));
    return events.map(() => succeeded(end));
  });
  const complete = (event: NewEvent): AuditEvent => boundEvent({ at: new Date().toISOString(), ...event });

  const writing = new Set<Promise<unknown>>();
  const store = (event: AuditEvent): void => {
    const written = batch(boundEvent(event)).catch((error: unknown) => {
      log.error({ reason: messageOf(error), action: event.action }, 'an audit entry could not be stored');
    });
    writing.add(written);
    void written.then(() => writing.delete(written));
  };
  const repetitions = createRepetitionCounter(store);
  const watches = createRepetitionCounter(store, WATCH_LIMITS);

  const shares = new Map<string, Budget>();
  function useShare(member: string, events: readonly ReportedEvent[]): void {
    const nowMs = Date.now();
    const share = shares.get(member) ?? new Budget(SHARE, nowMs);
    shares.set(member, share);
    const waitMs = share.take(JSON.stringify(events).length, nowMs);
    if (waitMs === 0) return;
    throw problem('busy', 'This member writes too much into the audit log.', {
      headers: { 'retry-after': String(Math.ceil(waitMs / 1_000)) },
    });
  }

  return {
    async receive(member, events) {
      useShare(member, events);
      return receiveEvents(db, prover, { member, events, nowMs: Date.now() });
    },
    async append(event, tx) {
      if (tx) await appendEntries(tx, prover, [complete(event)], Date.now());
      else await batch(complete(event));
    },
    count: (event, windowMs) => repetitions.add(complete(event), windowMs),
    recordWatch: event => watches.add(complete(event), ONE_VIEWING_MS),
    async stop() {
      repetitions.flush();
      watches.flush();
      await Promise.all(writing);
    },
  };
}
