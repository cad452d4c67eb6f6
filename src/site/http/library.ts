/**
 * The library: the videos that this site can play while it is offline. Those that are not public are listed for viewers who may watch
 * them, with a token of this site.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AccessGuard } from '../../kernel/access/access.ts';
import type { Authority } from '../../kernel/access/authority.ts';
import type { HttpServer } from '../../kernel/http/server.ts';
import { problem } from '../../kernel/problem.ts';
import type { PageOf } from '../../kernel/search/database/page.ts';
import { formatFacets } from '../../kernel/search/format-facets.ts';
import { type SiteId, type VideoId, videoIdSchema } from '../../protocol/base/ids.ts';
import {
  facetsQuerySchema,
  facetsSchema,
  suggestionsQuerySchema,
  suggestionsSchema,
  type VideoQuery,
  videoQuerySchema,
} from '../../protocol/catalogue/search.ts';
import { libraryPageSchema } from '../../protocol/site.ts';
import { describeHoldings, type LibraryViewer, listLibrary } from '../database/library.ts';
import {
  countHoldings,
  type FoundHolding,
  findHoldings,
  listSeriesTitles,
  suggestHoldings,
} from '../database/search/find-holdings.ts';
import type { SiteDatabase } from '../database/tables/videos.ts';
import type { SiteRights } from '../rights/site-rights.ts';
import type { ViewerTokens } from '../rights/viewer-tokens.ts';
import { type AccessRules, isTrusted } from './access.ts';

export interface LibraryDeps {
  /** The database, for reading only. */
  readonly reads: SiteDatabase;
  readonly name: () => string;
  readonly access: AccessRules;
  /** If false, only trusted networks are served. */
  readonly serveViewers: boolean;
  readonly buffered: () => ReadonlySet<VideoId>;
  readonly rights: Pick<SiteRights, 'isPrivate'>;
  readonly tokenFor: ViewerTokens['forLibrary'];
  readonly guard: AccessGuard;
  /** Undefined until this site has joined. */
  readonly siteId: () => SiteId | undefined;
  /** True if central responded to the last request. */
  readonly isConnected: () => boolean;
}

export function serveLibrary(app: HttpServer, options: LibraryDeps): void {
  app.get(
    '/api/library',
    {
      schema: {
        description: 'Finds the videos that this site can play without any other site.',
        querystring: videoQuerySchema,
        response: { 200: libraryPageSchema },
      },
    },
    async (request, reply) => {
      const viewer = await viewerOf(request, reply, options);
      const { rights, tokenFor } = options;
      const { items, next } = await listVideos(options.reads, request.query, viewer);
      return {
        site: options.name(),
        connected: options.isConnected(),
        videos: items.map(video =>
          rights.isPrivate(video.id)
            ? { ...video, token: tokenFor(video.id, { authority: viewer.viewer, request: request.raw }) }
            : video,
        ),
        ...(next === undefined ? {} : { next }),
      };
    },
  );
  app.get(
    '/api/facets',
    {
      schema: {
        description: 'Counts the values of the videos that match a search in the library and its filters.',
        querystring: facetsQuerySchema,
        response: { 200: facetsSchema },
      },
    },
    async (request, reply) => {
      const viewer = await viewerOf(request, reply, options);
      const { siteId, name, reads } = options;
      return formatFacets(await countHoldings(reads, request.query, viewer), {
        sites: () => Promise.resolve(new Map([[siteId() ?? '', name()]])),
        series: () => listSeriesTitles(reads),
      });
    },
  );
  app.get(
    '/api/suggestions',
    {
      schema: {
        description:
          'Suggests names of videos, people and series of the library that begin with the typed text.',
        querystring: suggestionsQuerySchema,
        response: { 200: suggestionsSchema },
      },
    },
    async (request, reply) => {
      const viewer = await viewerOf(request, reply, options);
      return { suggestions: await suggestHoldings(options.reads, request.query.q, viewer) };
    },
  );
}

/** @throws Problem 403 `uploads-only` */
async function viewerOf(
  request: FastifyRequest,
  reply: FastifyReply,
  { serveViewers, access, guard, buffered, rights, siteId }: LibraryDeps,
): Promise<LibraryViewer & { readonly viewer: Authority }> {
  reply.header('cache-control', 'no-store');
  if (!serveViewers && !isTrusted(request.raw, access)) {
    throw problem('uploads-only', 'This site only takes uploads and serves no viewers.');
  }
  return {
    buffered: buffered(),
    isPrivate: rights.isPrivate,
    viewer: await guard.authorityOf(request.raw),
    site: siteId(),
  };
}

const cursorSchema = videoIdSchema;

/** The newest videos need no search index. */
async function listVideos(
  db: SiteDatabase,
  { ids, q, order, limit, cursor, ...filter }: VideoQuery,
  viewer: LibraryViewer,
): Promise<PageOf<FoundHolding>> {
  if (ids) return { items: [...(await describeHoldings(db, ids, viewer)).values()] };
  const isPlain =
    !q?.trim() &&
    (order ?? 'newest') === 'newest' &&
    Object.values(filter).every(value => value === undefined);
  if (!isPlain) return findHoldings(db, { q, order, limit, cursor, ...filter }, viewer);
  const before = cursor === undefined ? undefined : cursorSchema.safeParse(cursor);
  if (before?.success === false)
    throw problem('cursor-invalid', 'This cursor does not come from this list. Start without a cursor.');
  const found = await listLibrary(db, { ...viewer, limit, before: before?.data });
  return { items: found.slice(0, limit), next: found.length > limit ? found[limit - 1]?.id : undefined };
}
