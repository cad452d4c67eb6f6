/** Trackers tell each other what viewers measured, through the one place that all of them know. */
import type { HttpServer } from '../../../kernel/http/server.ts';
import { hearsayAnswerSchema, hearsayExchangeSchema } from '../../../protocol/peer-measurements.ts';
import { listHearsay, tellHearsay } from '../../database/peer-measurements.ts';
import { type CentralContext, requireMember } from '../context.ts';

/** 500 summaries of about 250 bytes. */
const MAX_BODY_BYTES = 2 ** 18;

export function addHearsayCalls(app: HttpServer, context: CentralContext): void {
  app.post(
    '/api/hearsay',
    {
      bodyLimit: MAX_BODY_BYTES,
      schema: { body: hearsayExchangeSchema, response: { 200: hearsayAnswerSchema } },
    },
    async request => {
      const tracker = await requireMember(request, context, 'tracker');
      const nowMs = Date.now();
      const { after, summaries } = request.body;
      await tellHearsay(context.db, tracker.id, summaries, nowMs);
      return { ...(await listHearsay(context.db, tracker.id, after, nowMs)), sessionKey: context.sessionKey };
    },
  );
}
