/**
 * Reports the audit events of a member to central: in order, each once, also after either side was restored from a backup. An event
 * leaves the outbox only some time after central has stored it.
 */
import { type AuditEvent, auditReceiptSchema, MAX_AUDIT_BATCH } from '../../protocol/people/audit.ts';
import { memberLoop } from '../lifecycle/member-loop.ts';
import type { Repeating } from '../lifecycle/repeat.ts';
import type { Log } from '../log.ts';
import type { CentralClient } from '../membership/central-client.ts';

export interface ReportedEvent {
  /** Counts the events of this member. */
  readonly seq: number;
  readonly event: AuditEvent;
}

export interface Outbox {
  /** The oldest events that central has not confirmed, in order. */
  listUnsent(limit: number): Promise<readonly ReportedEvent[]>;
  /** Central has all events up to this one. Events that it has had for a long time may be deleted now. */
  markSent(seq: number): Promise<void>;
  /** Central has lost the events after this one: those that are kept are sent again. */
  markUnsent(after: number): Promise<void>;
  /** Gives the events from number `from` on new numbers, from `first` on and without gaps. They are sent again. */
  renumber(from: number, first: number): Promise<void>;
}

/** A report stays far below central's limit. */
const MAX_REPORT_CHARACTERS = 300_000;

export interface ReportDeps {
  readonly outbox: Outbox;
  readonly central: () => Pick<CentralClient, 'call'> | undefined;
  readonly log: Log;
  readonly everyMs?: number;
}

export const startReportingEvents = ({ outbox, central, log, everyMs = 5_000 }: ReportDeps): Repeating =>
  memberLoop(
    { name: 'reporting audit events', peer: central, everyMs, log, level: 'debug' },
    async (peer, abort) => ((await reportEvents(outbox, peer, log, abort)) ? 0 : everyMs),
  );

/** @returns true if there may be more to report */
export async function reportEvents(
  outbox: Outbox,
  central: Pick<CentralClient, 'call'>,
  log: Log,
  abort?: AbortSignal,
): Promise<boolean> {
  const events = boundReport(await outbox.listUnsent(MAX_AUDIT_BATCH));
  const [first] = events;
  if (!first) return false;
  const gap = events.findIndex(({ seq }, index) => seq !== first.seq + index);
  if (gap > 0) {
    // An event of a process that still counted from an older number.
    await outbox.renumber(first.seq, first.seq);
    return true;
  }
  const receipt = await central.call(
    '/api/audit-events',
    { body: { events }, response: auditReceiptSchema },
    abort,
  );
  if (receipt.differs !== undefined) {
    log.warn(
      { from: receipt.differs },
      'this part was restored from a backup; its audit events get new numbers',
    );
    await outbox.markSent(receipt.differs - 1);
    await outbox.renumber(receipt.differs, receipt.seq + 1);
    return true;
  }
  if (receipt.seq < first.seq - 1) {
    log.warn({ after: receipt.seq }, 'central has lost audit events; they are sent again');
    await outbox.markUnsent(receipt.seq);
    const [kept] = await outbox.listUnsent(1);
    // Those in between are not kept any more.
    if (kept && kept.seq > receipt.seq + 1) await outbox.renumber(kept.seq, receipt.seq + 1);
    return true;
  }
  const last = events.at(-1) ?? first;
  await outbox.markSent(Math.min(receipt.seq, last.seq));
  return receipt.seq >= last.seq;
}

function boundReport(events: readonly ReportedEvent[]): readonly ReportedEvent[] {
  let characters = 0;
  const end = events.findIndex((reported, index) => {
    characters += JSON.stringify(reported).length;
    return index > 0 && characters > MAX_REPORT_CHARACTERS;
  });
  return end < 0 ? events : events.slice(0, end);
}
