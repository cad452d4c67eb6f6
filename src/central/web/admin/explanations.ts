/**
 * The operator's questions to trackers: explanations and simulations. Central asks the first tracker that responds, and signs the
 * request, so that no page sends central's operator token to another machine.
 */
import * as z from 'zod';
import { type CallOptions, call } from '../../../kernel/http/client.ts';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { Problem, problem } from '../../../kernel/problem.ts';
import { videoIdSchema } from '../../../protocol/base/ids.ts';
import { dryRunSchema, explanationSchema, plannedChangeSchema } from '../../../protocol/tracker.ts';
import { type CentralContext, listTrackerUrls } from '../context/context.ts';

const TIMEOUT_MS = 10_000;
const MAX_RESPONSE_BYTES = 16 * 2 ** 20;
/** Zones with thousands of prefixes exceed the usual 64 KB. */
const MAX_PLAN_BYTES = 2 ** 20;

export function addExplanationCalls(app: HttpServer, context: CentralContext): void {
  const { db, signer } = context;

  async function askTracker<T>(path: string, request: Pick<CallOptions<T>, 'body' | 'response'>): Promise<T> {
    let failure = problem(
      'tracker-missing',
      'No tracker has joined this central. Add one on the admin page.',
    );
    for (const url of await listTrackerUrls(db)) {
      try {
        return await call(url + path, {
          ...request,
          method: request.body === undefined ? 'GET' : 'POST',
          signer,
          timeoutMs: TIMEOUT_MS,
          maxBytes: MAX_RESPONSE_BYTES,
        });
      } catch (error) {
        if (!(error instanceof Problem) || error.code !== 'peer-unreachable') throw error;
        failure = error;
      }
    }
    throw failure;
  }

  app.get(
    '/api/explain/:id',
    {
      schema: {
        description:
          'The whole ranking of a tracker for a client, by default for the client that asks (operator).',
        params: z.object({ id: z.string().max(64) }),
        querystring: z.object({ client: z.string().max(64).optional() }),
        response: { 200: explanationSchema },
      },
    },
    async request => {
      const { client = request.ip } = request.query;
      const path = `/explain/${encodeURIComponent(request.params.id)}?client=${encodeURIComponent(client)}`;
      return askTracker(path, { response: explanationSchema });
    },
  );

  app.post(
    '/api/dry-run',
    {
      bodyLimit: MAX_PLAN_BYTES,
      schema: {
        description:
          'The effect of a planned change on the viewers of the last hour. Nothing is changed (operator).',
        querystring: z.object({ video: videoIdSchema.optional() }),
        body: plannedChangeSchema,
        response: { 200: dryRunSchema },
      },
    },
    async request => {
      const { video } = request.query;
      return askTracker(`/dry-run${video === undefined ? '' : `?video=${video}`}`, {
        body: request.body,
        response: dryRunSchema,
      });
    },
  );
}
