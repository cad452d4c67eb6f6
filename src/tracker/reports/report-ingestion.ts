/**
 * What players and sites report becomes memory and evidence here, and nowhere else. Believed is a session that this tracker
 * gave, of sites that it knows, at a bounded pace; everything else is passed over in silence.
 */
import type { SiteId } from '../../protocol/ids.ts';
import type { BeaconResult } from '../../protocol/tracker.ts';
import { hashText } from '../choice/sites.ts';
import type { Session } from '../client/sessions.ts';
import type { Asker } from '../client/viewers.ts';
import { segmentThroughput } from './sample-throughput.ts';
import type { Observation } from '../memory/cell.ts';
import { readEvents } from './cmcd.ts';
import type { NetworkMemory, Summary } from '../memory/network-memory.ts';
import type { SiteEvidence } from './site-evidence.ts';
import { Tally } from './rolling-counter.ts';

/** A player's running estimate lags behind, and mixes sites after a move; a segment's own figures do neither. */
const ESTIMATE_WEIGHT = 0.6;
const SEGMENT_WEIGHT = 1;
const SAMPLE_WEIGHT = 0.5;
/** A site's word for its viewers. */
const SITE_WEIGHT = 0.3;
const MAX_SENT = 50_000;
const SENT_MS = 6 * 3_600_000;
/** No rate, but what some players tell when nothing came: video.js says 1. */
const LEAST_BPS = 8_000;
/** So long after a move the estimate is still of the site before. */
const MIXED_MS = 4_000;
/** How often one session is heard within a second. */
const MOST_WORDS_A_SECOND = 8;

export interface SteeringReport {
  /** The pathway the player is on, as far as it says. */
  readonly current: SiteId | undefined;
  /** Throughput by pathway, in the order reported. */
  readonly throughputs: readonly { readonly site: SiteId; readonly bps: number }[];
}

export interface Learning {
  steered(session: Session, asker: Asker, report: SteeringReport, nowMs: number): void;
  /** A body of type `application/cmcd`. */
  events(session: Session, asker: Asker, body: string, nowMs: number): void;
  /** By a site, of a viewer that was sent to it. */
  told(site: SiteId, asker: Asker, bps: number, nowMs: number): void;
  /** By another tracker, of its viewers. */
  heard(summary: Summary, nowMs: number): void;
  /** A viewer was given a session: from now on a site may speak for it. */
  noteSent(asker: Asker, nowMs: number): void;
  beacon(
    session: Session,
    asker: Asker,
    current: SiteId | undefined,
    results: readonly BeaconResult[],
    nowMs: number,
  ): void;
}

export interface LearningMeans {
  readonly memory: NetworkMemory;
  readonly evidence: SiteEvidence;
  readonly isSite: (site: SiteId) => boolean;
  /** The site of this host and port. */
  readonly siteAt: (host: string) => SiteId | undefined;
  readonly isUp: (site: SiteId) => boolean;
  /** Viewers' word on this site may have changed; `failed`: for the worse. */
  readonly onEvidence: (site: SiteId, failed: boolean) => void;
}

export function createLearning(means: LearningMeans): Learning {
  const { memory, evidence } = means;
  const sent = new Tally(MAX_SENT, SENT_MS);

  function tell(site: SiteId, prefix: string, failed: boolean, atMs: number): void {
    if (evidence.note(site, hashText(prefix), failed, atMs)) means.onEvidence(site, failed);
  }
  function note(asker: Asker, observation: Observation, nowMs: number): void {
    const { where, who } = asker;
    if (!where || who === undefined || !means.isSite(observation.site)) return;
    memory.note(where, who, observation, nowMs);
    const failed = observation.failed ?? false;
    if (!failed && observation.bps === undefined) return;
    tell(observation.site, where.prefix, failed, nowMs);
  }
  function noteWhere(session: Session, asker: Asker, current: SiteId | undefined, nowMs: number): void {
    const { current: before, told } = session;
    if (current === undefined || current === before) return;
    session.current = current;
    if (before === undefined) return;
    session.movedAtMs = nowMs;
    // It was where it should be, that site is up, and yet it went elsewhere: it did so for a reason.
    if (before !== told || !means.isUp(before)) return;
    note(asker, { site: before, failed: true, weight: SEGMENT_WEIGHT }, nowMs);
    session.departures++;
  }
  function maySpeak(session: Session, nowMs: number): boolean {
    if (nowMs - session.heardAtMs >= 1_000) {
      session.heardAtMs = nowMs;
      session.words = 0;
    }
    return session.words++ < MOST_WORDS_A_SECOND;
  }

  return {
    noteSent({ where, who }, nowMs) {
      if (where && who !== undefined) sent.add(who, nowMs);
    },
    told(site, asker, bps, nowMs) {
      const { where, who } = asker;
      if (!where || who === undefined || !sent.has(who, nowMs)) return;
      // A site may say that it serves badly; that it serves better than a viewer was ever served, the viewer has to say.
      const line = memory.lineOf(where, who, nowMs);
      const believed = line === undefined ? undefined : Math.min(bps, Math.exp(line));
      if (believed !== undefined) note(asker, { site, bps: believed, weight: SITE_WEIGHT }, nowMs);
    },
    heard({ site, prefix, ageMs, failedAgoMs }, nowMs) {
      if (!means.isSite(site)) return;
      const failed = failedAgoMs !== undefined;
      tell(site, prefix, failed, nowMs - (failedAgoMs ?? ageMs));
    },
    steered(session, asker, { current, throughputs }, nowMs) {
      if (!maySpeak(session, nowMs)) return;
      noteWhere(session, asker, current, nowMs);
      // The first figure is a player's default.
      if (session.asked++ === 0 || nowMs - session.movedAtMs < MIXED_MS) return;
      for (const { site, bps } of throughputs) {
        const told = bps < LEAST_BPS ? { failed: true } : { bps };
        note(asker, { site, ...told, weight: ESTIMATE_WEIGHT }, nowMs);
      }
    },
    events(session, asker, body, nowMs) {
      if (!maySpeak(session, nowMs)) return;
      for (const { host, bps, failed } of readEvents(body)) {
        const site = means.siteAt(host);
        if (site && (failed || bps !== undefined))
          note(asker, { site, bps, failed, weight: SEGMENT_WEIGHT }, nowMs);
      }
    },
    beacon(session, asker, current, results, nowMs) {
      if (!maySpeak(session, nowMs)) return;
      noteWhere(session, asker, current, nowMs);
      for (const result of results) {
        const { site, kind, rttMs, bps, failed } = result;
        if (kind === 'segment') {
          note(asker, { site, bps, failed, weight: SEGMENT_WEIGHT }, nowMs);
        } else {
          const expected =
            rttMs !== undefined && bps !== undefined ? segmentThroughput(rttMs, bps) : undefined;
          note(asker, { site, bps: expected, rttMs, failed, weight: SAMPLE_WEIGHT }, nowMs);
        }
      }
    },
  };
}
