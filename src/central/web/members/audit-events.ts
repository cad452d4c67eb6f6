/** Receives the audit events of sites and trackers. A member writes in its own name only, and no more than its share. */
import type { HttpServer } from '../../../kernel/http/server.ts';
import { problem } from '../../../kernel/problem.ts';
import { auditReceiptSchema, auditReportSchema } from '../../../protocol/people/audit.ts';
import { type CentralContext, requireMember } from '../context/context.ts';

/** 200 events of the largest size are larger; members send fewer at a time then. */
const MAX_REPORT_BYTES = 2 ** 20;

export function addAuditEventCalls(app: HttpServer, context: CentralContext): void {
  app.post(
    '/api/audit-events',
    {
      bodyLimit: MAX_REPORT_BYTES,
      onRequest: async request => void (await requireMember(request, context, 'site', 'tracker')),
      schema: {
        description:
          'Takes the audit events of a member that follow those in the log, and returns the number of the last one in the log (site or tracker, signed).',
        body: auditReportSchema,
        response: { 200: auditReceiptSchema },
      },
    },
    async request => {
      const { id } = await requireMember(request, context, 'site', 'tracker');
      const { events } = request.body;
      const first = events[0]?.seq ?? 0;
      if (events.some(({ seq }, index) => seq !== first + index)) {
        throw problem('request-invalid', 'The numbers of the events must be consecutive.');
      }
      return context.audit.receive(id, events);
    },
  );
}
