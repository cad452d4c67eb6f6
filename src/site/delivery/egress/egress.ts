/**
 * The uplink as a budget. Bytes to viewers and to other sites' fills are counted as they are on the wire and paced to the
 * limits. A request is rejected *before* the link is full, so that the viewer changes to another site instead of waiting.
 */
import type { Socket } from 'node:net';
import type { Problem } from '../../../kernel/problem.ts';
import { budgetUsed, linkFull } from '../http/problems.ts';
import type { DayBudget } from './day-budget.ts';
import { type PacedWrite, Pacer, type PacerLimits, type TrafficClass } from './pacer.ts';

/** The link may have reserved the bytes of this time at most: a segment that takes longer than it plays helps no viewer. */
const MAX_WAIT_S = 4;
/** Requests that no viewer waits for (prefetches) are accepted only while the link is nearly idle. */
const MAX_WAIT_IDLE_S = 1;
/** The bytes of a head, for the decision about a response that has none yet. */
const HEAD_BYTES = 800;
const RECORD_BYTES = 16_384;
const RECORD_OVERHEAD_BYTES = 22;

export interface Egress {
  /** Bytes on the wire so far: heads, bodies and the overhead of TLS. */
  readonly bytes: Readonly<Record<TrafficClass, number>>;
  /** True if nothing is paced or rejected. */
  readonly isUnlimited: boolean;
  /** Bits per second for viewers; undefined means no limit. */
  readonly viewersLimitBps: number | undefined;
  /** True if nothing is left of today's budget. */
  readonly isUsedUp: boolean;
  /** Counts bytes that were written without a slot. */
  count(kind: TrafficClass, bytes: number): void;
  /** Why a response with this many body bytes may not start now; undefined if it may. */
  check(kind: TrafficClass, bytes: number, isUrgent: boolean): Problem | undefined;
  /** Accounts for one response on this socket, from its head to its end. */
  open(kind: TrafficClass, socket: Socket): EgressSlot;
  /**
   * Accounts for a small response that is sent in one piece, without a permit. The responses after it pay for it.
   *
   * @returns why it may not be sent now, or the function to call when it was sent
   */
  admit(kind: TrafficClass, socket: Socket, bodyBytes: number): Problem | (() => void);
  stop(): Promise<void>;
}

/** The share of one response in the uplink. */
export interface EgressSlot {
  /** Queues for permits to write; undefined if the uplink is not paced. Stays queued until a write returns 0. */
  readonly schedule: ((write: PacedWrite) => void) | undefined;
  /** True if bytes may only be passed to the connection as it takes them, because each one uses a budget. */
  readonly isLimited: boolean;
  /** This many body bytes will follow. */
  reserve(bytes: number): void;
  /** Body bytes were passed to the connection. */
  noteSent(bytes: number): void;
  /** The client accepts no bytes at the moment. The bytes that it is owed use nothing of the link until it does. */
  pause(): void;
  /** The client accepts bytes again. Returns false if the day's budget no longer covers them: the response must end. */
  resume(): boolean;
  close(): void;
}

export const isTls = (socket: Socket): boolean => 'encrypted' in socket;

/**
 * The most bytes that are passed to a TLS connection at once. TLS copies all of them, and beyond the processor's caches that
 * costs twice as much (docs/benchmarks.md).
 */
export const MAX_TLS_WRITE_BYTES = 256 * 1_024;

/** The bytes that TLS 1.3 adds: a header, a type and a tag for each record (RFC 8446, section 5.2). 0 without TLS. */
export const tlsOverheadBytes = (socket: Socket, bytes: number): number =>
  isTls(socket) ? Math.ceil(Math.max(0, bytes) / RECORD_BYTES) * RECORD_OVERHEAD_BYTES : 0;

/** How much of a connection's traffic was counted. */
interface Account {
  wire: number;
  bodies: number;
}

/** The state that all slots share. */
interface Ledger {
  /** Bytes that were reserved and not sent yet, except those of clients that accept none. */
  readonly reserved: Record<TrafficClass, number>;
  readonly accounts: WeakMap<Socket, Account>;
  readonly schedules: Readonly<Record<TrafficClass, EgressSlot['schedule']>>;
  readonly isLimited: boolean;
  readonly count: Egress['count'];
  readonly day: DayBudget | undefined;
  readonly pacer: Pacer | undefined;
}

