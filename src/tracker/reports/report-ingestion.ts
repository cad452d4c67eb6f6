/**
 * The only place that turns reports from players, sites and other trackers into samples and evidence. It accepts reports with a
 * session that a tracker issued, about known sites, at a bounded rate. All other reports are ignored.
 */
import type { SiteId } from '../../protocol/base/ids.ts';
import type { BeaconResult } from '../../protocol/tracker.ts';
import { hashText } from '../choice/sites.ts';
import type { Client } from '../client/client.ts';
import type { Session } from '../client/sessions.ts';
import type { MeasurementSummary, NetworkMemory, Sample, ViewerNetwork } from '../memory/network-memory.ts';
import { readEvents } from './cmcd.ts';
import { RollingCounter } from './rolling-counter.ts';
import { segmentThroughput } from './sample-throughput.ts';
import type { SiteEvidence } from './site-evidence.ts';

/** A player's running estimate lags, and mixes two sites after a switch. The measurements of a segment do neither. */
const ESTIMATE_WEIGHT = 0.6;
const SEGMENT_WEIGHT = 1;
const SAMPLE_WEIGHT = 0.5;
/** For a site's report on its own viewers. */
const SITE_WEIGHT = 0.3;
const MAX_ASSIGNED = 50_000;
const ASSIGNED_MS = 6 * 3_600_000;
/** A lower rate is no measurement: some players report one if they received nothing (video.js reports 1). */
const MIN_BPS = 8_000;
/** For this time after a switch, a player's estimate still includes the previous site. */
const MIXED_MS = 4_000;
const MAX_REPORTS_PER_SECOND = 8;
/** Sites of one session that its browser blocks. */
const MAX_BLOCKED = 16;

export interface SteeringReport {
  /** The pathway that the player uses, if it names one. */
  readonly current: SiteId | undefined;
  /** Throughput by pathway, in the order reported. */
  readonly throughputs: readonly { readonly site: SiteId; readonly bps: number }[];
}

export interface ReportIngestion {
  steeringReport(session: Session, client: Client, report: SteeringReport, nowMs: number): void;
  /** A body of type `application/cmcd`. */
  cmcdEvents(session: Session, client: Client, body: string, nowMs: number): void;
  /** The report of our own player: the site that serves it, and its measurements. */
  beacon(session: Session, client: Client, beacon: BeaconReport, nowMs: number): void;
  /** A site's report on the throughput of a client that was assigned to it. */
  siteReport(site: SiteId, client: Client, bps: number, nowMs: number): void;
  /** Evidence from another tracker. */
  peerMeasurement(summary: MeasurementSummary, nowMs: number): void;
  /** Records that a client was assigned a site: from now on a site may report on it. */
  recordAssignment(client: Client, nowMs: number): void;
}

export interface BeaconReport {
  readonly current: SiteId | undefined;
  readonly results: readonly BeaconResult[];
}

export interface ReportIngestionDeps {
  readonly memory: NetworkMemory;
  readonly evidence: SiteEvidence;
  readonly isSite: (site: SiteId) => boolean;
  /** Finds the site with this host and port. */
  readonly siteAt: (host: string) => SiteId | undefined;
  readonly isUp: (site: SiteId) => boolean;
  /** The share of failures at this site may have changed. `failed`: because of a failure. */
  readonly onEvidence: (site: SiteId, failed: boolean) => void;
}

