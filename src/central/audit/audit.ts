/** Writes the audit log of central. Entries of changes belong into the transaction of the change. */
import { createRepetitionCounter } from '../../kernel/audit/repetitions.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import { batching, type Outcome, succeeded } from '../../kernel/sql/batching.ts';
import { type AuditEvent, boundEvent } from '../../protocol/people/audit.ts';
import { appendEntries } from '../database/audit/append.ts';
import type { Position, Prover } from '../database/audit/chain.ts';
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
  /** Stores the counts, and waits for that. */
  stop(): Promise<void>;
}

export interface AuditDeps {
  readonly db: CentralDatabase;
  readonly prover: Prover;
  readonly log: Log;
}

const MAX_BATCH = 100;

export function createAudit({ db, prover, log }: AuditDeps): Audit {
  const batch = batching(MAX_BATCH, async (events: readonly AuditEvent[]): Promise<Outcome<Position>[]> => {
    const end = await db.transaction().execute(tx => appendEntries(tx, prover, events, Date.now()));
    return events.map(() => succeeded(end));
  });
  const complete = (event: NewEvent): AuditEvent => boundEvent({ at: new Date().toISOString(), ...event });

  const writing = new Set<Promise<unknown>>();
  const repetitions = createRepetitionCounter(event => {
    const written = batch(boundEvent(event)).catch((error: unknown) => {
      log.error({ reason: messageOf(error), action: event.action }, 'an audit entry could not be stored');
    });
    writing.add(written);
    void written.then(() => writing.delete(written));
  });

  return {
    async append(event, tx) {
      if (tx) await appendEntries(tx, prover, [complete(event)], Date.now());
      else await batch(complete(event));
    },
    count: (event, windowMs) => repetitions.add(complete(event), windowMs),
    async stop() {
      repetitions.flush();
      await Promise.all(writing);
    },
  };
}
