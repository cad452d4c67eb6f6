/** The feed of withdrawals, which every site follows, confirming each one that it has carried out, and the operator's list. */
import * as z from 'zod';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { withdrawalFeedSchema, withdrawalListSchema } from '../../../protocol/publication/withdrawals.ts';
import { listWithdrawals, listWithdrawn, noteCarriedOut } from '../../database/publication/withdrawals.ts';
import { type CentralContext, requireSite } from '../context/context.ts';
import { MAX_WAIT_S, SITE_CHECK_INTERVAL_MS, waitForChanges } from '../context/long-poll.ts';

const feedQuerySchema = z.object({
  after: z.coerce.number().int().nonnegative(),
  wait: z.coerce.number().min(0).max(MAX_WAIT_S).default(0),
});
const listQuerySchema = z.object({ limit: z.coerce.number().int().min(1).max(200).default(50) });

export function addWithdrawalCalls(app: HttpServer, context: CentralContext): void {
  const { db, changes } = context;

  app.get(
    '/api/withdrawals/feed',
    { schema: { querystring: feedQuerySchema, response: { 200: withdrawalFeedSchema } } },
    async (request, reply) => {
      const site = await requireSite(request, context);
      const { after, wait } = request.query;
      const start = await noteCarriedOut(db, site.id, after, Date.now());
      return waitForChanges({
        changes,
        reply,
        waitS: wait,
        checkIntervalMs: SITE_CHECK_INTERVAL_MS,
        read: () => listWithdrawn(db, start),
        // A site that must restart from an earlier position gets the response at once.
        hasChanges: page => page.videos.length > 0 || start < after,
      });
    },
  );

  app.get(
    '/api/withdrawals',
    { schema: { querystring: listQuerySchema, response: { 200: withdrawalListSchema } } },
    async request => {
      return { withdrawals: await listWithdrawals(db, request.query.limit) };
    },
  );
}
