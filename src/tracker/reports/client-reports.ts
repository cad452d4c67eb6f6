/** The reports of players: CMCD events, and the beacon of our own player. Invalid reports are ignored, never rejected. */
import * as z from 'zod';
import type { HttpServer } from '../../kernel/http/server.ts';
import { type SiteId, siteIdSchema, type VideoId, videoIdSchema } from '../../protocol/base/ids.ts';
import { type BeaconResponse, beaconResponseSchema, beaconSchema } from '../../protocol/tracker.ts';
import type { Decision } from '../choice/choose.ts';
import { chooseSamples } from '../choice/probe-selection.ts';
import { indexesOf } from '../choice/sites.ts';
import { addressOf, type ClientRequest, clientQuery } from '../client/client.ts';
import { type CredentialsDeps, credentialsOf } from '../client/house-networks.ts';
import type { Session, Sessions } from '../client/sessions.ts';
import type { Viewers } from '../client/viewers.ts';
import type { TrackerConfig } from '../config.ts';
import { orderForSession, rankingOf, type UpMsOf } from '../steering/order.ts';
import type { PlayCounts } from './play-counts.ts';
import type { ReportIngestion } from './report-ingestion.ts';

const MAX_PATHWAYS = 32;
const UNKNOWN_SESSION_NEXT_IN_S = 30;
const SAMPLE_BYTES = 131_072;

export interface ClientReportsDeps extends CredentialsDeps {
  readonly config: Pick<TrackerConfig, 'baseUrl' | 'hosts' | 'trustClientParameter' | 'trustedProxies'>;
  /** Ranks these sites for a playing client. */
  readonly rank: (
    video: VideoId,
    request: Pick<ClientRequest, 'client' | 'credentials'>,
    sites: readonly SiteId[],
  ) => Decision & { readonly isKnown: boolean };
  readonly viewers: Viewers;
  readonly sessions: Sessions;
  readonly plays: Pick<PlayCounts, 'recordSession'>;
  readonly ingestion: Pick<ReportIngestion, 'cmcdEvents' | 'beacon'>;
  readonly baseUrlOf: (site: string) => string | undefined;
  readonly probes: { readonly upMsOf: UpMsOf };
}

const parameters = z.object({ session: z.string().max(64) });

export function serveClientReports(app: HttpServer, deps: ClientReportsDeps): void {
  const { config, viewers, sessions, ingestion } = deps;
  app.addContentTypeParser(
    ['application/cmcd', 'text/plain'],
    { parseAs: 'string' },
    (_request, body, done) => done(null, body),
  );

  app.post(
    '/cmcd/:session',
    {
      schema: {
        description:
          'Events of a player in CMCD version 2 (CTA-5004-B), one per line, sent as application/cmcd.',
        params: parameters,
        querystring: clientQuery,
      },
    },
    async (request, reply) => {
      const client = viewers.at(addressOf(request, request.query.client, config));
      const nowMs = Date.now();
      const session = sessions.find(request.params.session, client.network?.prefix, nowMs);
      if (session && typeof request.body === 'string')
        ingestion.cmcdEvents(session, client, request.body, nowMs);
      return reply.code(204).send();
    },
  );

  app.post(
    '/beacon/:session',
    {
      schema: {
        description:
          'The measurements of our own player. The response says which sites to sample next, and when to report again.',
        params: parameters,
        querystring: clientQuery.extend({
          video: videoIdSchema,
          pathways: z.string().max(MAX_PATHWAYS * 37),
        }),
        body: beaconSchema,
        response: { 200: beaconResponseSchema },
      },
    },
    async request => {
      const { grant, video, pathways } = request.query;
      const address = addressOf(request, request.query.client, config);
      const client = viewers.at(address);
      const credentials = credentialsOf(request, address, grant, deps);
      const nowMs = Date.now();
      const session = sessions.find(request.params.session, client.network?.prefix, nowMs);
      // The session is unknown. Its player is steered as usual, but no samples are requested.
      if (!session) return { measure: [], priority: [], nextInS: UNKNOWN_SESSION_NEXT_IN_S };
      const { current, results } = request.body;
      const isFirst = session.reportsSinceMs === 0 && results.length === 0;
      ingestion.beacon(session, client, { current, results }, nowMs);
      const sites = pathways.split('.').flatMap(id => siteIdSchema.safeParse(id).data ?? []);
      const decision = deps.rank(video, { client, credentials }, sites);
      if (current && decision.isKnown) {
        const playing = { video, prefix: client.network?.prefix, userAgent: request.headers['user-agent'] };
        deps.plays.recordSession(session, playing, nowMs);
      }
      return respond(decision, session, { sites, isFirst }, nowMs);
    },
  );

  function respond(
    decision: Decision,
    session: Session,
    { sites, isFirst }: { readonly sites: readonly SiteId[]; readonly isFirst: boolean },
    nowMs: number,
  ): BeaconResponse {
    const { current } = session;
    session.primary ??= sites[0];
    const { state, question, picks } = decision;
    const indexOf = (site: SiteId | undefined): number | undefined =>
      site === undefined ? undefined : indexesOf(state.table, [site])[0];
    const { indexes, nextInS } = chooseSamples({
      picks,
      question,
      current: indexOf(current),
      primary: indexOf(session.primary),
      isFirst,
    });
    const measure = indexes.flatMap(index => {
      const site = state.table.facts[index]?.id;
      const baseUrl = site && deps.baseUrlOf(site);
      return site && baseUrl ? [{ site, url: `${baseUrl}/sample?bytes=${SAMPLE_BYTES}` }] : [];
    });
    const ranking = rankingOf(decision, nowMs, deps.probes.upMsOf);
    const order = orderForSession(
      session,
      { ranking, sites, current: sites.find(site => site === current) },
      nowMs,
    );
    return { measure, priority: [...order], nextInS };
  }
}
