/** Which pages may contain the player of a video, for the player itself and for the headers of its page. */
import type { FastifyRequest } from 'fastify';
import * as z from 'zod';
import type { HttpServer } from '../../kernel/http/server.ts';
import { videoIdSchema } from '../../protocol/base/ids.ts';
import { embeddingSchema } from '../../protocol/embedding.ts';
import { findEmbedOrigins } from '../rights/embedding.ts';
import type { CentralContext } from './context/context.ts';

const parameters = z.object({ id: videoIdSchema });
const query = z.object({ grant: z.string().max(64).optional() });

export function addEmbeddingCall(app: HttpServer, context: CentralContext): void {
  app.get(
    '/api/videos/:id/embedding',
    {
      schema: {
        description:
          'Lists the origins whose pages may contain the player of a video. For a video that is not public, the list is that of the grant.',
        params: parameters,
        querystring: query,
        response: { 200: embeddingSchema },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      return { origins: [...(await findEmbedOrigins(context, request.params.id, request.query.grant))] };
    },
  );
}

/** The origins that may contain the page of an embedded player. An invalid address may be contained by none. */
export async function findFramingOrigins(
  context: CentralContext,
  request: FastifyRequest,
): Promise<readonly string[]> {
  const video = z.object({ video: videoIdSchema }).safeParse(request.params).data?.video;
  const parsed = query.safeParse(request.query);
  if (video === undefined || !parsed.success) return [];
  return findEmbedOrigins(context, video, parsed.data.grant);
}
