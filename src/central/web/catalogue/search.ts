/** The calls that help to find videos: facets and suggestions. Both only consider videos that the viewer may find. */
import { allowAnyOrigin, READ, servePreflight } from '../../../kernel/http/cross-origin.ts';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { formatFacets } from '../../../kernel/search/format-facets.ts';
import {
  facetsQuerySchema,
  facetsSchema,
  suggestionsQuerySchema,
  suggestionsSchema,
} from '../../../protocol/catalogue/search.ts';
import {
  countVideosByFacet,
  listSeriesTitles,
  listSiteNames,
  suggestVideos,
} from '../../database/search/find-videos.ts';
import { authorityOf, type CentralContext } from '../context/context.ts';

export function addSearchCalls(app: HttpServer, context: CentralContext): void {
  const { reads } = context;
  for (const path of ['/api/facets', '/api/suggestions']) servePreflight(app, path, READ);
  app.get(
    '/api/facets',
    {
      schema: {
        description: 'Counts the values of the videos that match a search and its filters.',
        querystring: facetsQuerySchema,
        response: { 200: facetsSchema },
      },
    },
    async (request, reply) => {
      allowAnyOrigin(reply);
      const counted = await countVideosByFacet(reads, request.query, await authorityOf(request, context));
      return formatFacets(counted, {
        sites: ids => listSiteNames(reads, ids),
        series: ids => listSeriesTitles(reads, ids),
      });
    },
  );
  app.get(
    '/api/suggestions',
    {
      schema: {
        description: 'Suggests names of videos, people and series that begin with the typed text.',
        querystring: suggestionsQuerySchema,
        response: { 200: suggestionsSchema },
      },
    },
    async (request, reply) => {
      allowAnyOrigin(reply);
      return {
        suggestions: await suggestVideos(reads, request.query.q, await authorityOf(request, context)),
      };
    },
  );
}
