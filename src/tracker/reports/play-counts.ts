/**
 * Counts plays: sessions that a tracker has answered and whose player then asks for a steering manifest, reports segments or fetches
 * them through the relay. A session counts once, however many requests it makes. Bounded in memory. No I/O; time is an argument.
 */
import type { VideoId } from '../../protocol/base/ids.ts';
import { hashText } from '../choice/sites.ts';
import type { Session } from '../client/sessions.ts';
import { RollingCounter } from './rolling-counter.ts';

/** A player that continues at another tracker later than this is not counted there, too. */
const MAX_SESSION_AGE_MS = 600_000;
/** Sessions that a restart remembers, so that none of them is counted again. Enough for 33 plays per second. */
const MAX_SESSIONS = 20_000;
const MARK_CHARACTERS = 10;
/** Plays of one video from one network in one to two hours: one viewer must not make a video popular by reloading it. */
const MAX_PER_NETWORK = 100;
const NETWORK_MS = 3_600_000;
const MAX_REMEMBERED = 50_000;
/** A viewer without a session counts again after such a pause. */
const RELAYED_MS = 4 * 3_600_000;
/** Plays of further videos are not counted until some of these have been delivered. About 5 MB. */
const MAX_VIDEOS = 50_000;
/** Central counts a delivery in one transaction, which takes a few milliseconds. */
const MAX_DELIVERED_VIDEOS = 200;
const DAY_MS = 86_400_000;
/** Programs that say what they are. Others are limited by `MAX_PER_NETWORK`. */
const BOT = /bot\b|crawl|spider|slurp|preview|externalhit|monitor/i;

export interface Playing {
  readonly video: VideoId;
  /** The network of the viewer; undefined for a member that fills its buffer. */
  readonly prefix: string | undefined;
  readonly userAgent: string | undefined;
}

/** The plays of one day (UTC), as the number of days since 1970. */
export interface DayOfPlays {
  readonly day: number;
  readonly plays: readonly (readonly [VideoId, number])[];
}

/** The content of the counts, for a restart. */
export interface CountedPlays {
  readonly days: readonly DayOfPlays[];
  /** Young sessions that are counted: the end of their id, and their start in milliseconds since 1970. */
  readonly sessions: readonly (readonly [string, number])[];
}

export interface PlayCounts {
  /** A player shows that it plays in this session. The caller has checked that the video exists and may be watched. */
  recordSession(session: Session, playing: Playing, nowMs: number): void;
  /** A player without a session fetches a segment. */
  recordRelayed(playing: Playing, address: string, nowMs: number): void;
  /** Removes a few plays of the oldest day, to deliver them. */
  take(): DayOfPlays | undefined;
  /** The plays that were not taken. */
  list(nowMs: number): CountedPlays;
  /** Increases with every change. */
  readonly version: number;
}

/** @param before the counts of an earlier process */
export function createPlayCounts(before: CountedPlays): PlayCounts {
  const days = new Map<number, Map<VideoId, number>>();
  const networks = new RollingCounter(MAX_REMEMBERED, NETWORK_MS);
  const relayed = new RollingCounter(MAX_REMEMBERED, RELAYED_MS);
  const sessions = new Map(before.sessions);
  let videos = 0;
  let version = 0;

  function add(day: number, video: VideoId, count: number): void {
    const plays = days.get(day) ?? new Map<VideoId, number>();
    const known = plays.get(video);
    if (known === undefined && videos >= MAX_VIDEOS) return;
    if (known === undefined) videos++;
    plays.set(video, (known ?? 0) + count);
    days.set(day, plays);
    version++;
  }
  for (const { day, plays } of before.days) for (const [video, count] of plays) add(day, video, count);

  function record({ video, prefix, userAgent }: Playing, nowMs: number): void {
    if (prefix === undefined || (userAgent !== undefined && BOT.test(userAgent))) return;
    if (networks.add(hashText(prefix, hashText(video)), nowMs) > MAX_PER_NETWORK) return;
    add(Math.floor(nowMs / DAY_MS), video, 1);
  }

  return {
    get version() {
      return version;
    },
    recordSession(session, playing, nowMs) {
      if (session.isCounted) return;
      session.isCounted = true;
      const { startedAtMs } = session;
      const mark = session.id.slice(-MARK_CHARACTERS);
      if (nowMs - startedAtMs > MAX_SESSION_AGE_MS || sessions.has(mark)) return;
      if (sessions.size >= MAX_SESSIONS) sessions.delete(sessions.keys().next().value ?? '');
      sessions.set(mark, startedAtMs);
      record(playing, nowMs);
    },
    recordRelayed(playing, address, nowMs) {
      if (relayed.add(hashText(address, hashText(playing.video)), nowMs) === 1) record(playing, nowMs);
    },
    take() {
      const [day] = [...days.keys()].sort((a, b) => a - b);
      const plays = day === undefined ? undefined : days.get(day);
      if (day === undefined || !plays) return undefined;
      const taken = [...plays].slice(0, MAX_DELIVERED_VIDEOS);
      for (const [video] of taken) plays.delete(video);
      if (plays.size === 0) days.delete(day);
      videos -= taken.length;
      version++;
      return { day, plays: taken };
    },
    list(nowMs) {
      for (const [mark, startedAtMs] of sessions) {
        if (nowMs - startedAtMs > MAX_SESSION_AGE_MS) sessions.delete(mark);
      }
      return {
        days: [...days].map(([day, plays]) => ({ day, plays: [...plays] })),
        sessions: [...sessions],
      };
    },
  };
}
