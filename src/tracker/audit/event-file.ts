/**
 * The audit events of a tracker, in a file of JSON lines, so that a restart loses none. A tracker has no database. Events are not
 * flushed to the disk: a power loss may take the last ones.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import * as z from 'zod';
import type { Outbox, ReportedEvent } from '../../kernel/audit/report-events.ts';
import { writeDurably } from '../../kernel/files.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import { type AuditEvent, auditEventSchema } from '../../protocol/people/audit.ts';

/** About 20 MB of memory. While central is unreachable, further events are lost, which the log of this tracker says. */
const MAX_UNSENT = 50_000;
/** Events that central has, in case it is restored from a backup. */
const MAX_SENT = 20_000;
/** The file is written again without the events that are no longer kept after this many more lines. */
const SLACK = 20_000;

const lineSchema = z.union([
  z.object({ seq: z.int().positive(), event: auditEventSchema }),
  z.object({ sent: z.int().nonnegative() }),
]);

export interface EventFile extends Outbox {
  /** Stores an event. It never throws: a viewer must not notice a full disk. */
  add(event: AuditEvent): void;
}

export function openEventFile(path: string, log: Log): EventFile {
  const state = readEvents(path);
  let { sent } = state;
  let events = state.events;
  let lines = state.lines;
  let last = Math.max(sent, ...events.slice(-1).map(({ seq }) => seq));
  let hasFailed = false;

  const report = (reason: string): void => {
    if (!hasFailed) log.error({ reason }, 'audit events are lost');
    hasFailed = true;
  };
  const append = (line: unknown): void => {
    try {
      appendFileSync(path, `${JSON.stringify(line)}\n`, { mode: 0o600 });
      lines++;
      hasFailed = false;
    } catch (error) {
      report(messageOf(error));
    }
  };
  const write = async (): Promise<void> => {
    lines = events.length + 1;
    const all = [{ sent }, ...events].map(line => `${JSON.stringify(line)}\n`);
    await writeDurably(path, all.join(''), 0o600);
  };

  return {
    add(event) {
      if (events.length - firstUnsent(events, sent) >= MAX_UNSENT) {
        report('there are too many that central has not received');
        return;
      }
      const added = { seq: ++last, event };
      events.push(added);
      append(added);
    },
    listUnsent: async limit => {
      const start = firstUnsent(events, sent);
      return events.slice(start, start + limit);
    },
    async markSent(seq) {
      sent = Math.max(sent, seq);
      append({ sent });
      const kept = events.slice(Math.max(0, firstUnsent(events, sent) - MAX_SENT));
      if (lines < kept.length + SLACK) return;
      events = kept;
      await write();
    },
    async markUnsent(after) {
      sent = Math.min(sent, after);
      await write();
    },
    async renumber(from, first) {
      let next = first;
      events = events.map(one => (one.seq < from ? one : { seq: next++, event: one.event }));
      sent = Math.min(sent, first - 1);
      last = Math.max(next - 1, sent);
      await write();
    },
  };
}

/** The index of the first event that central has not confirmed. */
function firstUnsent(events: readonly ReportedEvent[], sent: number): number {
  const index = events.findIndex(({ seq }) => seq > sent);
  return index < 0 ? events.length : index;
}

/** A line that a crash has cut off is skipped: its event was not accepted. */
function readEvents(path: string): { events: ReportedEvent[]; sent: number; lines: number } {
  const read = { events: [] as ReportedEvent[], sent: 0, lines: 0 };
  if (!existsSync(path)) return read;
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const parsed = parseLine(line);
    if (!parsed) continue;
    read.lines++;
    if ('sent' in parsed) read.sent = Math.max(read.sent, parsed.sent);
    else read.events.push(parsed);
  }
  return read;
}

function parseLine(line: string): z.infer<typeof lineSchema> | undefined {
  try {
    return lineSchema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}
