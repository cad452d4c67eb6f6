/** Series and the operator's fields, with the same calls as at central, as this site last read them there. */
import * as z from 'zod';
import type { HttpServer } from '../../kernel/http/server.ts';
import { problem } from '../../kernel/problem.ts';
import { normaliseForSearch, searchWords } from '../../protocol/base/text.ts';
import { fieldListSchema } from '../../protocol/catalogue/fields.ts';
import {
  type Series,
  seriesListSchema,
  seriesQuerySchema,
  seriesSchema,
} from '../../protocol/catalogue/series.ts';
import { seriesIdSchema } from '../../protocol/people/permissions.ts';
import type { KnownLists } from '../database/central-lists.ts';

export interface CentralListDeps {
  readonly lists: () => KnownLists | undefined;
  /** The URL of central, which has the images. */
  readonly centralUrl: () => string | undefined;
}

export function serveCentralLists(app: HttpServer, { lists, centralUrl }: CentralListDeps): void {
  const all = (): readonly Series[] => lists()?.series ?? [];
  const describe = ({ image, ...series }: Series): Series => {
    const url = centralUrl();
    return {
      ...series,
      ...(image !== undefined && url !== undefined ? { image: new URL(image, url).href } : {}),
    };
  };

  app.get(
    '/api/series',
    {
      schema: {
        description: 'Lists the series of central by title, also while this site is disconnected.',
        querystring: seriesQuerySchema,
        response: { 200: seriesListSchema },
      },
    },
    async request => {
      const { q, limit, cursor } = request.query;
      const words = searchWords(q);
      const found = all().filter(({ title, description }) => {
        const text = words.length === 0 ? '' : normaliseForSearch(`${title}\n${description}`);
        return words.every(word => text.includes(word));
      });
      // Central sends them in the order of their titles, so the id of the last one is the cursor.
      const start = cursor === undefined ? 0 : found.findIndex(({ id }) => id === cursor) + 1;
      if (cursor !== undefined && start === 0) throw problem('cursor-invalid', 'Start without a cursor.');
      const page = found.slice(start, start + limit);
      const last = page.at(-1);
      return {
        series: page.map(describe),
        ...(last && found.length > start + limit ? { next: last.id } : {}),
      };
    },
  );

  app.get(
    '/api/series/:id',
    { schema: { params: z.object({ id: seriesIdSchema }), response: { 200: seriesSchema } } },
    async request => {
      const series = all().find(({ id }) => id === request.params.id);
      if (!series) throw problem('series-unknown', 'This site knows no such series.');
      return describe(series);
    },
  );

  app.get(
    '/api/fields',
    {
      schema: {
        description: 'Lists the fields that the operator has declared at central.',
        response: { 200: fieldListSchema },
      },
    },
    async () => ({ fields: [...(lists()?.fields ?? [])] }),
  );
}
