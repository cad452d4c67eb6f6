/**
 * The uplink as a budget: what leaves for viewers and for other sites' fills is counted in bytes on the wire, paced to its
 * limits, and refused *before* the link is full, so that a viewer goes elsewhere instead of waiting in a queue.
 */
import type { Socket } from 'node:net';
import type { Problem } from '../../../kernel/problem.ts';
import { budgetUsed, linkFull } from '../http/problems.ts';
import type { DayBudget } from './day-budget.ts';
import { type PacedWrite, Pacer, type PacerLimits, type TrafficClass } from './pacer.ts';

/**
 * As much may be promised as the link carries in this time: a segment that takes longer than it plays helps no viewer.
 */
const MAX_WAIT_S = 4;
/** What nobody waits for (a fill ahead of its viewers) goes only where the link is nearly idle. */
const MAX_WAIT_IDLE_S = 1;
/** Of a head, where an answer is judged before it is made. */
const HEAD_BYTES = 800;
const RECORD_BYTES = 16_384;
const RECORD_OVERHEAD_BYTES = 22;

export interface Egress {
  /** Bytes on the wire so far: heads, bodies and what TLS adds. */
  readonly bytes: Readonly<Record<TrafficClass, number>>;
  /** Nothing is to be paced or refused. */
  readonly isFree: boolean;
  /** What viewers may have, bits a second; undefined: no limit. */
  readonly viewersLimitBps: number | undefined;
  /** The budget of today has nothing left. */
  readonly isUsedUp: boolean;
  /** Bytes that were written without an outflow. */
  count(kind: TrafficClass, bytes: number): void;
  /** Why an answer of so many bytes may not begin now. */
  check(kind: TrafficClass, bytes: number, isUrgent: boolean): Problem | undefined;
  /** One answer's way out, from its head to its end. */
  open(kind: TrafficClass, socket: Socket): EgressGrant;
  stop(): Promise<void>;
}

export interface EgressGrant {
  readonly isPaced: boolean;
  /** So many body bytes will follow. */
  reserve(bytes: number): void;
  /** Body bytes were handed to the connection. */
  noteSent(bytes: number): void;
  /** Asks for turns to write. Once in the queue it stays there until a turn writes nothing. */
  schedule(turn: PacedWrite): void;
  close(): void;
}

export const isTls = (socket: Socket): boolean => 'encrypted' in socket;

/**
 * What a connection is given to seal at a time. TLS copies all of it: beyond the processor's caches that costs twice as
 * much (docs/benchmarks.md).
 */
export const MAX_TLS_WRITE_BYTES = 256 * 1_024;

/** What TLS 1.3 adds to so many bytes: a header, a type and a tag for each record (RFC 8446, section 5.2). */
export const tlsOverheadBytes = (socket: Socket, bytes: number): number =>
  isTls(socket) ? Math.ceil(Math.max(0, bytes) / RECORD_BYTES) * RECORD_OVERHEAD_BYTES : 0;

/** How much of a connection's traffic is accounted for. */
interface Account {
  wire: number;
  bodies: number;
}

export function createEgress(limits: PacerLimits, day: DayBudget | undefined): Egress {
  const { linkBps, viewersBps, fillsBps } = limits;
  const isPaced = linkBps !== undefined || viewersBps !== undefined || fillsBps !== undefined;
  const pacer = isPaced ? new Pacer(limits) : undefined;
  const bytes: Record<TrafficClass, number> = { viewers: 0, fills: 0 };
  /** Promised and not sent yet. */
  const owed: Record<TrafficClass, number> = { viewers: 0, fills: 0 };
  const accounts = new WeakMap<Socket, Account>();
  const limitOf = (kind: TrafficClass): number | undefined => {
    const own = kind === 'viewers' ? viewersBps : fillsBps;
    return own === undefined ? linkBps : Math.min(own, linkBps ?? own);
  };

  function count(kind: TrafficClass, wireBytes: number): void {
    bytes[kind] += wireBytes;
    day?.use(wireBytes);
  }

  function waitS(kind: TrafficClass): number {
    const own = limitOf(kind);
    const ofClass = own === undefined ? 0 : (owed[kind] * 8) / own;
    const ofLink = linkBps === undefined ? 0 : ((owed.viewers + owed.fills) * 8) / linkBps;
    return Math.max(ofClass, ofLink);
  }

  return {
    bytes,
    isFree: !isPaced && day === undefined,
    viewersLimitBps: limitOf('viewers'),
    get isUsedUp() {
      return day !== undefined && day.leftBytes <= HEAD_BYTES;
    },
    count,
    check(kind, bodyBytes, isUrgent) {
      if (day && day.leftBytes < owed.viewers + owed.fills + bodyBytes + HEAD_BYTES)
        return budgetUsed(day.secondsLeft);
      const waiting = waitS(kind);
      const own = limitOf(kind);
      const addedS = own === undefined ? 0 : (bodyBytes * 8) / own;
      // A link that does nothing takes whatever comes, however long that lasts.
      const isFull = waiting > 0 && waiting + addedS > (isUrgent ? MAX_WAIT_S : MAX_WAIT_IDLE_S);
      return isFull ? linkFull(Math.max(1, Math.ceil(waiting / 2))) : undefined;
    },
    open(kind, socket) {
      let account = accounts.get(socket);
      if (!account) {
        account = { wire: socket.bytesWritten, bodies: 0 };
        accounts.set(socket, account);
      }
      let promised = 0;
      let isOpen = true;
      return {
        isPaced: pacer !== undefined,
        reserve(bodyBytes) {
          promised += bodyBytes;
          owed[kind] += bodyBytes;
        },
        noteSent(bodyBytes) {
          account.bodies += bodyBytes;
          count(kind, bodyBytes);
          promised -= bodyBytes;
          owed[kind] -= bodyBytes;
        },
        schedule: turn => pacer?.enqueue(kind, turn),
        close() {
          if (!isOpen) return;
          isOpen = false;
          owed[kind] -= promised;
          // What went out beside bodies: heads, TLS. Negative where a connection ended with bytes that never left.
          const written = socket.bytesWritten - account.wire;
          const beside = written - account.bodies + tlsOverheadBytes(socket, written);
          account.wire = socket.bytesWritten;
          account.bodies = 0;
          count(kind, beside);
          pacer?.charge(kind, beside);
        },
      };
    },
    async stop() {
      pacer?.stop();
      await day?.stop();
    },
  };
}
