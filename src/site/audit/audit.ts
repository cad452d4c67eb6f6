/**
 * The audit log of a site. Its entries are stored in its own database and reported to central, also those of a time without a
 * connection. Central writes them into the log as entries of this site.
 */
import type { IncomingMessage } from 'node:http';
import type { AccessGuard } from '../../kernel/access/access.ts';
import { whoOf } from '../../kernel/access/authority.ts';
import { requestAddress } from '../../kernel/access/request-address.ts';
import { createRepetitionCounter, ONE_VIEWING_MS, WATCH_LIMITS } from '../../kernel/audit/repetitions.ts';
import type { Lifetime } from '../../kernel/lifecycle/lifetime.ts';
import type { Log } from '../../kernel/log.ts';
import type { Prefix } from '../../kernel/network.ts';
import { messageOf } from '../../kernel/problem.ts';
import { type AuditEvent, boundEvent } from '../../protocol/people/audit.ts';
import { insertAuditEvent } from '../database/audit-events.ts';
import type { SiteDatabase } from '../database/tables/videos.ts';

export type AuditedChange = Pick<AuditEvent, 'action' | 'object' | 'before' | 'after'>;
/** `at`: now. */
export type NewEvent = Omit<AuditEvent, 'at'>;

export interface SiteAudit {
  /**
   * Stores an event about a request: who made it, and from where. With `tx` it is part of that transaction. Never pass secrets:
   * tokens, passwords, codes, cookies or links.
   */
  note(request: IncomingMessage, change: AuditedChange, tx?: SiteDatabase): Promise<void>;
  /** Stores an event that no request of a person caused. */
  append(event: NewEvent, tx?: SiteDatabase): Promise<void>;
  /**
   * Stores an event that anyone can cause at will. Those like it that follow soon are only counted.
   *
   * @param windowMs for how long they are counted. Default: a minute
   */
  count(event: NewEvent, windowMs?: number): void;
  /** Stores that somebody watches a video that is not public, once an hour for each viewer and video. */
  recordWatch(event: NewEvent): void;
}

export interface SiteAuditDeps {
  readonly db: SiteDatabase;
  readonly trustedProxies: readonly Prefix[];
  readonly log: Log;
  /** The guard may itself need the audit log. */
  readonly guard: () => AccessGuard;
}

export function createSiteAudit(
  { db, trustedProxies, log, guard }: SiteAuditDeps,
  lifetime: Lifetime,
): SiteAudit {
  const complete = (event: NewEvent): AuditEvent => boundEvent({ at: new Date().toISOString(), ...event });

  const writing = new Set<Promise<unknown>>();
  const store = (event: AuditEvent): void => {
    const written = insertAuditEvent(db, boundEvent(event)).catch((error: unknown) => {
      log.error({ reason: messageOf(error), action: event.action }, 'an audit event could not be stored');
    });
    writing.add(written);
    void written.then(() => writing.delete(written));
  };
  const repetitions = createRepetitionCounter(store);
  const watches = createRepetitionCounter(store, WATCH_LIMITS);
  lifetime.add('audit log', async () => {
    repetitions.flush();
    watches.flush();
    await Promise.all(writing);
  });

  return {
    async note(request, change, tx = db) {
      const who = whoOf(await guard().authorityOf(request));
      const from = requestAddress(request, trustedProxies);
      await insertAuditEvent(tx, complete({ who, from, ...change }));
    },
    append: (event, tx = db) => insertAuditEvent(tx, complete(event)),
    count: (event, windowMs) => repetitions.add(complete(event), windowMs),
    recordWatch: event => watches.add(complete(event), ONE_VIEWING_MS),
  };
}
