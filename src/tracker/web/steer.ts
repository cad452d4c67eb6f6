/** The answers to players that are playing: the steering manifest, for HLS and for DASH (contract: Tracker). */
import { z } from 'zod';
import type { HttpServer } from '../../kernel/http.ts';
import { parseAddress } from '../../kernel/network.ts';
import { Problem } from '../../kernel/problem.ts';
import { type SiteId, siteIdSchema } from '../../protocol/ids.ts';
import { steeringManifestSchema } from '../../protocol/tracker.ts';
import type { Answers, Decision } from '../answers.ts';
import { UNSEEN_STATE } from '../choice/sites.ts';
import type { TrackerConfig } from '../config.ts';
import type { Learning, SteeringReport } from '../learning.ts';
import type { Sessions } from '../sessions.ts';
import {
  chooseTtl,
  formatSteerUri,
  makeManifest,
  orderPathways,
  type Standing,
} from '../steering/manifest.ts';
import type { Viewers } from '../viewers.ts';
import { addressOf, MAX_ADDRESS_CHARACTERS, ownUrlOf, parseVideoId } from './client.ts';
import type { Counted } from './counted.ts';

const MAX_PATHWAYS = 32;
const PATHWAY_CHARACTERS = 36;

export interface SteerMeans {
  readonly config: TrackerConfig;
  readonly answers: Answers;
  readonly viewers: Viewers;
  readonly counted: Counted;
  readonly sessions: Sessions;
  readonly learning: Learning;
  /** Active sites, for a player that does not say which pathways it has. */
  readonly activeSites: () => readonly SiteId[];
}

export function serveSteer(app: HttpServer, means: SteerMeans): void {
  const { config, answers, viewers, sessions, learning } = means;
  app.get(
    '/steer/:id',
    {
      schema: {
        description:
          'The steering manifest for HLS (RFC 8216bis, section 7) and DASH players. What cannot be read in the query is passed over: an error would cost the player its steering, and 429 would stop hls.js for good.',
        params: z.object({ id: z.string().max(64) }),
        response: { 200: steeringManifestSchema },
      },
    },
    async request =>
      means.counted('steering', () => {
        const video = parseVideoId(request.params.id);
        const query = readSteeringQuery(request.query, MAX_PATHWAYS);
        const isClaimed =
          config.believeClientParameter && query.client !== undefined && parseAddress(query.client);
        const client = isClaimed ? query.client : undefined;
        const asker = viewers.at(addressOf(request, client, config));
        const pathways =
          query.pathways.length > 0 ? query.pathways : means.activeSites().slice(0, MAX_PATHWAYS);
        if (pathways.length === 0) {
          throw new Problem(503, 'no-source', 'No site is known here yet. Try again in a moment.', {
            headers: { 'retry-after': '2' },
          });
        }
        const nowMs = Date.now();
        const prefix = asker.where?.prefix;
        // One of another tracker, or none: from now on it is steered here.
        const session = sessions.find(query.session, prefix, nowMs) ?? sessions.begin(prefix ?? '', nowMs);
        sessions.remember(session);
        learning.steered(session, asker, query, nowMs);
        const standings = standingsOf(answers.steer(video, asker, pathways));
        const order = orderPathways(standings, pathways, {
          current: query.current ?? session.current,
          patience: session.luck,
          movedMsAgo: nowMs - session.movedAtMs,
        });
        const [first] = order;
        session.told = pathways.find(each => each === first);
        const reloadUri = formatSteerUri(ownUrlOf(request, config), {
          video,
          session: session.id,
          pathways,
          client,
        });
        return makeManifest(order, chooseTtl(standings, pathways), reloadUri);
      }),
  );
}

export const standingsOf = ({ world, picks }: Decision): readonly Standing[] =>
  picks.map(({ index, score }) => {
    const { shaky, failureShare } = world.states.states[index] ?? UNSEEN_STATE;
    return { id: world.table.facts[index]?.id ?? '', score, isDoubtful: shaky || failureShare > 0 };
  });

interface SteeringQuery extends SteeringReport {
  readonly session: string | undefined;
  readonly pathways: readonly SiteId[];
  readonly client: string | undefined;
}

/** Takes what is well-formed, once given and of sane length, and passes over the rest. */
export function readSteeringQuery(query: unknown, maxPathways: number): SteeringQuery {
  const read = (name: string, maxCharacters: number): string | undefined => {
    const value = (query as Readonly<Record<string, unknown>>)[name];
    return typeof value === 'string' && value.length <= maxCharacters ? value : undefined;
  };
  const pathways = parseSites((read('pathways', maxPathways * (PATHWAY_CHARACTERS + 1)) ?? '').split('.'));
  const listCharacters = maxPathways * (PATHWAY_CHARACTERS + 3);
  const [hls] = parseSites([read('_HLS_pathway', 256) ?? '']);
  // DASH: all that were used since the last request, the one in use last, and the throughput of each.
  const dash = listOf(read('_DASH_pathway', listCharacters));
  const used = hls ? [hls] : dash.map(id => parseSites([id])[0]);
  const rates = hls ? [read('_HLS_throughput', 32) ?? ''] : listOf(read('_DASH_throughput', listCharacters));
  return {
    session: read('session', 64),
    pathways: [...new Set(pathways)],
    client: read('client', MAX_ADDRESS_CHARACTERS),
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
const parseSites = (ids: readonly string[]): readonly SiteId[] =>
  ids.flatMap(id => siteIdSchema.safeParse(id.replaceAll('"', '')).data ?? []);
