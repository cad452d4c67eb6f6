/** The feeds of a series and of a search, for feed readers and podcast programs. They contain public videos only. */
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import * as z from 'zod';
import { gzipEtag } from '../../../kernel/http/coding/gzip.ts';
import { allowAnyOrigin } from '../../../kernel/http/cross-origin.ts';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { problem } from '../../../kernel/problem.ts';
import { seriesIdSchema } from '../../../protocol/people/permissions.ts';
import { listSeriesVideos, type PublicVideo } from '../../database/public/videos.ts';
import { findSeries } from '../../database/series/series.ts';
import type { CentralContext } from '../context/context.ts';
import { type Addresses, addressesFor } from './addresses.ts';
import { publicQuerySchema, searchPublicVideos } from './public-query.ts';
import { type FeedText, lastChangeOf, renderRss } from './rss.ts';

const MAX_ITEMS = 100;
const CACHE_S = 300;

export function addFeedCalls(app: HttpServer, context: CentralContext): void {
  const { db } = context;

  app.get<{ Params: { file: string } }>(
    '/feeds/series/:file',
    {
      schema: {
        description: '`{id}.xml`: the public videos of a series as RSS 2.0.',
        params: z.object({ file: z.string().max(80) }),
      },
    },
    async (request, reply) => {
      const { data: id } = seriesIdSchema.safeParse(/^(.*)\.xml$/.exec(request.params.file)?.[1]);
      const series = id && (await findSeries(db, id));
      const videos = series
        ? await listSeriesVideos(
            db,
            { id: series.id, order: series.sort_order, limit: MAX_ITEMS },
            Date.now(),
          )
        : [];
      // A series without public videos looks like one that does not exist.
      if (!series || videos.length === 0) throw problem('series-unknown', 'There is no such series.');
      const addresses = await addressesFor(request, context);
      const name = encodeURIComponent(series.id);
      const { title, description, image } = series;
      const text = {
        title,
        description,
        page: `${addresses.base}/series/${name}`,
        feed: `${addresses.base}/feeds/series/${name}.xml`,
        image: image === null ? undefined : `${addresses.base}/api/series/${name}/image?v=${image}`,
      };
      return sendFeed(request, reply, { text, videos, addresses });
    },
  );

  app.get(
    '/feeds/search.xml',
    {
      schema: {
        description: 'The public videos that match as RSS 2.0; without a query, the newest ones.',
        querystring: publicQuerySchema,
      },
    },
    async (request, reply) => {
      const videos = await searchPublicVideos(context, { ...request.query, limit: MAX_ITEMS }, Date.now());
      const addresses = await addressesFor(request, context);
      const { q } = request.query;
      const parameters = Object.entries(request.query).map(
        ([name, value]) => [name, String(value)] as [string, string],
      );
      const query = parameters.length === 0 ? '' : `?${new URLSearchParams(parameters)}`;
      const title = q ? `Tributary: ${q}` : 'Tributary';
      const text = {
        title,
        description: title,
        page: query === '' ? `${addresses.base}/` : `${addresses.base}/search${query}`,
        feed: `${addresses.base}/feeds/search.xml${query}`,
      };
      return sendFeed(request, reply, { text, videos, addresses });
    },
  );
}

interface SentFeed {
  readonly text: FeedText;
  readonly videos: readonly PublicVideo[];
  readonly addresses: Addresses;
}

/** Readers ask every few minutes, so unchanged feeds are not sent again (RFC 9110, section 13). */
function sendFeed(request: FastifyRequest, reply: FastifyReply, { text, videos, addresses }: SentFeed) {
  allowAnyOrigin(reply);
  const body = renderRss(text, videos, addresses);
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  const changedAtMs = lastChangeOf(videos);
  reply.headers({
    etag,
    'cache-control': `public, max-age=${CACHE_S}`,
    ...(changedAtMs > 0 ? { 'last-modified': new Date(changedAtMs).toUTCString() } : {}),
  });
  const known = request.headers['if-none-match'];
  if (known === etag) return reply.code(304).send();
  if (known === gzipEtag(etag)) return reply.code(304).header('etag', known).send();
  return reply.type('application/rss+xml; charset=utf-8').send(body);
}
