/** The call with which trackers deliver how often videos were played. */
import type * as z from 'zod';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { playCountsSchema, playDeliverySchema } from '../../../protocol/copies.ts';
import { countPlays } from '../../database/plays/count.ts';
import { type CentralContext, requireMember } from '../context/context.ts';

/** Enough for 1,000 videos of about 70 bytes each. */
const MAX_BYTES = 2 ** 17;

const querySchema = playDeliverySchema.partial();

export function addPlayCalls(app: HttpServer, context: CentralContext): void {
  app.post<{ Querystring: z.infer<typeof querySchema>; Body: z.infer<typeof playCountsSchema> }>(
    '/api/plays',
    {
      bodyLimit: MAX_BYTES,
      onRequest: async request => void (await requireMember(request, context, 'tracker')),
      schema: {
        description:
          'How often videos were played since the last delivery (tracker, signed). A delivery with the same epoch and sequence is counted once, however often it is repeated.',
        querystring: querySchema,
        body: playCountsSchema,
      },
    },
    async (request, reply) => {
      const tracker = await requireMember(request, context, 'tracker');
      const { data } = playDeliverySchema.safeParse(request.query);
      const delivery = data && { ...data, tracker: tracker.id };
      await countPlays(context.db, { plays: request.body.plays, delivery }, Date.now());
      return reply.code(204).send();
    },
  );
}
