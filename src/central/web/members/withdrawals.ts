/** Withdrawals: told to every site, which drops what it holds and so confirms; shown to the operator. */
import * as z from 'zod';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { withdrawalFeedSchema, withdrawalListSchema } from '../../../protocol/publication/withdrawals.ts';
import { listWithdrawals, listWithdrawn, noteCarriedOut } from '../../database/publication/withdrawals.ts';
import { type CentralContext, requireOperator, requireSite } from '../context.ts';
import { MAX_WAIT_S, waitForChanges } from '../long-poll.ts';

/** The changes rings for every change; the thousand sites that wait here look this often at most. */
const LOOK_EVERY_MS = 500;

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
        checkEveryMs: LOOK_EVERY_MS,
        read: () => listWithdrawn(db, start),
        // One who has to read on from an earlier position is told so at once.
        hasChanges: page => page.videos.length > 0 || start < after,
      });
    },
  );

  app.get(
    '/api/withdrawals',
    { schema: { querystring: listQuerySchema, response: { 200: withdrawalListSchema } } },
    async request => {
      requireOperator(request, context);
      return { withdrawals: await listWithdrawals(db, request.query.limit) };
    },
  );
}
