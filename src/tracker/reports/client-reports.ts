/** What players tell: CMCD events, and the beacon of our own player. Nobody is refused for what he tells: it is passed over. */
import * as z from 'zod';
import type { HttpServer } from '../../kernel/http/server.ts';
import { siteIdSchema, type VideoId, videoIdSchema } from '../../protocol/ids.ts';
import { beaconResponseSchema, beaconSchema } from '../../protocol/tracker.ts';
import { chooseSamples } from '../choice/probe-selection.ts';
import { addressOf, clientQuery } from '../client/client.ts';
import type { Session, Sessions } from '../client/sessions.ts';
import type { Asker, Viewers } from '../client/viewers.ts';
import type { TrackerConfig } from '../config.ts';
import { type Answers, indexesOf } from '../play/decide.ts';
import { orderFor, standingsOf, type UpMsOf } from '../steering/order.ts';
import type { Learning } from './report-ingestion.ts';

const MAX_EVENTS_BYTES = 64 * 1_024;
const MAX_PATHWAYS = 32;
const CALM_AGAIN_S = 30;
const SAMPLE_BYTES = 131_072;

export interface ObserveMeans {
  readonly config: TrackerConfig;
  readonly answers: Answers;
  readonly viewers: Viewers;
  readonly sessions: Sessions;
  readonly learning: Learning;
  readonly baseUrlOf: (site: string) => string | undefined;
  readonly upMsOf: UpMsOf;
}

const parameters = z.object({ session: z.string().max(64) });

export function serveObserve(app: HttpServer, means: ObserveMeans): void {
  const { config, answers, viewers, sessions, learning } = means;
  app.addContentTypeParser(
    ['application/cmcd', 'text/plain'],
    { parseAs: 'string', bodyLimit: MAX_EVENTS_BYTES },
    (_request, body, done) => done(null, body),
  );

  app.post(
    '/cmcd/:session',
    {
      schema: {
        description: 'Events of a player in CMCD version 2 (CTA-5004-B), one a line, as application/cmcd.',
        params: parameters,
        querystring: clientQuery,
      },
    },
    async (request, reply) => {
      const asker = viewers.at(addressOf(request, request.query.client, config));
      const nowMs = Date.now();
      const session = sessions.find(request.params.session, asker.where?.prefix, nowMs);
      if (session && typeof request.body === 'string') learning.events(session, asker, request.body, nowMs);
      return reply.code(204).send();
    },
  );

  app.post(
    '/beacon/:session',
    {
      schema: {
        description:
          'What our own player measured of the sites; answered by what it should measure next, and when.',
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
      const { client, grant, video, pathways } = request.query;
      const asker = { ...viewers.at(addressOf(request, client, config)), shown: { grant } };
      const nowMs = Date.now();
      const session = sessions.find(request.params.session, asker.where?.prefix, nowMs);
      // Of another tracker, or lost: it is steered all the same, and asked for nothing.
      if (!session) return { measure: [], priority: [], nextInS: CALM_AGAIN_S };
      const { current, results } = request.body;
      const isFirst = session.heardAtMs === 0 && results.length === 0;
      learning.beacon(session, asker, current, results, nowMs);
      return curiosity(video, asker, session, pathways.split('.'), current, isFirst);
    },
  );

  function curiosity(
    video: VideoId,
    asker: Asker,
    session: Session,
    pathways: readonly string[],
    current: string | undefined,
    isFirst: boolean,
  ) {
    const sites = pathways.flatMap(id => siteIdSchema.safeParse(id).data ?? []);
    session.home ??= sites[0];
    const { world, question, picks } = answers.steer(video, asker, sites);
    const [now] = current === undefined ? [] : indexesOf(world, [siteIdSchema.parse(current)]);
    const [home] = session.home === undefined ? [] : indexesOf(world, [session.home]);
    const { indexes, nextInS } = chooseSamples(picks, question, now, isFirst, home);
    const measure = indexes.flatMap(index => {
      const site = world.table.facts[index]?.id;
      const baseUrl = site && means.baseUrlOf(site);
      return site && baseUrl ? [{ site, url: `${baseUrl}/sample?bytes=${SAMPLE_BYTES}` }] : [];
    });
    const nowMs = Date.now();
    const standings = standingsOf({ world, question, picks }, nowMs, means.upMsOf);
    const order = orderFor(
      session,
      standings,
      sites,
      sites.find(site => site === current),
      nowMs,
    );
    return { measure, priority: [...order], nextInS };
  }
}
