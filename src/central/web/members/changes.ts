/** The last step of publication: trackers read the change feed and report site states, and sites query their registrations. */

import * as z from 'zod';
import { formatLongList } from '../../../kernel/http/json-list-writer.ts';
import { type HttpServer, setRawSerializer } from '../../../kernel/http/server.ts';
import { formatPrefix } from '../../../kernel/network.ts';
import type { SiteId } from '../../../protocol/base/ids.ts';
import {
  changePageSchema,
  registrationQuerySchema,
  registrationResponseSchema,
  siteStatesSchema,
} from '../../../protocol/central.ts';
import { listRegistrations } from '../../database/catalogue.ts';
import { type ChangePage, listChanges, registerUpTo } from '../../database/feed.ts';
import { recordSiteStatus } from '../../database/site-status-reports.ts';
import { listJoined } from '../../database/sites.ts';
import { type CentralContext, requireMember, requireSite } from '../context/context.ts';
import { MAX_WAIT_S, waitForChanges } from '../context/long-poll.ts';

/** Enough for 10,000 sites of about 70 bytes each. */
const MAX_STATES_BYTES = 2 ** 20;

const changesQuerySchema = z.object({
  after: z.coerce.number().int().nonnegative(),
  limit: z.coerce.number().int().min(1).max(1_000).default(500),
  wait: z.coerce.number().min(0).max(MAX_WAIT_S).default(0),
  audiences: z.literal('true').optional(),
  schedules: z.literal('true').optional(),
  downloads: z.literal('true').optional(),
});

export function addChangeCalls(app: HttpServer, context: CentralContext): void {
  const { db, changes, config } = context;

  app.get(
    '/api/changes',
    { schema: { querystring: changesQuerySchema, response: { 200: changePageSchema } } },
    async (request, reply) => {
      const tracker = await requireMember(request, context, 'tracker');
      const { after, limit, wait, audiences, schedules, downloads } = request.query;
      const withAudiences = audiences !== undefined;
      // The page consists of up to 1,000 records that were validated on arrival, so they are not validated again on output.
      setRawSerializer(reply, ({ changes, ...head }: ChangePage) => formatLongList(head, 'changes', changes));
      const start = await registerUpTo(db, tracker.id, after, Date.now());
      return waitForChanges({
        changes,
        reply,
        waitS: wait,
        async read() {
          const page = await listChanges(db, start, {
            limit,
            withAudiences,
            withSchedules: schedules !== undefined,
            withDownloads: downloads !== undefined,
          });
          return withAudiences ? { ...page, houseNetworks: config.houseNetworks.map(formatPrefix) } : page;
        },
        hasChanges: page => page.changes.length > 0,
      });
    },
  );

  app.post(
    '/api/registrations/query',
    { schema: { body: registrationQuerySchema, response: { 200: registrationResponseSchema } } },
    async request => {
      const site = await requireSite(request, context);
      return { registered: await listRegistrations(db, site.id, request.body.videos) };
    },
  );

  /** The sites that each tracker reported last as up or down. */
  const reachable = new Map<string, Map<SiteId, boolean>>();
  app.post(
    '/api/site-states',
    {
      bodyLimit: MAX_STATES_BYTES,
      onRequest: async request => void (await requireMember(request, context, 'tracker')),
      schema: { body: siteStatesSchema },
    },
    async (request, reply) => {
      const tracker = await requireMember(request, context, 'tracker');
      const known = new Set((await listJoined(db, 'site')).map(site => site.id));
      const reported = request.body.sites.filter(({ site }) => known.has(site));
      await recordSiteStatus(db, tracker.id, reported, Date.now());
      // The plan of copies depends on which sites are up, so a site that is back must not wait for the next round.
      const before = reachable.get(tracker.id) ?? new Map<SiteId, boolean>();
      if (reported.some(({ site, up }) => before.get(site) !== up)) context.changes.notify();
      for (const { site, up } of reported) before.set(site, up);
      reachable.set(tracker.id, before);
      return reply.code(204).send();
    },
  );
}
