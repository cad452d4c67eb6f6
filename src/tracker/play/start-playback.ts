/**
 * Starts a playback: decides, renders the response, and then records the start. This is the only place where a start has side
 * effects. They happen once, after rendering, so a request that fails leaves no trace.
 */
import type { SiteId } from '../../protocol/base/ids.ts';
import type { PlayResponse } from '../../protocol/tracker.ts';
import type { TrackerAudit } from '../audit/audit.ts';
import type { Session, Sessions } from '../client/sessions.ts';
import type { NetworkMemory } from '../memory/network-memory.ts';
import type { ReportIngestion } from '../reports/report-ingestion.ts';
import type { Decider, OfferedSite, PlayDecision } from './decide.ts';
import type { PlayRequest } from './request.ts';

export interface Playback {
  readonly decision: PlayDecision;
  /** The offered sites, best first. */
  readonly sites: readonly [OfferedSite, ...OfferedSite[]];
  /** The same sites, the primary one first. If the decision explores, the primary site is the best known one. */
  readonly pathways: readonly SiteId[];
  readonly session: Session;
  /** The site that created the video's bytes, and the key that signs them. */
  readonly origin: NonNullable<PlayResponse['origin']>;
}

/**
 * Returns what `render` returns. A request that continues a session is not counted again.
 *
 * @throws Problem like `Decider.play`, and what `render` throws
 */
export type StartPlayback = <Body extends string | Promise<string>>(
  request: PlayRequest,
  render: (playback: Playback) => Body,
) => Body;

export interface StartDeps {
  readonly decider: Pick<Decider, 'play' | 'sites' | 'origin' | 'recordPlayed' | 'recordAssignment'>;
  readonly sessions: Pick<Sessions, 'find' | 'start'>;
  readonly memory: Pick<NetworkMemory, 'recordViewer'>;
  readonly ingestion: Pick<ReportIngestion, 'recordAssignment'>;
  readonly audit: Pick<TrackerAudit, 'recordWatch'>;
}

export function createStartPlayback(deps: StartDeps): StartPlayback {
  const { decider, sessions } = deps;

  function prepare({ video, client, credentials }: PlayRequest, session: Session): Playback {
    const decision = decider.play(video, { client, credentials }, session.sessionRandom);
    const sites = decider.sites(decision);
    const ids = sites.map(({ site }) => site);
    const [explored, primary, ...others] = ids;
    const isExplored = decision.isExploring && explored !== undefined && primary !== undefined;
    const pathways = isExplored ? [primary, explored, ...others] : ids;
    return { decision, sites, pathways, session, origin: decider.origin(decision.video) };
  }

  function record(request: PlayRequest, playback: Playback, isNew: boolean): void {
    const { client } = request;
    const { decision, sites } = playback;
    decider.recordPlayed(decision);
    if (isNew && decision.access) deps.audit.recordWatch(request);
    const { network } = client;
    if (!isNew || !network) return;
    const nowMs = Date.now();
    decider.recordAssignment(decision, sites[0].site);
    deps.memory.recordViewer(network, nowMs);
    deps.ingestion.recordAssignment(client, nowMs);
  }

  return <Body extends string | Promise<string>>(
    request: PlayRequest,
    render: (playback: Playback) => Body,
  ): Body => {
    const nowMs = Date.now();
    const prefix = request.client.network?.prefix;
    const known = sessions.find(request.sessionId, prefix, nowMs);
    const playback = prepare(request, known ?? sessions.start(prefix ?? '', nowMs));
    const body = render(playback);
    if (typeof body === 'string') {
      record(request, playback, known === undefined);
      return body;
    }
    return body.then(text => {
      record(request, playback, known === undefined);
      return text;
    }) as Body;
  };
}
