/** The operator's calls for copies: the report of copies, and declaring a site lost. */
import * as z from 'zod';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { type Problem, problem } from '../../../kernel/problem.ts';
import { type SiteId, siteIdSchema, videoIdSchema } from '../../../protocol/base/ids.ts';
import { copyReportSchema, lossResponseSchema } from '../../../protocol/copies.ts';
import { declareLost } from '../../database/copies/losses.ts';
import { listSiteStatus } from '../../database/site-status-reports.ts';
import { findMember } from '../../database/sites.ts';
import { makeCopyReport } from '../../placement/report.ts';
import { readPlacementState } from '../../placement-loop.ts';
import { audit } from '../context/audit.ts';
import type { CentralContext } from '../context/context.ts';

const reportQuerySchema = z.object({
  only: z.enum(['at-risk']).optional(),
  video: videoIdSchema.optional(),
  after: z.coerce.number().int().min(0).max(1e7).default(0),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

export function addCopyCalls(app: HttpServer, context: CentralContext): void {
  const { db, changes } = context;

  app.get(
    '/api/copies',
    { schema: { querystring: reportQuerySchema, response: { 200: copyReportSchema } } },
    async request => {
      return makeCopyReport(await readPlacementState(db, Date.now()), request.query);
    },
  );

  app.post(
    '/api/sites/:id/lost',
    {
      schema: {
        description:
          'Declares a site permanently lost: complete copies at other sites take over as the originals (operator).',
        params: z.object({ id: siteIdSchema }),
        response: { 200: lossResponseSchema },
      },
    },
    async request => {
      const nowMs = Date.now();
      const statuses = await listSiteStatus(db, nowMs);
      const isUp = (site: SiteId): boolean => statuses.get(site)?.state === 'up';
      const { id } = request.params;
      const loss = await db.transaction().execute(async tx => {
        const declared = await declareLost(tx, id, isUp, nowMs);
        if (!declared) throw unknownSite();
        const after = { takenOver: declared.promotions.length, lost: declared.lost.length };
        await audit(request, context, { action: 'site.lost', object: `site:${id}`, after }, tx);
        return declared;
      });
      changes.notify();
      return {
        promoted: await Promise.all(
          loss.promotions.map(async ({ video, name, to }) => ({
            video,
            name,
            to: { id: to, name: (await findMember(db, to))?.name ?? to },
          })),
        ),
        lost: [...loss.lost],
      };
    },
  );
}

const unknownSite = (): Problem => problem('site-unknown', 'There is no such site.');
