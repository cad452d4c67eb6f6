/** Composes the calls of players: start, steering, redirect and relay, and their fast path. */
import type { Http } from '../../kernel/http/server.ts';
import type { Recipient } from '../../kernel/http/signed-requests.ts';
import type { Lifetime } from '../../kernel/lifecycle/lifetime.ts';
import type { Log } from '../../kernel/log.ts';
import type { SiteId, VideoId } from '../../protocol/base/ids.ts';
import type { TrackerAudit } from '../audit/audit.ts';
import type { CredentialsDeps } from '../client/house-networks.ts';
import type { PrivateAccess } from '../client/private-access.ts';
import type { Sessions } from '../client/sessions.ts';
import type { Viewers } from '../client/viewers.ts';
import type { TrackerConfig } from '../config.ts';
import type { NetworkMemory } from '../memory/network-memory.ts';
import type { ProbeFiles } from '../probing/probe-files.ts';
import type { Probes } from '../probing/probes.ts';
import type { BaseUrls } from '../registry/base-urls.ts';
import type { Registry } from '../registry/registry.ts';
import type { ReportIngestion } from '../reports/report-ingestion.ts';
import type { Plays } from '../sync/plays.ts';
import { createDecider, type Decider } from './decide.ts';
import { serveDownload } from './download.ts';
import type { PlayFastPath } from './fast-path.ts';
import { createInstrument } from './instrument.ts';
import { serveNearest } from './nearest.ts';
import type { LiveRankingState } from './ranking-state.ts';
import { serveRedirectAndRelay } from './redirect-and-relay.ts';
import { createRenderSources } from './render/sources.ts';
import { createPlayResponses } from './responses.ts';
import { servePlay, serveSteer } from './routes.ts';
import { createStartPlayback } from './start-playback.ts';
import { createSteer } from './steer.ts';
import { createTimelines } from './timelines.ts';

export interface PlayerCallsDeps extends CredentialsDeps {
  readonly config: TrackerConfig;
  readonly registry: Registry;
  readonly baseUrls: BaseUrls;
  readonly rankingState: LiveRankingState;
  readonly privateAccess: PrivateAccess;
  readonly audit: Pick<TrackerAudit, 'recordWatch'>;
  readonly partialHolders: (video: VideoId) => readonly SiteId[];
  readonly probeFiles: Pick<ProbeFiles, 'addPlayed'>;
  /** A sentence while the feed has not been read. */
  readonly notReadyReason: () => string | undefined;
  readonly viewers: Viewers;
  readonly sessions: Sessions;
  readonly memory: NetworkMemory;
  readonly ingestion: ReportIngestion;
  readonly probes: Probes;
  readonly plays: Pick<Plays, 'recordSession' | 'recordRelayed'>;
  readonly fastPath: PlayFastPath;
  /** This tracker as the recipient of requests that sites sign. */
  readonly recipient: Recipient;
  readonly log: Log;
}

/** @returns the decider, which explanations and the players' reports use, too. */
export function servePlayerCalls({ app, metrics }: Http, deps: PlayerCallsDeps, lifetime: Lifetime): Decider {
  const { registry, baseUrls, probes, fastPath } = deps;
  const decider = createDecider({ ...deps, onPlayed: deps.probeFiles.addPlayed });
  const timelines = createTimelines();
  lifetime.add('timelines', timelines.stop);
  const instrument = createInstrument(metrics);
  const responses = createPlayResponses({
    decider,
    timelines,
    startPlayback: createStartPlayback({ ...deps, decider }),
    renderSources: createRenderSources(registry, probes),
  });
  const steer = createSteer({
    ...deps,
    decider,
    baseUrlOf: baseUrls.of,
    upMsOf: probes.upMsOf,
    activeSites: () => registry.sites.filter(({ active }) => active).map(({ site }) => site),
  });
  servePlay(app, { ...deps, instrument, responses });
  serveSteer(app, { instrument, steer });
  serveNearest(app, deps);
  serveDownload(app, { ...deps, decider, instrument });
  serveRedirectAndRelay(app, { ...deps, decider, timelines, instrument });
  fastPath.enable({ ...deps, instrument, responses, steer });
  return decider;
}
