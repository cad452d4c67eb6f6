/**
 * Joins the periods of a clock that restarts or jumps, as in concatenated recordings (pure): each period follows the one before
 * without a gap, and all streams move by the same amount.
 */
import { SourceRejected } from '../../source-rejected.ts';

/** Times are seconds on the container's clock, or NaN. */
export interface ClockedPacket {
  readonly stream: number;
  readonly pts: number;
  readonly dts: number;
  readonly duration: number;
  readonly isKey: boolean;
  /** An edit list hides it; it only serves to decode others. */
  readonly isHidden?: boolean;
}

/** The packets of one track from `firstPacket` on, until the next period. */
export interface ClockPeriod {
  readonly firstPacket: number;
  /** Added to the container's times, this gives seconds from the start of the source. */
  readonly addSeconds: number;
}

/** Times are seconds from the start of the source. */
export interface TrackTimes {
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly packets: number;
  /** Longest time without a packet, inside the track. */
  readonly longestGapSeconds: number;
  /** How to convert the container's times, in the order of the packets. One entry if the clock never jumps. */
  readonly periods: readonly ClockPeriod[];
}

/** A period of the clock, in which all streams use the same time. */
interface Period {
  /** Extent of the presentation. */
  start: number;
  end: number;
  /** How many streams are in this period at the moment. */
  streams: number;
  /** A stream left another period for this one by mistake, and returned: its packets continue the ones before. */
  strayed?: { readonly from: Period; readonly addSeconds: number };
}

interface StreamClock {
  packets: number;
  period: Period | undefined;
  /** Decode time that the next packet should have. */
  expected: number;
  longestGap: number;
  hasKey: boolean;
  /** The periods of this stream, with its own extent in each. */
  readonly visits: { readonly firstPacket: number; readonly period: Period; start: number; end: number }[];
}

/** Decode times that run backwards by more than this come from another period. */
const MAX_BACKWARD_SECONDS = 0.5;
/** If no stream has anything for longer than this, the clock jumped. */
const MAX_FORWARD_SECONDS = 30;
const MAX_PERIODS = 100;

export class PacketClock {
  readonly #streams: ReadonlyMap<number, StreamClock>;
  readonly #periods: Period[] = [];
  readonly #mayJump: boolean;
  #jumpsTooOften = false;

  /** @param mayJump false if the format has an index, so that a jump is a gap that its author made */
  constructor(streams: readonly number[], mayJump: boolean) {
    this.#mayJump = mayJump;
    this.#streams = new Map(
      streams.map(stream => [
        stream,
        { packets: 0, period: undefined, expected: NaN, longestGap: 0, hasKey: false, visits: [] },
      ]),
    );
  }

  add({ stream, pts, dts, duration, isKey, isHidden = false }: ClockedPacket): void {
    const clock = this.#streams.get(stream);
    if (!clock) return;
    const number = clock.packets++;
    const time = Number.isNaN(dts) ? pts : dts;
    if (Number.isNaN(time)) return;
    const period = this.#choosePeriod(clock, time);
    if (clock.period !== period) {
      if (clock.period) clock.period.streams--;
      period.streams++;
      clock.period = period;
      clock.expected = NaN;
      clock.visits.push({ firstPacket: number, period, start: Infinity, end: -Infinity });
    }
    clock.longestGap = Math.max(clock.longestGap, time - clock.expected || 0);
    clock.expected = time + duration;
    // Frames before the first key frame are not shown.
    clock.hasKey ||= isKey;
    if (!clock.hasKey || isHidden) return;
    const shown = Number.isNaN(pts) ? dts : pts;
    for (const extent of [period, clock.visits.at(-1)]) {
      if (!extent) continue;
      extent.start = Math.min(extent.start, shown);
      extent.end = Math.max(extent.end, shown + duration);
    }
  }

  #choosePeriod(clock: StreamClock, time: number): Period {
    const { period, expected } = clock;
    const last = this.#periods.at(-1);
    if (period && (!this.#mayJump || isNear(time, expected, period))) return period;
    if (!period && last && (!this.#mayJump || isNear(time, last.start, last))) return last;
    // Other streams may have jumped before, or this stream's last packet was damaged and the others have not jumped.
    const found = this.#periods.findLast(
      other => other !== period && other.streams > 0 && isNear(time, other.start, other),
    );
    if (found) {
      if (period && this.#periods.indexOf(found) < this.#periods.indexOf(period) && period.streams === 1)
        markStrayed(clock, period, found);
      return found;
    }
    if (last && this.#periods.length === MAX_PERIODS) {
      this.#jumpsTooOften = true;
      return last;
    }
    const opened: Period = { start: Infinity, end: -Infinity, streams: 0 };
    this.#periods.push(opened);
    return opened;
  }

  /**
   * @param earliest on the container's clock; whatever comes before is not shown
   * @throws SourceRejected if the clock jumps too often
   */
  finish(earliest = -Infinity): {
    readonly startSeconds: number;
    readonly periodCount: number;
    readonly tracks: ReadonlyMap<number, TrackTimes>;
  } {
    if (this.#jumpsTooOften) throw jumpsTooOften();
    const used = this.#periods.filter(({ end }) => end > -Infinity);
    const startSeconds = Math.max(earliest, used.find(({ strayed }) => !strayed)?.start ?? 0);
    const additions = new Map<Period, number>();
    let joinedEnd = 0;
    for (const period of used) {
      if (period.strayed) continue;
      const start = Math.max(earliest, period.start);
      additions.set(period, joinedEnd - start);
      joinedEnd += period.end - start;
    }
    const additionOf = (period: Period): number =>
      additions.get(period) ??
      (period.strayed ? period.strayed.addSeconds + additionOf(period.strayed.from) : -startSeconds);
    const tracks = new Map<number, TrackTimes>();
    for (const [stream, { packets, longestGap, visits }] of this.#streams) {
      const shown = visits.filter(({ end }) => end > -Infinity);
      if (shown.length === 0) continue;
      tracks.set(stream, {
        packets,
        longestGapSeconds: longestGap,
        startSeconds: Math.max(0, Math.min(...shown.map(({ start, period }) => start + additionOf(period)))),
        endSeconds: Math.max(...shown.map(({ end, period }) => end + additionOf(period))),
        periods: visits.map(({ firstPacket, period }) => ({ firstPacket, addSeconds: additionOf(period) })),
      });
    }
    return { startSeconds, periodCount: used.length, tracks };
  }
}

/** True if a packet at `time` continues a stream whose next packet is expected at `expected`. */
const isNear = (time: number, expected: number, { end }: Period): boolean =>
  time > expected - MAX_BACKWARD_SECONDS && time < Math.max(expected, end) + MAX_FORWARD_SECONDS;

function markStrayed(clock: StreamClock, period: Period, from: Period): void {
  const [before, visit] = clock.visits.slice(-2);
  if (before?.period !== from || visit?.period !== period) return;
  period.strayed = { from, addSeconds: before.end - visit.start };
}

const jumpsTooOften = (): SourceRejected =>
  new SourceRejected(
    'structure-unsupported',
    `The clock of this recording jumps more than ${MAX_PERIODS} times, so its frames cannot be put into an order. Export it again with a video editor, and upload the new file.`,
  );
