/**
 * The heads of the catalogue's pages. They depend on public videos only, never on the client: the page of a video that is hidden is
 * the page of one that does not exist, byte for byte.
 */
import type { FastifyRequest } from 'fastify';
import type { ServedHead } from '../../../kernel/http/pages.ts';
import { siteIdSchema, videoIdSchema } from '../../../protocol/base/ids.ts';
import { normaliseForSearch } from '../../../protocol/base/text.ts';
import { type SeriesId, seriesIdSchema } from '../../../protocol/people/permissions.ts';
import { findPublicVideo, listSeriesVideos } from '../../database/public/videos.ts';
import { isSite } from '../../database/schema.ts';
import { findSeries } from '../../database/series/series.ts';
import { findMember } from '../../database/sites.ts';
import type { CentralContext } from '../context/context.ts';
import { type Addresses, addressesFor } from './addresses.ts';
import { type PageHead, renderHead } from './head.ts';
import { publicQuerySchema, searchPublicVideos } from './public-query.ts';
import { describeCatalogue, describeList, describeVideo } from './structured-data.ts';

const CATALOGUE = 'Videos from many sites, each played from the best one.';
const MAX_LISTED = 100;

interface HeadDeps {
  readonly context: CentralContext;
  readonly addresses: Addresses;
  readonly params: { readonly id?: string; readonly video?: string };
  /** The name of a person. */
  readonly name: string | undefined;
  readonly nowMs: number;
}

const NOWHERE: PageHead = { title: '', description: CATALOGUE, canonical: undefined };

const HEADS: Readonly<Record<string, (deps: HeadDeps) => PageHead | Promise<PageHead>>> = {
  '/': ({ addresses }) => ({
    title: '',
    description: CATALOGUE,
    canonical: `${addresses.base}/`,
    feed: { title: 'New videos', href: `${addresses.base}/feeds/search.xml` },
    data: describeCatalogue(addresses),
  }),
  '/search': () => NOWHERE,
  '/person': headOfPerson,
  '/watch/:video': headOfVideo,
  '/embed/:video': headOfVideo,
  '/series/:id': headOfSeries,
  '/sites/:id': headOfSite,
};

/** @returns undefined for a page that is not part of the catalogue */
export const createHeadOf =
  (context: CentralContext) =>
  async (pattern: string, request: FastifyRequest): Promise<ServedHead | undefined> => {
    const describe = HEADS[pattern];
    if (!describe) return undefined;
    const addresses = await addressesFor(request, context);
    const params = request.params as HeadDeps['params'];
    const name = new URL(request.url, addresses.base).searchParams.get('name') ?? undefined;
    const head = await describe({ context, addresses, params, name, nowMs: Date.now() });
    return { html: renderHead(head, addresses), robots: robotsOf(pattern, head) };
  };

/** A search engine shows the page that embeds a player, not the player itself. */
function robotsOf(pattern: string, { canonical }: PageHead): string | undefined {
  if (canonical === undefined) return 'noindex';
  return pattern.startsWith('/embed/') ? 'noindex, indexifembedded' : undefined;
}

async function headOfVideo({ context, addresses, params, nowMs }: HeadDeps): Promise<PageHead> {
  const { data: id } = videoIdSchema.safeParse(params.video);
  const video = id && (await findPublicVideo(context.db, id, nowMs));
  if (!video) return NOWHERE;
  const { record } = video;
  const series = record.series && (await findSeries(context.db, record.series.id));
  return {
    title: record.name,
    description: record.description || record.name,
    canonical: addresses.watch(record),
    image: addresses.poster(record),
    video,
    ...(series ? { feed: { title: series.title, href: feedOf(series.id, addresses) } } : {}),
    data: describeVideo(video, addresses),
  };
}

const feedOf = (series: SeriesId, { base }: Addresses): string =>
  `${base}/feeds/series/${encodeURIComponent(series)}.xml`;

async function headOfSeries({ context, addresses, params, nowMs }: HeadDeps): Promise<PageHead> {
  const { data: id } = seriesIdSchema.safeParse(params.id);
  const series = id && (await findSeries(context.db, id));
  if (!series) return NOWHERE;
  const order = series.sort_order;
  const videos = await listSeriesVideos(context.db, { id: series.id, order, limit: MAX_LISTED }, nowMs);
  const [first] = videos;
  if (!first) return NOWHERE;
  const url = `${addresses.base}/series/${encodeURIComponent(series.id)}`;
  const { title, description, image } = series;
  return {
    title,
    description: description || title,
    canonical: url,
    image: image
      ? `${addresses.base}/api/series/${encodeURIComponent(series.id)}/image?v=${image}`
      : addresses.poster(first.record),
    feed: { title, href: feedOf(series.id, addresses) },
    data: describeList({ title, description, url }, videos, addresses),
  };
}

/** A name counts only if a public video names the person: the address of a page must not put words into its preview. */
async function headOfPerson({ context, addresses, name, nowMs }: HeadDeps): Promise<PageHead> {
  const { data: query } = publicQuerySchema.safeParse({ person: name });
  if (query?.person === undefined) return NOWHERE;
  const [first] = await searchPublicVideos(context, { ...query, limit: 1 }, nowMs);
  // The name as the record has it.
  const person = first?.record.people?.find(each => isSameName(each.name, query.person));
  if (!first || !person) return NOWHERE;
  const parameters = new URLSearchParams({ name: person.name });
  return {
    title: person.name,
    description: `Videos with ${person.name}`,
    canonical: `${addresses.base}/person?${parameters}`,
    image: addresses.poster(first.record),
    feed: {
      title: person.name,
      href: `${addresses.base}/feeds/search.xml?${new URLSearchParams({ person: person.name })}`,
    },
  };
}

const isSameName = (a: string, b = ''): boolean => normaliseForSearch(a) === normaliseForSearch(b);

async function headOfSite({ context, addresses, params }: HeadDeps): Promise<PageHead> {
  const { data: id } = siteIdSchema.safeParse(params.id);
  const site = id && (await findMember(context.db, id));
  if (!site || !isSite(site) || site.joined_at === null || site.revoked_at !== null) return NOWHERE;
  return {
    title: site.name,
    description: `Videos of ${site.name}`,
    canonical: `${addresses.base}/sites/${site.id}`,
    feed: { title: site.name, href: `${addresses.base}/feeds/search.xml?site=${site.id}` },
  };
}
