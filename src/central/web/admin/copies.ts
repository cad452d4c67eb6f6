/** The operator's calls for copies: the rules, the report of copies, and declaring a site lost. */
import * as z from 'zod';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { type Problem, problem } from '../../../kernel/problem.ts';
import { type SiteId, siteIdSchema, videoIdSchema } from '../../../protocol/base/ids.ts';
import {
  copyReportSchema,
  lossResponseSchema,
  type PlacementRule,
  placementRuleSchema,
  playCountsSchema,
  ruleListSchema,
  storedRuleSchema,
} from '../../../protocol/copies.ts';
import { declareLost } from '../../database/copies/losses.ts';
import { countPlays, deleteRule, insertRule, listRules } from '../../database/copies/placement-input.ts';
import { listSiteStatus } from '../../database/site-status-reports.ts';
import { findMember } from '../../database/sites.ts';
import { makeCopyReport } from '../../placement/report.ts';
import { readPlanInput } from '../../placement-loop.ts';
import { type CentralContext, requireMember, requireOperator } from '../context/context.ts';

const MAX_RULES = 10_000;
/** Enough for 1,000 videos of about 70 bytes each. */
const MAX_PLAYS_BYTES = 2 ** 17;

const reportQuerySchema = z.object({
  only: z.enum(['at-risk']).optional(),
  video: videoIdSchema.optional(),
  after: z.coerce.number().int().min(0).max(1e7).default(0),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

export function addCopyCalls(app: HttpServer, context: CentralContext): void {
  const { db, changes } = context;

  app.get('/api/placement-rules', { schema: { response: { 200: ruleListSchema } } }, async request => {
    requireOperator(request, context);
    return { rules: await listRules(db) };
  });

  app.post(
    '/api/placement-rules',
    { schema: { body: placementRuleSchema, response: { 201: storedRuleSchema } } },
    async (request, reply) => {
      requireOperator(request, context);
      const rule = request.body;
      for (const site of sitesNamedIn(rule)) {
        if ((await findMember(db, site))?.role !== 'site') throw unknownSite();
      }
      if ((await listRules(db)).length >= MAX_RULES) {
        throw problem('rules-too-many', `At most ${MAX_RULES} rules are allowed.`);
      }
      const stored = await insertRule(db, rule, Date.now());
      changes.notify();
      return reply.code(201).send(stored);
    },
  );

  app.delete(
    '/api/placement-rules/:id',
    { schema: { params: z.object({ id: z.string().max(60) }) } },
    async (request, reply) => {
      requireOperator(request, context);
      if (!(await deleteRule(db, request.params.id))) {
        throw problem('rule-unknown', 'There is no such rule.');
      }
      changes.notify();
      return reply.code(204).send();
    },
  );

  app.get(
    '/api/copies',
    { schema: { querystring: reportQuerySchema, response: { 200: copyReportSchema } } },
    async request => {
      requireOperator(request, context);
      return makeCopyReport(await readPlanInput(db, Date.now()), request.query);
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
      requireOperator(request, context);
      const nowMs = Date.now();
      const statuses = await listSiteStatus(db, nowMs);
      const isUp = (site: SiteId): boolean => statuses.get(site) === 'up';
      const loss = await declareLost(db, request.params.id, isUp, nowMs);
      if (!loss) throw unknownSite();
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

  app.post(
    '/api/plays',
    { bodyLimit: MAX_PLAYS_BYTES, schema: { body: playCountsSchema } },
    async (request, reply) => {
      await requireMember(request, context, 'tracker');
      await countPlays(db, request.body.plays, Date.now());
      return reply.code(204).send();
    },
  );
}

/** Lists the sites that a rule names. An unknown site is rejected, because its rule would have no effect, not even `stays`. */
function sitesNamedIn(rule: PlacementRule): readonly SiteId[] {
  if (rule.kind === 'by-hand') return [rule.site];
  const choice = 'of' in rule ? rule.of : rule.at;
  return typeof choice === 'object' && 'sites' in choice ? choice.sites : [];
}

const unknownSite = (): Problem => problem('site-unknown', 'There is no such site.');
