/** What a site is to hold a copy of, told as it changes. */
import * as z from 'zod';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { assignmentFeedSchema } from '../../../protocol/copies.ts';
import { listAssignments } from '../../database/copies/assignments.ts';
import { findStart } from '../../database/feed.ts';
import { type CentralContext, requireSite } from '../context.ts';
import { MAX_WAIT_S, waitForChanges } from '../long-poll.ts';

/** The changes rings for every change; the thousand sites that wait here look this often at most. Copies are in no hurry. */
const LOOK_EVERY_MS = 2_000;

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
        checkEveryMs: LOOK_EVERY_MS,
        read: () => listAssignments(db, site.id, start),
        // One who has to read on from an earlier position is told so at once.
        hasChanges: page => page.assignments.length > 0 || start < after,
      });
    },
  );
}
