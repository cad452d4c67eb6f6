/** Why, and what if: the whole ranking for a client, those left out too, and planned changes (operator; contract: Tracker). */
import * as z from 'zod';
import { type HttpServer, requireToken } from '../../kernel/http/server.ts';
import { parseAddress, parsePrefix } from '../../kernel/network.ts';
import { problem } from '../../kernel/problem.ts';
import { videoIdSchema } from '../../protocol/ids.ts';
import {
  dryRunSchema,
  type Explanation,
  explanationSchema,
  plannedChangeSchema,
} from '../../protocol/tracker.ts';
import { whatWouldChange } from '../choice/changes.ts';
import { type Pick, type Question, rank, type World } from '../choice/choose.ts';
import { inputsOf, reasonsOf } from '../choice/reasons.ts';
import { UNSEEN_STATE } from '../choice/sites.ts';
import { addressOf, clientInvalid, clientQuery, parseVideoId } from '../client/client.ts';
import type { Asker, Viewers } from '../client/viewers.ts';
import type { TrackerConfig } from '../config.ts';
import type { Answers } from '../play/decide.ts';
import type { Probes } from '../probing/probes.ts';
import { type PlanningMeans, planChange } from './what-if.ts';

export interface ExplainMeans {
  readonly config: TrackerConfig;
  readonly answers: Answers;
  readonly viewers: Viewers;
  readonly probes: { readonly of: Probes['of'] };
  readonly planning: PlanningMeans;
}

/** Zones of thousands of prefixes do not fit the usual 64 KB. */
const MAX_PLAN_BYTES = 2 ** 20;

export function serveExplain(app: HttpServer, means: ExplainMeans): void {
  const { config, answers, viewers } = means;
  app.get(
    '/explain/:id',
    {
      schema: {
        description:
          'The whole ranking for a client, those left out too: every input, every reason, and what would change it (operator).',
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
        policy: world.policy,
        viewer: describeViewer(asker, question),
        ranking: order.map((index, at) => ({
          ...describeSite(world, question, picks, index),
          offered: offered.has(index),
          score: offered.has(index) ? (order.length - at) / order.length : 0,
        })),
      };
    },
  );

  app.post(
    '/dry-run',
    {
      bodyLimit: MAX_PLAN_BYTES,
      schema: {
        description:
          'What a planned change would do, judged by the viewers of the last hour: which share of them is sent where. Nothing is changed (operator).',
        querystring: z.object({ video: videoIdSchema.optional() }),
        body: plannedChangeSchema,
        response: { 200: dryRunSchema },
      },
    },
    async request => {
      requireToken(request, config.operatorToken);
      const bad = request.body.zones.find(({ prefix }) => !parsePrefix(prefix));
      if (bad) {
        throw problem(
          'prefix-invalid',
          `"${bad.prefix}" is no network. Write for example 10.1.0.0/16 or 2001:db8::/32.`,
        );
      }
      return planChange(means.planning, request.body, request.query.video);
    },
  );

  function describeSite(
    world: World,
    question: Question,
    picks: readonly Pick[],
    index: number,
  ): Omit<Explanation['ranking'][number], 'offered' | 'score'> {
    const { holds, distanceKm, expectedBps, priorBps, measured } = inputsOf(world, question, index);
    const { up, activeResponses, egressBps, failureShare } = world.states.states[index] ?? UNSEEN_STATE;
    const facts = world.table.facts[index] as World['table']['facts'][number];
    return {
      site: facts.id,
      name: facts.name,
      holds: holds === 'full',
      up,
      ...(distanceKm === undefined ? {} : { distanceKm }),
      load: activeResponses,
      reasons: [...reasonsOf(world, question, index)],
      inputs: {
        holding: holds,
        expectedBps: Math.round(expectedBps),
        priorBps: Math.round(priorBps),
        ...(measured && measured.weight > 0
          ? {
              measured: {
                bps: Math.round(Math.exp(measured.logBps)),
                reports: Math.round(measured.weight * 100) / 100,
                ageS: Math.round(measured.ageMs / 1_000),
                failing: measured.failing,
              },
            }
          : {}),
        egressBps,
        assignedBps: Math.round(world.states.assignedBps[index] ?? 0),
        ...(facts.egressLimitBps === undefined ? {} : { egressLimitBps: facts.egressLimitBps }),
        failureShare,
        recoveryLeftMs: means.probes.of(facts.id).recoveryLeftMs,
        weight: facts.weight ?? 1,
        drained: world.table.drained[index] === 1,
        failoverOrder: facts.failoverOrder ?? 0,
      },
      changes: [...whatWouldChange(world, question, picks, index)],
    };
  }
}

function describeViewer({ viewer, where }: Asker, { network }: Question): Explanation['viewer'] {
  return {
    ...(viewer.zone ? { zoneSite: viewer.zone.site, zonePrefix: viewer.zone.prefix } : {}),
    ...(viewer.coordinates ?? {}),
    ...(viewer.asn === undefined ? {} : { asn: viewer.asn }),
    ...(where ?? {}),
    ...(Number.isFinite(network.lineLogBps)
      ? { accessLinkBps: Math.round(Math.exp(network.lineLogBps)) }
      : {}),
  };
}
