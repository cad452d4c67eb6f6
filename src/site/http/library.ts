/**
 * The library: the videos that this site can play while it is offline. Those that are not public are listed for viewers who may watch
 * them, with a token of this site.
 */
import * as z from 'zod';
import type { AccessGuard } from '../../kernel/access/access.ts';
import type { HttpServer } from '../../kernel/http/server.ts';
import { problem } from '../../kernel/problem.ts';
import { type SiteId, type VideoId, videoIdSchema } from '../../protocol/base/ids.ts';
import { libraryPageSchema } from '../../protocol/site.ts';
import { listLibrary } from '../database/library.ts';
import type { SiteDatabase } from '../database/tables/videos.ts';
import type { SiteRights } from '../rights/site-rights.ts';
import type { ViewerTokens } from '../rights/viewer-tokens.ts';
import { type AccessRules, isTrusted } from './access.ts';

const querySchema = z.object({
  q: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(100).default(24),
  cursor: videoIdSchema.optional(),
});

export interface LibraryDeps {
  readonly db: SiteDatabase;
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
        description: 'Lists the videos that this site can play without any other site.',
        querystring: querySchema,
        response: { 200: libraryPageSchema },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      if (!options.serveViewers && !isTrusted(request.raw, options.access)) {
        throw problem('uploads-only', 'This site only takes uploads and serves no viewers.');
      }
      const { q, limit, cursor } = request.query;
      const { rights, tokenFor } = options;
      const viewer = await options.guard.authorityOf(request.raw);
      const found = await listLibrary(options.db, {
        q,
        limit,
        before: cursor,
        buffered: options.buffered(),
        isPrivate: rights.isPrivate,
        viewer,
        site: options.siteId(),
      });
      const last = found.length > limit ? found[limit - 1] : undefined;
      return {
        site: options.name(),
        connected: options.isConnected(),
        videos: found
          .slice(0, limit)
          .map(video =>
            rights.isPrivate(video.id)
              ? { ...video, token: tokenFor(video.id, { authority: viewer, request: request.raw }) }
              : video,
          ),
        ...(last ? { next: last.id } : {}),
      };
    },
  );
}
