/**
 * Counts events that a client can cause at will, such as refused requests, so that a loop cannot flood the audit log: the first one
 * is written at once, and those like it within the next minute become one more event with their number.
 */

import type { AuditEvent } from '../../protocol/people/audit.ts';
import { type Clock, systemClock } from '../lifecycle/clock.ts';

const WINDOW_MS = 60_000;
export interface RepetitionLimits {
  /** The events of more people and addresses than this are counted together. */
  readonly maxActors: number;
  /** The events of one actor about more objects than this are counted together. */
  readonly maxObjects: number;
}
const LIMITS: RepetitionLimits = { maxActors: 200, maxObjects: 20 };
/** For viewers who have access to what they watch. */
export const WATCH_LIMITS: RepetitionLimits = { maxActors: 10_000, maxObjects: 50 };
/** Within this time, one viewing of a video is in the audit log once. */
export const ONE_VIEWING_MS = 3_600_000;

export interface RepetitionCounter {
  /** @param windowMs for how long events like this one are counted. Default: a minute */
  add(event: AuditEvent, windowMs?: number): void;
  /** Writes the counts. */
  flush(): void;
}

interface Counted {
  count: number;
  readonly end: () => void;
  readonly cancel: () => void;
}

/** Two requests about the same object are different events: each may be another way to the same end. */
function keyOf({ action, object, after }: AuditEvent): string {
  const isDetailed = typeof after === 'object' && after !== null && !Array.isArray(after);
  return JSON.stringify([action, object, isDetailed ? after.request : undefined]);
}

/** @param write stores an event; it must not throw */
export function createRepetitionCounter(
  write: (event: AuditEvent) => void,
  { maxActors, maxObjects }: RepetitionLimits = LIMITS,
  clock: Clock = systemClock,
): RepetitionCounter {
  /** By actor, then by action, object and request. */
  const actors = new Map<string, Map<string, Counted>>();

  function find(event: AuditEvent): { event: AuditEvent; actor: string; key: string } {
    let { who, from, object } = event;
    let actor = `${who.kind} ${who.id ?? who.credential ?? from ?? ''}`;
    if (!actors.has(actor) && actors.size >= maxActors) {
      who = { kind: 'nobody' };
      from = undefined;
      object = undefined;
      actor = '';
    }
    const known = actors.get(actor);
    let key = actor === '' ? event.action : keyOf(event);
    if (known && known.size >= maxObjects && !known.has(key)) {
      object = undefined;
      key = event.action;
    }
    return { event: { ...event, who, from, object }, actor, key };
  }

  return {
    add(added, windowMs = WINDOW_MS) {
      const { event, actor, key } = find(added);
      const known = actors.get(actor) ?? new Map<string, Counted>();
      const found = known.get(key);
      if (found) {
        found.count++;
        return;
      }
      const counted: Counted = {
        count: 0,
        end() {
          counted.cancel();
          known.delete(key);
          if (known.size === 0) actors.delete(actor);
          if (counted.count === 0) return;
          write({ ...event, at: new Date(clock.now()).toISOString(), after: { repeated: counted.count } });
        },
        cancel: clock.after(windowMs, () => counted.end()),
      };
      known.set(key, counted);
      actors.set(actor, known);
      write(event);
    },
    flush() {
      for (const known of [...actors.values()]) for (const counted of [...known.values()]) counted.end();
    },
  };
}
