/** Trackers exchange measurements of their viewers through central. */
import type { HttpServer } from '../../../kernel/http/server.ts';
import {
  peerMeasurementsRequestSchema,
  peerMeasurementsResponseSchema,
} from '../../../protocol/peer-measurements.ts';
import { listPeerMeasurements, recordPeerMeasurements } from '../../database/peer-measurements.ts';
import { type CentralContext, requireMember } from '../context/context.ts';

/** Enough for 500 summaries of about 250 bytes each. */
const MAX_BODY_BYTES = 2 ** 18;

export function addPeerMeasurementCalls(app: HttpServer, context: CentralContext): void {
  app.post(
    '/api/peer-measurements',
    {
      bodyLimit: MAX_BODY_BYTES,
      onRequest: async request => void (await requireMember(request, context, 'tracker')),
      schema: { body: peerMeasurementsRequestSchema, response: { 200: peerMeasurementsResponseSchema } },
    },
    async request => {
      const tracker = await requireMember(request, context, 'tracker');
      const nowMs = Date.now();
      const { after, summaries } = request.body;
      await recordPeerMeasurements(context.db, tracker.id, summaries, nowMs);
      return {
        ...(await listPeerMeasurements(context.db, tracker.id, after, nowMs)),
        sessionKey: context.sessionKey,
      };
    },
  );
}
