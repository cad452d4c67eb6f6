/** oEmbed (https://oembed.com): other programs learn from the address of a watch page how to embed its player. */
import * as z from 'zod';
import { allowAnyOrigin, READ, servePreflight } from '../../../kernel/http/cross-origin.ts';
import { isOwnHost } from '../../../kernel/http/own-names.ts';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { problem } from '../../../kernel/problem.ts';
import { type VideoId, videoIdSchema } from '../../../protocol/base/ids.ts';
import { findPublicVideo, type PublicVideo } from '../../database/public/videos.ts';
import { videoUnknown } from '../../rights/watchable.ts';
import type { CentralContext } from '../context/context.ts';
import { type Addresses, addressesFor } from './addresses.ts';
import { playerSize } from './head.ts';
import { cleanText, escapeHtml } from './markup.ts';

const DEFAULT_WIDTH = 1_280;
const MAX_PIXELS = 10_000;
const CACHE_AGE_S = 3_600;
const pixels = z.coerce.number().int().min(1).max(MAX_PIXELS).optional();

const querySchema = z.object({
  /** The address of a watch page of this central. */
  url: z.string().min(1).max(2_000),
  maxwidth: pixels,
  maxheight: pixels,
  format: z.string().max(20).default('json'),
});
type Query = z.infer<typeof querySchema>;

export function addOembedCall(app: HttpServer, context: CentralContext): void {
  servePreflight(app, '/oembed', READ);
  app.get(
    '/oembed',
    {
      schema: {
        description:
          'How to embed the video of a watch page (oEmbed 1.0). A video that is not public is reported as unknown.',
        querystring: querySchema,
      },
    },
    async (request, reply) => {
      allowAnyOrigin(reply);
      const { url, format, ...size } = request.query;
      // Section 2.3.4: 501 for a format that the provider does not support.
      if (format !== 'json' && format !== 'xml') throw problem('oembed-format');
      const addresses = await addressesFor(request, context);
      const id = findId(url, addresses, context);
      const video = id && (await findPublicVideo(context.db, id, Date.now()));
      if (!video) throw videoUnknown();
      const response = describe(video, addresses, size);
      reply.header('cache-control', `public, max-age=${CACHE_AGE_S}`);
      return format === 'json'
        ? reply.type('application/json; charset=utf-8').send(response)
        : reply.type('text/xml; charset=utf-8').send(formatXml(response));
    },
  );
}

const PAGE = /^\/(?:watch|embed)\/([^/]+)\/?$/;

/** The video of a page of this central, under any of its names. */
function findId(url: string, { base }: Addresses, { config }: CentralContext): VideoId | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, host, pathname } = new URL(url);
  if (!/^https?:$/.test(protocol)) return undefined;
  if (host !== new URL(base).host && !isOwnHost(host, config)) return undefined;
  return videoIdSchema.safeParse(PAGE.exec(pathname)?.[1]).data;
}

type OembedResponse = Readonly<Record<string, string | number>>;

/** Section 2.3.4: the response of type `video`. */
function describe(
  { record, siteName }: PublicVideo,
  addresses: Addresses,
  { maxwidth, maxheight }: Pick<Query, 'maxwidth' | 'maxheight'>,
): OembedResponse {
  const { width, height } = shrink(playerSize(record, DEFAULT_WIDTH), maxwidth, maxheight);
  const title = cleanText(record.name);
  const poster = addresses.poster(record);
  const src = escapeHtml(addresses.embed(record));
  return {
    version: '1.0',
    type: 'video',
    title,
    author_name: cleanText(siteName),
    provider_name: 'Tributary',
    provider_url: `${addresses.base}/`,
    cache_age: CACHE_AGE_S,
    ...(poster ? { thumbnail_url: poster, thumbnail_width: width, thumbnail_height: height } : {}),
    width,
    height,
    html: `<iframe src="${src}" width="${width}" height="${height}" title="${escapeHtml(title)}" allow="autoplay; fullscreen; picture-in-picture; encrypted-media" allowfullscreen style="border: 0"></iframe>`,
  };
}

/** Within both limits, in the same shape. */
function shrink(
  { width, height }: { readonly width: number; readonly height: number },
  maxWidth = width,
  maxHeight = height,
) {
  const scale = Math.min(1, maxWidth / width, maxHeight / height);
  return { width: Math.max(1, Math.floor(width * scale)), height: Math.max(1, Math.floor(height * scale)) };
}

const formatXml = (response: OembedResponse): string => {
  const members = Object.entries(response).map(
    ([name, value]) => `<${name}>${escapeHtml(String(value))}</${name}>`,
  );
  return `<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n<oembed>${members.join('')}</oembed>\n`;
};
