/** The reports of sites on their storage, on which the plan of copies relies. */
import type { HttpServer } from '../../../kernel/http/server.ts';
import { storageReportSchema } from '../../../protocol/copies.ts';
import { writeStorageReport } from '../../database/copies/storage-reports.ts';
import { type CentralContext, requireSite } from '../context/context.ts';

/** Enough for the maximum amount of damage of about 700 bytes each. */
const MAX_REPORT_BYTES = 2 ** 19;

export function addStorageReportCalls(app: HttpServer, context: CentralContext): void {
  const { db, changes } = context;
  app.post(
    '/api/storage-reports',
    {
      bodyLimit: MAX_REPORT_BYTES,
      onRequest: async request => void (await requireSite(request, context)),
      schema: { body: storageReportSchema },
    },
    async (request, reply) => {
      const site = await requireSite(request, context);
      if (await writeStorageReport(db, site.id, request.body, Date.now())) changes.notify();
      return reply.code(204).send();
    },
  );
}
