/** The calls of links: a site that central cannot connect to polls for requests to its gateway, and posts the responses. */
import * as z from 'zod';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { problem } from '../../../kernel/problem.ts';
import {
  LINK_RESPONSE_TYPE,
  LINK_WAIT_S,
  linkPollSchema,
  linkRequestsSchema,
  linkResponseQuerySchema,
} from '../../../protocol/link.ts';
import { hasPending } from '../../database/publication/signals.ts';
import { MAX_PAGE_RESPONSE_BYTES } from '../../site-reader/read-over-http.ts';
import { type CentralContext, requireSite } from '../context/context.ts';

const parameters = z.object({ id: z.string().max(64) });

export type LinkContext = Pick<CentralContext, 'db' | 'recipient' | 'rejections' | 'links'> & {
  readonly changes: Pick<CentralContext['changes'], 'closed'>;
  readonly collector: Pick<CentralContext['collector'], 'wake'>;
};

export function addLinkCalls(app: HttpServer, context: LinkContext): void {
  const { db, changes, links, collector } = context;
  app.addContentTypeParser(
    LINK_RESPONSE_TYPE,
    // A limit here would apply to every route that has none.
    { parseAs: 'buffer' },
    (request, body, done) => {
      request.rawBody = body as Buffer;
      done(null, undefined);
    },
  );

  app.post(
    '/api/link/requests',
    {
      schema: {
        description:
          'Returns the requests of central to the gateway of the site, which polls for them (site, signed).',
        body: linkPollSchema,
        response: { 200: linkRequestsSchema },
      },
    },
    async (request, reply) => {
      const site = (await requireSite(request, context)).id;
      const disconnected = new AbortController();
      reply.raw.on('close', () => disconnected.abort());
      const { preferred, wait } = request.body;
      const requests = links.poll(
        site,
        preferred,
        wait && !changes.closed ? LINK_WAIT_S * 1_000 : 0,
        disconnected.signal,
      );
      // Signals that are still pending, perhaps at another central, can be handled here now.
      if (await hasPending(db, site)) collector.wake(site);
      return { requests: [...(await requests)] };
    },
  );

  app.post(
    '/api/link/responses/:id',
    {
      bodyLimit: MAX_PAGE_RESPONSE_BYTES,
      onRequest: async request => void (await requireSite(request, context)),
      schema: {
        description: 'Delivers the response of the gateway to one request (site, signed).',
        params: parameters,
        querystring: linkResponseQuerySchema,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const site = await requireSite(request, context);
      const { status } = request.query;
      const text = request.rawBody?.toString('utf8') ?? '';
      if (!links.respond(site.id, request.params.id, { status, text })) {
        throw problem('request-expired', 'This request has expired: no one waits for its response.');
      }
      return reply.code(204).send(null);
    },
  );
}
