/** The handshake, with which a site begins at every start, and the restoration of records that it lost (publication rules R7 and R8). */
import { failpoint } from '../../../kernel/failpoint.ts';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { Problem } from '../../../kernel/problem.ts';
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
  const { db, rejections } = context;

  app.post(
    '/api/handshakes',
    { schema: { body: handshakeRequestSchema, response: { 200: handshakeResponseSchema } } },
    async request => {
      const { id } = await requireSite(request, context);
      failpoint('handshake-received');
      const handshake = { ...request.body, address: request.ip };
      const response = await acceptHandshake(db, id, handshake, Date.now()).catch(async error => {
        if (error instanceof Problem && error.code === 'site-cloned') {
          await rejections.note(
            id,
            error.code,
            `The handshake of ${request.ip} was refused. ${error.message}`,
          );
        }
        throw error;
      });
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