export function createReportIngestion(deps: ReportIngestionDeps): ReportIngestion {
  const { memory, evidence } = deps;
  const assigned = new RollingCounter(MAX_ASSIGNED, ASSIGNED_MS);

  function recordOutcome(site: SiteId, network: ViewerNetwork, failed: boolean, atMs: number): void {
    const reporting = { prefix: hashText(network.prefix), wider: hashText(network.widerNetwork) };
    if (evidence.record(site, reporting, failed, atMs)) deps.onEvidence(site, failed);
  }
  function record({ network, reporterId }: Client, sample: Sample, nowMs: number): void {
    if (!network || reporterId === undefined || !deps.isSite(sample.site)) return;
    memory.record(network, reporterId, sample, nowMs);
    const failed = sample.failed ?? false;
    if (!failed && sample.bps === undefined) return;
    recordOutcome(sample.site, network, failed, nowMs);
  }
  function recordCurrent(session: Session, client: Client, current: SiteId | undefined, nowMs: number): void {
    const { current: before, preferred } = session;
    if (current === undefined || current === before) return;
    session.current = current;
    if (before === undefined) return;
    session.switchedAtMs = nowMs;
    // The player used the preferred site, that site is up, and yet the player left it: it counts as a failure.
    if (before !== preferred || !deps.isUp(before)) return;
    record(client, { site: before, failed: true, weight: SEGMENT_WEIGHT }, nowMs);
    session.switches++;
  }
  function recordAccess(session: Session, site: SiteId, isBlocked: boolean): void {
    const others = session.blocked.filter(other => other !== site);
    if (isBlocked) session.blocked = [...others, site].slice(-MAX_BLOCKED);
    else if (others.length < session.blocked.length) session.blocked = others;
  }
  function isWithinRate(session: Session, nowMs: number): boolean {
    if (nowMs - session.reportsSinceMs >= 1_000) {
      session.reportsSinceMs = nowMs;
      session.reports = 0;
    }
    return session.reports++ < MAX_REPORTS_PER_SECOND;
  }

  return {
    recordAssignment({ network, reporterId }, nowMs) {
      if (network && reporterId !== undefined) assigned.add(reporterId, nowMs);
    },
    siteReport(site, client, bps, nowMs) {
      const { network, reporterId } = client;
      if (!network || reporterId === undefined || !assigned.has(reporterId, nowMs)) return;
      // A site may report that it serves badly. Only a viewer can report that it was served better than ever before.
      const accessLink = memory.accessLinkOf(network, reporterId, nowMs);
      if (accessLink === undefined) return;
      record(client, { site, bps: Math.min(bps, Math.exp(accessLink)), weight: SITE_WEIGHT }, nowMs);
    },
    peerMeasurement({ site, ageMs, failedAgoMs, ...network }, nowMs) {
      if (!deps.isSite(site)) return;
      const failed = failedAgoMs !== undefined;
      recordOutcome(site, network, failed, nowMs - (failedAgoMs ?? ageMs));
    },
    steeringReport(session, client, { current, throughputs }, nowMs) {
      if (!isWithinRate(session, nowMs)) return;
      recordCurrent(session, client, current, nowMs);
      // The first value is a player's default estimate.
      if (session.steeringRequests++ === 0 || nowMs - session.switchedAtMs < MIXED_MS) return;
      for (const { site, bps } of throughputs) {
        const outcome = bps < MIN_BPS ? { failed: true } : { bps };
        record(client, { site, ...outcome, weight: ESTIMATE_WEIGHT }, nowMs);
      }
    },
    cmcdEvents(session, client, body, nowMs) {
      if (!isWithinRate(session, nowMs)) return;
      for (const { host, bps, failed } of readEvents(body)) {
        const site = deps.siteAt(host);
        if (site && (failed || bps !== undefined))
          record(client, { site, bps, failed, weight: SEGMENT_WEIGHT }, nowMs);
      }
    },
    beacon(session, client, { current, results }, nowMs) {
      if (!isWithinRate(session, nowMs)) return;
      // After a switch, the last segment is still one of the previous site for some seconds: only a new site is news.
      if (current !== session.lastServed) recordCurrent(session, client, current, nowMs);
      session.lastServed = current ?? session.lastServed;
      for (const { site, kind, rttMs, bps, failed, blocked } of results) {
        recordAccess(session, site, blocked === true);
        // The browser refused the connection, which says nothing about the site.
        if (blocked) continue;
        if (kind === 'segment') {
          record(client, { site, bps, failed, weight: SEGMENT_WEIGHT }, nowMs);
        } else {
          const expected =
            rttMs !== undefined && bps !== undefined ? segmentThroughput(rttMs, bps) : undefined;
          record(client, { site, bps: expected, rttMs, failed, weight: SAMPLE_WEIGHT }, nowMs);
        }
      }
    },
  };
}
