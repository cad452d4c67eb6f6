/**
 * Explanations and simulations for operators: the whole ranking for a client, and the effect of planned changes. They are also for
 * central, which signs the questions of its own operators.
 */
import type { FastifyRequest } from 'fastify';
import * as z from 'zod';
import type { HttpServer } from '../../kernel/http/server.ts';
import { type Recipient, requireSigner } from '../../kernel/http/signed-requests.ts';
import type { PublicKey } from '../../kernel/identity/keys.ts';
import { parseAddress, parsePrefix } from '../../kernel/network.ts';
import { problem } from '../../kernel/problem.ts';
import { CENTRAL_KEY_ID, videoIdSchema } from '../../protocol/base/ids.ts';
import {
  dryRunSchema,
  type Explanation,
  explanationSchema,
  plannedChangeSchema,
} from '../../protocol/tracker.ts';
import { findRankChanges } from '../choice/changes.ts';
import { type Decision, type Question, rank } from '../choice/choose.ts';
import { inputsOf, reasonsOf } from '../choice/reasons.ts';
import type { SiteTable } from '../choice/sites.ts';
import { addressOf, type Client, clientInvalid, clientQuery, parseVideoId } from '../client/client.ts';
import type { TrackerConfig } from '../config.ts';
import type { Decider } from '../play/decide.ts';
import type { Probes } from '../probing/probes.ts';
import { type PlanDeps, planChange } from './what-if.ts';

export interface ExplainDeps extends Omit<PlanDeps, 'holdingOf'> {
  readonly config: TrackerConfig;
  readonly decider: Pick<Decider, 'explain'>;
  readonly probes: Pick<Probes, 'of'>;
  readonly recipient: Recipient;
  /** Undefined until this tracker has joined. */
  readonly centralPublicKey: () => PublicKey | undefined;
}

/** Zones with thousands of prefixes exceed the usual 64 KB. */
const MAX_PLAN_BYTES = 2 ** 20;

export function serveExplain(app: HttpServer, deps: ExplainDeps): void {
  const { config, decider, viewers, probes } = deps;
  const findKey = async (keyId: string): Promise<PublicKey | undefined> =>
    keyId === CENTRAL_KEY_ID ? deps.centralPublicKey() : undefined;
  const requireSignature = async (request: FastifyRequest): Promise<void> => {
    // Without a signature, the table of access rules has checked the caller.
    if (request.headers.signature !== undefined) await requireSigner(request, findKey, deps.recipient);
  };

  app.get(
    '/explain/:id',
    {
      schema: {
        description:
          'The whole ranking for a client, including sites that are not offered: every input, every reason, and what would change it (operator).',
        params: z.object({ id: z.string().max(64) }),
        querystring: clientQuery,
        response: { 200: explanationSchema },
      },
    },
    async request => {
      await requireSignature(request);
      const id = parseVideoId(request.params.id);
      const address = request.query.client ?? addressOf(request, undefined, config);
      if (!parseAddress(address)) throw clientInvalid();
      const client = viewers.at(address);
      const { state, question } = decider.explain(id, client);
      const all = state.table.facts.map((_, index) => index);
      const picks = rank(state, question, all);
      const decision = { state, question, picks };
      const offered = new Set(picks.map(({ index }) => index));
      const order = [...offered, ...all.filter(index => !offered.has(index))];
      return {
        video: id,
        client: address,
        policy: state.policy,
        viewer: describeViewer(client, question),
        ranking: order.map((index, at) => ({
          ...describeSite(decision, index, probes),
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
      onRequest: requireSignature,
      schema: {
        description:
          'The effect of a planned change on the viewers of the last hour: which share of them would be sent where. Nothing is changed (operator).',
        querystring: z.object({ video: videoIdSchema.optional() }),
        body: plannedChangeSchema,
        response: { 200: dryRunSchema },
      },
    },
    async request => {
      await requireSignature(request);
      const invalid = request.body.zones.find(({ prefix }) => !parsePrefix(prefix));
      if (invalid) {
        throw problem(
          'prefix-invalid',
          `"${invalid.prefix}" is not a network prefix. Examples: 10.1.0.0/16, 2001:db8::/32.`,
        );
      }
      const holdingOf: PlanDeps['holdingOf'] = video => decider.explain(video, {}).question;
      return planChange({ ...deps, holdingOf }, request.body, request.query.video);
    },
  );
}

function describeSite(
  { state, question, picks }: Decision,
  index: number,
  probes: ExplainDeps['probes'],
): Omit<Explanation['ranking'][number], 'offered' | 'score'> {
  const { holds, distanceKm, expectedBps, priorBps, measured } = inputsOf(state, question, index);
  const { up, activeResponses, egressBps, failureShare } = state.states.of(index);
  const facts = state.table.facts[index] as SiteTable['facts'][number];
  return {
    site: facts.id,
    name: facts.name,
    holds: holds === 'full',
    up,
    ...(distanceKm === undefined ? {} : { distanceKm }),
    load: activeResponses,
    reasons: [...reasonsOf(state, question, index)],
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
      assignedBps: Math.round(state.states.assignedBps[index] ?? 0),
      ...(facts.egressLimitBps === undefined ? {} : { egressLimitBps: facts.egressLimitBps }),
      failureShare,
      recoveryLeftMs: probes.of(facts.id).recoveryLeftMs,
      weight: facts.weight ?? 1,
      drained: state.table.drained[index] === 1,
      failoverOrder: facts.failoverOrder ?? 0,
    },
    changes: [...findRankChanges(state, question, picks, index)],
  };
}

function describeViewer(client: Client, { network }: Question): Explanation['viewer'] {
  const { accessLinkLogBps } = network;
  return {
    ...(client.zone ? { zoneSite: client.zone.site, zonePrefix: client.zone.prefix } : {}),
    ...(client.coordinates ?? {}),
    ...(client.asn === undefined ? {} : { asn: client.asn }),
    ...(client.network ?? {}),
    ...(Number.isFinite(accessLinkLogBps) ? { accessLinkBps: Math.round(Math.exp(accessLinkLogBps)) } : {}),
  };
}
