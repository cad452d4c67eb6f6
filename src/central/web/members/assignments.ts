/** The feed of a site's assignments: the copies that it must hold. */
import * as z from 'zod';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { assignmentFeedSchema } from '../../../protocol/copies.ts';
import { listAssignments } from '../../database/copies/assignments.ts';
import { findStart } from '../../database/feed.ts';
import { type CentralContext, requireSite } from '../context/context.ts';
import { MAX_WAIT_S, waitForChanges } from '../context/long-poll.ts';

/** This interval is longer than that of other feeds, because copies are not urgent. */
const CHECK_INTERVAL_MS = 2_000;

const feedQuerySchema = z.object({
  after: z.coerce.number().int().nonnegative(),
  wait: z.coerce.number().min(0).max(MAX_WAIT_S).default(0),
});

export function addAssignmentCalls(app: HttpServer, context: CentralContext): void {
  const { db, changes } = context;
  app.get(
    '/api/assignments',
    { schema: { querystring: feedQuerySchema, response: { 200: assignmentFeedSchema } } },
    async (request, reply) => {
      const site = await requireSite(request, context);
      const { after, wait } = request.query;
      const start = await findStart(db, after);
      return waitForChanges({
        changes,
        reply,
        waitS: wait,
        checkIntervalMs: CHECK_INTERVAL_MS,
        read: () => listAssignments(db, site.id, start),
        // A site that must restart from an earlier position gets the response at once.
        hasChanges: page => page.assignments.length > 0 || start < after,
      });
    },
  );
}
