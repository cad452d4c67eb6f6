/** Sites greet at every start, and take back what they have forgotten (publication rules R7 and R8). */
import { failpoint } from '../../../kernel/failpoint.ts';
import type { HttpServer } from '../../../kernel/http/server.ts';
import type { SiteId } from '../../../protocol/ids.ts';
import {
  greetingAnswerSchema,
  greetingSchema,
  heldPageSchema,
  heldQuerySchema,
  takeBackAnswerSchema,
  takeBackQuerySchema,
} from '../../../protocol/publication/handshake.ts';
import { listHeld, readHeld, takeGreeting } from '../../database/publication/handshakes.ts';
import { type CentralContext, requireMember } from '../context.ts';

export function addGreetingCalls(app: HttpServer, context: CentralContext): void {
  const { db } = context;

  app.post(
    '/api/greetings',
    { schema: { body: greetingSchema, response: { 200: greetingAnswerSchema } } },
    async request => {
      const { id } = await requireMember(request, context, 'site');
      failpoint('greeting-received');
      const answer = await takeGreeting(db, id as SiteId, request.body, Date.now());
      failpoint('greeting-committed');
      return answer;
    },
  );

  app.post(
    '/api/greetings/held',
    { schema: { body: heldQuerySchema, response: { 200: heldPageSchema } } },
    async request => {
      const { id } = await requireMember(request, context, 'site');
      return listHeld(db, id as SiteId, request.body.epoch, request.body.after);
    },
  );

  app.post(
    '/api/greetings/records',
    { schema: { body: takeBackQuerySchema, response: { 200: takeBackAnswerSchema } } },
    async request => {
      const { id } = await requireMember(request, context, 'site');
      return { records: await readHeld(db, id as SiteId, request.body.epoch, request.body.videos) };
    },
  );
}