function openSlot(ledger: Ledger, kind: TrafficClass, socket: Socket): EgressSlot {
  const { reserved, accounts, schedules, isLimited, count, day, pacer } = ledger;
  let account = accounts.get(socket);
  if (!account) {
    account = { wire: socket.bytesWritten, bodies: 0 };
    accounts.set(socket, account);
  }
  let unsent = 0;
  let isOpen = true;
  let isPaused = false;
  return {
    schedule: schedules[kind],
    isLimited,
    reserve(bodyBytes) {
      unsent += bodyBytes;
      if (!isPaused) reserved[kind] += bodyBytes;
    },
    noteSent(bodyBytes) {
      account.bodies += bodyBytes;
      count(kind, bodyBytes);
      unsent -= bodyBytes;
      if (!isPaused) reserved[kind] -= bodyBytes;
    },
    pause() {
      if (isPaused || !isOpen) return;
      isPaused = true;
      reserved[kind] -= unsent;
    },
    resume() {
      if (!isPaused || !isOpen) return true;
      isPaused = false;
      reserved[kind] += unsent;
      return day === undefined || day.leftBytes >= reserved.viewers + reserved.fills;
    },
    close() {
      if (!isOpen) return;
      isOpen = false;
      if (!isPaused) reserved[kind] -= unsent;
      // Heads and TLS. Negative if the connection ended before all bytes of the body had left.
      const written = socket.bytesWritten - account.wire;
      const overhead = written - account.bodies + tlsOverheadBytes(socket, written);
      account.wire = socket.bytesWritten;
      account.bodies = 0;
      count(kind, overhead);
      pacer?.charge(kind, overhead);
    },
  };
}

export function createEgress(limits: PacerLimits, day: DayBudget | undefined): Egress {
  const { linkBps, viewersBps, fillsBps } = limits;
  const isPaced = linkBps !== undefined || viewersBps !== undefined || fillsBps !== undefined;
  const pacer = isPaced ? new Pacer(limits) : undefined;
  const bytes: Record<TrafficClass, number> = { viewers: 0, fills: 0 };
  const reserved: Record<TrafficClass, number> = { viewers: 0, fills: 0 };
  const schedules: Readonly<Record<TrafficClass, EgressSlot['schedule']>> = {
    viewers: pacer && (write => pacer.enqueue('viewers', write)),
    fills: pacer && (write => pacer.enqueue('fills', write)),
  };
  const limitOf = (kind: TrafficClass): number | undefined => {
    const own = kind === 'viewers' ? viewersBps : fillsBps;
    return own === undefined ? linkBps : Math.min(own, linkBps ?? own);
  };

  function count(kind: TrafficClass, wireBytes: number): void {
    bytes[kind] += wireBytes;
    day?.use(wireBytes);
  }

  /** Seconds until the reserved bytes are sent. */
  function waitS(kind: TrafficClass): number {
    const limit = limitOf(kind);
    const ofClass = limit === undefined ? 0 : (reserved[kind] * 8) / limit;
    const ofLink = linkBps === undefined ? 0 : ((reserved.viewers + reserved.fills) * 8) / linkBps;
    return Math.max(ofClass, ofLink) + (pacer?.debtMs(kind) ?? 0) / 1_000;
  }

  const ledger: Ledger = {
    reserved,
    accounts: new WeakMap(),
    schedules,
    isLimited: isPaced || day !== undefined,
    count,
    day,
    pacer,
  };
  const open: Egress['open'] = (kind, socket) => openSlot(ledger, kind, socket);

  const check: Egress['check'] = (kind, bodyBytes, isUrgent) => {
    if (day && day.leftBytes < reserved.viewers + reserved.fills + bodyBytes + HEAD_BYTES)
      return budgetUsed(day.secondsLeft);
    const waiting = waitS(kind);
    const limit = limitOf(kind);
    const addedS = limit === undefined ? 0 : (bodyBytes * 8) / limit;
    // An idle link accepts any response, however long it takes.
    const isFull = waiting > 0 && waiting + addedS > (isUrgent ? MAX_WAIT_S : MAX_WAIT_IDLE_S);
    return isFull ? linkFull(Math.max(1, Math.ceil(waiting / 2))) : undefined;
  };

  return {
    bytes,
    isUnlimited: !isPaced && day === undefined,
    viewersLimitBps: limitOf('viewers'),
    get isUsedUp() {
      return day !== undefined && day.leftBytes <= HEAD_BYTES;
    },
    count,
    check,
    admit(kind, socket, bodyBytes) {
      const refusal = check(kind, bodyBytes, false);
      if (refusal) return refusal;
      const slot = open(kind, socket);
      slot.reserve(bodyBytes);
      slot.noteSent(bodyBytes);
      pacer?.charge(kind, bodyBytes);
      return slot.close;
    },
    open,
    async stop() {
      pacer?.stop();
      await day?.stop();
    },
  };
}
