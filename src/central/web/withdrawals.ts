/** Withdrawals: told to every site, which drops what it holds and so confirms; shown to the operator. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { HttpServer } from '../../kernel/http.ts';
import type { SiteId } from '../../protocol/ids.ts';
import { withdrawalFeedSchema, withdrawalListSchema } from '../../protocol/withdrawals.ts';
import { listWithdrawals, listWithdrawn, noteCarriedOut } from '../database/withdrawals.ts';
import { type CentralContext, requireMember, requireOperator } from './context.ts';

const MAX_WAIT_S = 25;
/** The bell rings for every change; the thousand sites that wait here look this often at most. */
const LOOK_EVERY_MS = 500;

const feedQuerySchema = z.object({
  after: z.coerce.number().int().nonnegative(),
  wait: z.coerce.number().min(0).max(MAX_WAIT_S).default(0),
});
const listQuerySchema = z.object({ limit: z.coerce.number().int().min(1).max(200).default(50) });

export function addWithdrawalCalls(app: HttpServer, context: CentralContext): void {
  const { db, bell } = context;

  app.get(
    '/api/withdrawals/feed',
    { schema: { querystring: feedQuerySchema, response: { 200: withdrawalFeedSchema } } },
    async (request, reply) => {
      const site = await requireMember(request, context, 'site');
      const { after, wait } = request.query;
      const gone = new AbortController();
      reply.raw.on('close', () => gone.abort());
      const start = await noteCarriedOut(db, site.id as SiteId, after, Date.now());
      const deadline = performance.now() + wait * 1_000;
      for (;;) {
        const heard = bell.rings;
        const page = await listWithdrawn(db, start);
        const leftMs = deadline - performance.now();
        const isOver = leftMs <= 0 || gone.signal.aborted || bell.closed;
        if (page.videos.length > 0 || start < after || isOver) return page;
        await bell.next(heard, leftMs, gone.signal);
        if (!bell.closed) {
          await sleep(Math.min(LOOK_EVERY_MS, Math.max(0, deadline - performance.now())), undefined, {
            signal: gone.signal,
          }).catch(() => {});
        }
      }
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
