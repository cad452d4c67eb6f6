/** The signed reports of sites on their viewers. A site's report has limited influence on its own ranking. */
import type { HttpServer } from '../../kernel/http/server.ts';
import { type Recipient, requireSigner } from '../../kernel/http/signed-requests.ts';
import { parseAddress } from '../../kernel/network.ts';
import { siteIdSchema } from '../../protocol/base/ids.ts';
import { siteReportSchema } from '../../protocol/tracker.ts';
import type { Viewers } from '../client/viewers.ts';
import type { Registry } from '../registry/registry.ts';
import { createSiteKeyFinder } from '../registry/site-keys.ts';
import type { PartialHolders } from './partial-holders.ts';
import type { ReportIngestion } from './report-ingestion.ts';

export interface SiteReportsDeps {
  readonly registry: Pick<Registry, 'findSite'>;
  readonly viewers: Viewers;
  readonly ingestion: Pick<ReportIngestion, 'siteReport'>;
  readonly partialHolders: PartialHolders;
  readonly recipient: Recipient;
}

export function serveSiteReports(app: HttpServer, deps: SiteReportsDeps): void {
  const findSiteKey = createSiteKeyFinder(deps.registry);
  app.post(
    '/reports',
    {
      schema: {
        description:
          'What viewers reported to a site in CMCD, and of which videos it has a part in its buffer (site, signed).',
        body: siteReportSchema,
      },
    },
    async (request, reply) => {
      const site = siteIdSchema.parse(await requireSigner(request, findSiteKey, deps.recipient));
      const nowMs = Date.now();
      deps.partialHolders.record(site, request.body.videos);
      for (const { client, bps } of request.body.viewers) {
        if (parseAddress(client)) deps.ingestion.siteReport(site, deps.viewers.at(client), bps, nowMs);
      }
      return reply.code(204).send();
    },
  );
}
