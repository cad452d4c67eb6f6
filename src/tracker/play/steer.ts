/** Responds to a player during playback: the steering manifest, for HLS and for DASH. */
import { parseAddress } from '../../kernel/network.ts';
import { problem } from '../../kernel/problem.ts';
import type { SiteId, VideoId } from '../../protocol/base/ids.ts';
import type { SteeringManifest } from '../../protocol/tracker.ts';
import { addressOf, type RawRequest, trackerUrlFor } from '../client/client.ts';
import { type CredentialsDeps, credentialsOf } from '../client/house-networks.ts';
import { readPlayer } from '../client/player.ts';
import type { Sessions } from '../client/sessions.ts';
import type { Viewers } from '../client/viewers.ts';
import type { TrackerConfig } from '../config.ts';
import type { ReportIngestion } from '../reports/report-ingestion.ts';
import { chooseTtl, formatSteerUri, makeManifest } from '../steering/manifest.ts';
import { orderForSession, rankingOf, type UpMsOf } from '../steering/order.ts';
import {
  cloneRefusedPathways,
  clonesOf,
  type Pathway,
  pathwayIdsInOrder,
  pathwayOf,
} from '../steering/pathways.ts';
import type { Plays } from '../sync/plays.ts';
import type { Decider } from './decide.ts';
import { MAX_PATHWAYS, readSteeringQuery } from './steering-query.ts';

export interface SteerDeps extends CredentialsDeps {
  readonly config: Pick<TrackerConfig, 'baseUrl' | 'hosts' | 'trustClientParameter' | 'trustedProxies'>;
  readonly decider: Pick<Decider, 'steer'>;
  readonly plays: Pick<Plays, 'recordSession'>;
  readonly viewers: Pick<Viewers, 'at'>;
  readonly sessions: Sessions;
  readonly ingestion: Pick<ReportIngestion, 'steeringReport'>;
  /** The active sites, for a player that does not name its pathways. */
  readonly activeSites: () => readonly SiteId[];
  readonly baseUrlOf: (site: SiteId) => string | undefined;
  readonly upMsOf: UpMsOf;
}

/** `query` is not validated yet. @throws Problem 410 `video-withdrawn`, 503 `no-source` */
export type Steer = (video: VideoId, query: unknown, raw: RawRequest) => SteeringManifest;

export function createSteer(deps: SteerDeps): Steer {
  const { config, decider, viewers, sessions, ingestion, plays } = deps;
  return (video, unknownQuery, raw) => {
    const query = readSteeringQuery(unknownQuery);
    const isClaimed = config.trustClientParameter && query.client !== undefined && parseAddress(query.client);
    const claimedAddress = isClaimed ? query.client : undefined;
    const address = addressOf(raw, claimedAddress, config);
    const client = viewers.at(address);
    const credentials = credentialsOf(raw, address, query.grant, deps);
    const listed =
      query.pathways.length > 0 ? query.pathways : deps.activeSites().slice(0, MAX_PATHWAYS).map(pathwayOf);
    const [first] = listed;
    if (!first) {
      throw problem('no-source', 'No site is known here yet. Try again in a moment.', {
        headers: { 'retry-after': '2' },
      });
    }
    const nowMs = Date.now();
    const prefix = client.network?.prefix;
    // An unknown session is replaced by a new one.
    const known = sessions.find(query.session, prefix, nowMs);
    const session = known ?? sessions.start(prefix ?? '', nowMs);
    if (!known) sessions.remember(session);
    ingestion.steeringReport(session, client, query, nowMs);
    // Only hls.js needs clones and supports them; no DASH player avoids a service location for long.
    const pathways =
      query.isDash || readPlayer(raw) !== 'script'
        ? listed.map(({ site }) => pathwayOf(site))
        : cloneRefusedPathways(listed, query.current, session);
    const sites = pathways.map(({ site }) => site);
    session.primary ??= first.site;
    const decision = decider.steer(video, { client, credentials }, sites);
    if (known && !known.isCounted && decision.isKnown) {
      plays.recordSession(known, { video, prefix, userAgent: raw.headers['user-agent'] }, nowMs);
    }
    const ranking = rankingOf(decision, nowMs, deps.upMsOf);
    const current = query.current ?? session.current;
    const order = orderForSession(session, { ranking, sites, current }, nowMs);
    const reloadUri = formatSteerUri(trackerUrlFor(raw, config), {
      video,
      session: session.id,
      pathways: primaryFirst(pathways, session.primary).map(({ id }) => id),
      client: claimedAddress,
      grant: query.grant,
    });
    return makeManifest(
      pathwayIdsInOrder(order, pathways),
      chooseTtl(ranking, sites, query.current === undefined || query.current === order[0]),
      reloadUri,
      clonesOf(pathways, deps.baseUrlOf),
    );
  };
}

const primaryFirst = (pathways: readonly Pathway[], primary: SiteId | undefined): readonly Pathway[] => [
  ...pathways.filter(({ site }) => site === primary),
  ...pathways.filter(({ site }) => site !== primary),
];
