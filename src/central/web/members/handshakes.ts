/** The handshake, with which a site begins at every start, and the restoration of records that it lost (publication rules R7 and R8). */
import { failpoint } from '../../../kernel/failpoint.ts';
import type { HttpServer } from '../../../kernel/http/server.ts';
import {
  handshakeRequestSchema,
  handshakeResponseSchema,
  heldPageSchema,
  heldQuerySchema,
  restoreRequestSchema,
  restoreResponseSchema,
} from '../../../protocol/publication/handshake.ts';
import { acceptHandshake, listHeld, readHeld } from '../../database/publication/handshakes.ts';
import { type CentralContext, requireSite } from '../context/context.ts';

export function addHandshakeCalls(app: HttpServer, context: CentralContext): void {
  const { db } = context;

  app.post(
    '/api/handshakes',
    { schema: { body: handshakeRequestSchema, response: { 200: handshakeResponseSchema } } },
    async request => {
      const { id } = await requireSite(request, context);
      failpoint('handshake-received');
      const response = await acceptHandshake(db, id, request.body, Date.now());
      failpoint('handshake-committed');
      return response;
    },
  );

  app.post(
    '/api/handshakes/held',
    { schema: { body: heldQuerySchema, response: { 200: heldPageSchema } } },
    async request => {
      const { id } = await requireSite(request, context);
      return listHeld(db, id, request.body.epoch, request.body.after);
    },
  );

  app.post(
    '/api/handshakes/records',
    { schema: { body: restoreRequestSchema, response: { 200: restoreResponseSchema } } },
    async request => {
      const { id } = await requireSite(request, context);
      return { records: await readHeld(db, id, request.body.epoch, request.body.videos) };
    },
  );
}
