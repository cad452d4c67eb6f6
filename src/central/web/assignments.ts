/** What a site is to hold a copy of, told as it changes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { HttpServer } from '../../kernel/http.ts';
import { assignmentFeedSchema } from '../../protocol/copies.ts';
import type { SiteId } from '../../protocol/ids.ts';
import { listAssignments } from '../database/assignments.ts';
import { findStart } from '../database/feed.ts';
import { type CentralContext, requireMember } from './context.ts';

const MAX_WAIT_S = 25;
/** The bell rings for every change; the thousand sites that wait here look this often at most. Copies are in no hurry. */
const LOOK_EVERY_MS = 2_000;

const feedQuerySchema = z.object({
  after: z.coerce.number().int().nonnegative(),
  wait: z.coerce.number().min(0).max(MAX_WAIT_S).default(0),
});

export function addAssignmentCalls(app: HttpServer, context: CentralContext): void {
  const { db, bell } = context;
  app.get(
    '/api/assignments',
    { schema: { querystring: feedQuerySchema, response: { 200: assignmentFeedSchema } } },
    async (request, reply) => {
      const site = await requireMember(request, context, 'site');
      const { after, wait } = request.query;
      const gone = new AbortController();
      reply.raw.on('close', () => gone.abort());
      const start = await findStart(db, after);
      const deadline = performance.now() + wait * 1_000;
      for (;;) {
        const heard = bell.rings;
        const page = await listAssignments(db, site.id as SiteId, start);
        const leftMs = deadline - performance.now();
        const isOver = leftMs <= 0 || gone.signal.aborted || bell.closed;
        if (page.assignments.length > 0 || start < after || isOver) return page;
        await bell.next(heard, leftMs, gone.signal);
        if (!bell.closed) {
          await sleep(Math.min(LOOK_EVERY_MS, Math.max(0, deadline - performance.now())), undefined, {
            signal: gone.signal,
          }).catch(() => {});
        }
      }
    },
  );
}
