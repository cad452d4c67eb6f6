/** Why: the whole ranking for a client, those left out too, for the operator (contract: Tracker). */
import { z } from 'zod';
import { type HttpServer, requireToken } from '../../kernel/http.ts';
import { parseAddress } from '../../kernel/network.ts';
import { type Explanation, explanationSchema } from '../../protocol/tracker.ts';
import type { Answers } from '../answers.ts';
import { rank } from '../choice/choose.ts';
import { inputsOf, reasonsOf } from '../choice/reasons.ts';
import { UNSEEN_STATE } from '../choice/sites.ts';
import type { TrackerConfig } from '../config.ts';
import type { Viewers } from '../viewers.ts';
import { addressOf, clientInvalid, clientQuery, parseVideoId } from './client.ts';

export interface ExplainMeans {
  readonly config: TrackerConfig;
  readonly answers: Answers;
  readonly viewers: Viewers;
}

export function serveExplain(app: HttpServer, { config, answers, viewers }: ExplainMeans): void {
  app.get(
    '/explain/:id',
    {
      schema: {
        description: 'The whole ranking for a client, those left out too (operator).',
        params: z.object({ id: z.string().max(64) }),
        querystring: clientQuery,
        response: { 200: explanationSchema },
      },
    },
    async request => {
      requireToken(request, config.operatorToken);
      const id = parseVideoId(request.params.id);
      const client = request.query.client ?? addressOf(request, undefined, config);
      if (!parseAddress(client)) throw clientInvalid();
      const asker = viewers.at(client);
      const { world, question } = answers.explain(id, asker);
      const all = world.table.facts.map((_, index) => index);
      const picks = rank(world, question, all);
      const offered = new Set(picks.map(({ index }) => index));
      const order = [...picks.map(({ index }) => index), ...all.filter(index => !offered.has(index))];
      return {
        video: id,
        client,
        viewer: {
          ...(asker.viewer.zone
            ? { zoneSite: asker.viewer.zone.site, zonePrefix: asker.viewer.zone.prefix }
            : {}),
          ...(asker.viewer.coordinates ?? {}),
        },
        ranking: order.map((index, at): Explanation['ranking'][number] => {
          const { holds, distanceKm } = inputsOf(world, question, index);
          const { up, activeResponses } = world.states.states[index] ?? UNSEEN_STATE;
          const facts = world.table.facts[index] as (typeof world.table.facts)[number];
          return {
            site: facts.id,
            name: facts.name,
            offered: offered.has(index),
            score: offered.has(index) ? (order.length - at) / order.length : 0,
            holds: holds === 'full',
            up,
            ...(distanceKm === undefined ? {} : { distanceKm }),
            load: activeResponses,
            reasons: [...reasonsOf(world, question, index)],
          };
        }),
      };
    },
  );
}
