/** What sites tell of their viewers: in batches, signed, and believed no further than a site may speak for itself. */
import type { HttpServer } from '../../kernel/http.ts';
import { requireSigner } from '../../kernel/http.ts';
import { parseAddress } from '../../kernel/network.ts';
import { NonceMemory } from '../../kernel/signatures.ts';
import { siteIdSchema } from '../../protocol/ids.ts';
import { siteReportSchema } from '../../protocol/tracker.ts';
import type { Learning } from '../learning.ts';
import type { PartialHolders } from '../partial-holders.ts';
import type { Registry } from '../registry.ts';
import type { Viewers } from '../viewers.ts';
import { keysOfSites } from './members.ts';

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
