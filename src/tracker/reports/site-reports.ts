/** What sites tell of their viewers: in batches, signed, and believed no further than a site may speak for itself. */
import type { HttpServer } from '../../kernel/http/server.ts';
import { requireSigner } from '../../kernel/http/server.ts';
import { NonceMemory } from '../../kernel/identity/signatures.ts';
import { parseAddress } from '../../kernel/network.ts';
import { siteIdSchema } from '../../protocol/ids.ts';
import { siteReportSchema } from '../../protocol/tracker.ts';
import type { Viewers } from '../client/viewers.ts';
import type { Registry } from '../registry/registry.ts';
import { keysOfSites } from '../registry/site-keys.ts';
import type { PartialHolders } from './partial-holders.ts';
import type { Learning } from './report-ingestion.ts';

export interface ReportMeans {
  readonly registry: { readonly findSite: Registry['findSite'] };
  readonly viewers: Viewers;
  readonly learning: Learning;
  readonly partialHolders: PartialHolders;
}

export function serveReports(app: HttpServer, means: ReportMeans): void {
  const nonces = new NonceMemory();
  const findSiteKey = keysOfSites(means.registry);
  app.post(
    '/reports',
    {
      schema: {
        description: 'What viewers told a site in CMCD, and which videos it has some of (site, signed).',
        body: siteReportSchema,
      },
    },
    async (request, reply) => {
      const site = siteIdSchema.parse(await requireSigner(request, findSiteKey, nonces));
      const nowMs = Date.now();
      means.partialHolders.note(site, request.body.videos);
      for (const { client, bps } of request.body.viewers) {
        if (parseAddress(client)) means.learning.told(site, means.viewers.at(client), bps, nowMs);
      }
      return reply.code(204).send();
    },
  );
}
