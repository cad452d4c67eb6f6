/** What players that are playing are told: the steering manifest, for HLS and for DASH (contract: Tracker). */
import { parseAddress } from '../../kernel/network.ts';
import { problem } from '../../kernel/problem.ts';
import type { SiteId, VideoId } from '../../protocol/ids.ts';
import type { SteeringManifest } from '../../protocol/tracker.ts';
import {
  type Asking,
  addressOf,
  MAX_ADDRESS_CHARACTERS,
  MAX_GRANT_CHARACTERS,
  ownUrlOf,
} from '../client/client.ts';
import type { Sessions } from '../client/sessions.ts';
import type { Viewers } from '../client/viewers.ts';
import type { TrackerConfig } from '../config.ts';
import type { Learning, SteeringReport } from '../reports/report-ingestion.ts';
import { chooseTtl, formatSteerUri, makeManifest } from '../steering/manifest.ts';
import { orderFor, standingsOf, type UpMsOf } from '../steering/order.ts';
import {
  clonesOf,
  namesInOrder,
  type Pathway,
  parsePathway,
  pathwayOf,
  renameRefused,
} from '../steering/pathways.ts';
import type { Answers } from './decide.ts';

const MAX_PATHWAYS = 32;
const PATHWAY_CHARACTERS = 40;

export interface SteeringMeans {
  readonly config: Pick<TrackerConfig, 'baseUrl' | 'trustClientParameter' | 'trustedProxies'>;
  readonly answers: Pick<Answers, 'steer'>;
  readonly viewers: Pick<Viewers, 'at'>;
  readonly sessions: Sessions;
  readonly learning: Pick<Learning, 'steered'>;
  /** Active sites, for a player that does not say which pathways it has. */
  readonly activeSites: () => readonly SiteId[];
  readonly baseUrlOf: (site: SiteId) => string | undefined;
  readonly upMsOf: UpMsOf;
}

/** `query`: as it came. @throws Problem 410 `video-withdrawn`, 503 `no-source`. */
export type Steer = (video: VideoId, query: unknown, asking: Asking) => SteeringManifest;

export function createSteering(means: SteeringMeans): Steer {
  const { config, answers, viewers, sessions, learning } = means;
  return (video, given, asking) => {
    const query = readSteeringQuery(given);
    const isClaimed = config.trustClientParameter && query.client !== undefined && parseAddress(query.client);
    const client = isClaimed ? query.client : undefined;
    const { grant } = query;
    const asker = { ...viewers.at(addressOf(asking, client, config)), shown: { grant } };
    const asked =
      query.pathways.length > 0 ? query.pathways : means.activeSites().slice(0, MAX_PATHWAYS).map(pathwayOf);
    const [home] = asked;
    if (!home) {
      throw problem('no-source', 'No site is known here yet. Try again in a moment.', {
        headers: { 'retry-after': '2' },
      });
    }
    const nowMs = Date.now();
    const prefix = asker.where?.prefix;
    // One of another tracker, or none: from now on it is steered here.
    const known = sessions.find(query.session, prefix, nowMs);
    const session = known ?? sessions.begin(prefix ?? '', nowMs);
    if (!known) sessions.remember(session);
    learning.steered(session, asker, query, nowMs);
    // DASH has no use for another name: no player of it keeps away for long.
    const pathways = query.isDash ? asked : renameRefused(asked, query.current, session);
    const sites = pathways.map(({ site }) => site);
    session.home ??= home.site;
    const standings = standingsOf(answers.steer(video, asker, sites), nowMs, means.upMsOf);
    const order = orderFor(session, standings, sites, query.current ?? session.current, nowMs);
    const reloadUri = formatSteerUri(ownUrlOf(asking, config), {
      video,
      session: session.id,
      pathways: homeFirst(pathways, session.home).map(({ id }) => id),
      client,
      grant,
    });
    return makeManifest(
      namesInOrder(order, pathways),
      chooseTtl(standings, sites, query.current === undefined || query.current === order[0]),
      reloadUri,
      clonesOf(pathways, means.baseUrlOf),
    );
  };
}

const homeFirst = (pathways: readonly Pathway[], home: SiteId | undefined): readonly Pathway[] => [
  ...pathways.filter(({ site }) => site === home),
  ...pathways.filter(({ site }) => site !== home),
];

interface SteeringQuery extends SteeringReport {
  readonly session: string | undefined;
  readonly pathways: readonly Pathway[];
  readonly isDash: boolean;
  readonly client: string | undefined;
  readonly grant: string | undefined;
}

/** Takes what is well-formed, once given and of sane length, and passes over the rest. */
function readSteeringQuery(query: unknown): SteeringQuery {
  const read = (name: string, maxCharacters: number): string | undefined => {
    const value = (query as Readonly<Record<string, unknown>>)[name];
    return typeof value === 'string' && value.length <= maxCharacters ? value : undefined;
  };
  const pathways = parsePathways(
    (read('pathways', MAX_PATHWAYS * (PATHWAY_CHARACTERS + 1)) ?? '').split('.'),
  );
  const listCharacters = MAX_PATHWAYS * (PATHWAY_CHARACTERS + 3);
  const [hls] = parsePathways([read('_HLS_pathway', 256) ?? '']);
  // DASH: all that were used since the last request, the one in use last, and the throughput of each.
  const dash = listOf(read('_DASH_pathway', listCharacters));
  const used = hls ? [hls.site] : dash.map(id => parsePathways([id])[0]?.site);
  const rates = hls ? [read('_HLS_throughput', 32) ?? ''] : listOf(read('_DASH_throughput', listCharacters));
  return {
    session: read('session', 64),
    pathways: pathways
      .filter(({ site }, at) => pathways.findIndex(each => each.site === site) === at)
      .slice(0, MAX_PATHWAYS),
    isDash: dash.length > 0,
    client: read('client', MAX_ADDRESS_CHARACTERS),
    grant: read('grant', MAX_GRANT_CHARACTERS),
    current: used.at(-1),
    throughputs: used.flatMap((site, at) => {
      const bps = Number((rates[at] ?? '').replaceAll('"', ''));
      return site && Number.isFinite(bps) && bps > 0 ? [{ site, bps }] : [];
    }),
  };
}

const listOf = (text: string | undefined): readonly string[] =>
  text === undefined
    ? []
    : text
        .replaceAll('"', '')
        .split(',')
        .map(item => item.trim());
const parsePathways = (ids: readonly string[]): readonly Pathway[] =>
  ids.flatMap(id => parsePathway(id.replaceAll('"', '')) ?? []);
