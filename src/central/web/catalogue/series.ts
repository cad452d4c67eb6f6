/** The calls for series: everyone lists them, and those who may edit all videos, or all of the series, change them. */
import * as z from 'zod';
import { allowAnyOrigin, READ, servePreflight } from '../../../kernel/http/cross-origin.ts';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { type Problem, problem } from '../../../kernel/problem.ts';
import { newId } from '../../../protocol/base/ids.ts';
import { MAX_SERIES } from '../../../protocol/catalogue/central-lists.ts';
import {
  newSeriesSchema,
  seriesEditSchema,
  seriesListSchema,
  seriesQuerySchema,
  seriesSchema,
} from '../../../protocol/catalogue/series.ts';
import { seriesIdSchema } from '../../../protocol/people/permissions.ts';
import { formatTextCursor, parseTextCursor } from '../../database/cursor.ts';
import {
  countSeries,
  deleteSeries,
  findSeries,
  insertSeries,
  listSeries,
  updateSeries,
} from '../../database/series/series.ts';
import { audit } from '../context/audit.ts';
import { authorityOf, type CentralContext } from '../context/context.ts';
import { describeSeries, textOf } from './describe-series.ts';

const params = z.object({ id: seriesIdSchema });

const seriesUnknown = (): Problem => problem('series-unknown', 'There is no such series.');

export function addSeriesCalls(app: HttpServer, context: CentralContext): void {
  const { db } = context;
  for (const path of ['/api/series', '/api/series/:id']) servePreflight(app, path, READ);

  app.get(
    '/api/series',
    {
      schema: {
        description: 'Lists the series by title. `q` searches titles and descriptions.',
        querystring: seriesQuerySchema,
        response: { 200: seriesListSchema },
      },
    },
    async (request, reply) => {
      allowAnyOrigin(reply);
      reply.header('cache-control', 'no-store');
      const { q, limit, cursor } = request.query;
      const viewer = await authorityOf(request, context);
      const after = cursor === undefined ? undefined : parseTextCursor(cursor);
      const rows = await listSeries(db, { q, limit, after });
      const last = rows.length > limit ? rows[limit - 1] : undefined;
      return {
        series: rows.slice(0, limit).map(row => describeSeries(viewer, row)),
        ...(last ? { next: formatTextCursor({ text: last.sort_text, id: last.id }) } : {}),
      };
    },
  );

  app.get(
    '/api/series/:id',
    { schema: { params, response: { 200: seriesSchema } } },
    async (request, reply) => {
      allowAnyOrigin(reply);
      reply.header('cache-control', 'no-store');
      const viewer = await authorityOf(request, context);
      const row = await findSeries(db, request.params.id);
      if (!row) throw seriesUnknown();
      return describeSeries(viewer, row);
    },
  );

  addSeriesChanges(app, context);
}

function addSeriesChanges(app: HttpServer, context: CentralContext): void {
  const { db } = context;

  app.post(
    '/api/series',
    { schema: { body: newSeriesSchema, response: { 201: seriesSchema } } },
    async (request, reply) => {
      const { id = newId(), ...text } = request.body;
      const created = await db.transaction().execute(async tx => {
        if ((await countSeries(tx)) >= MAX_SERIES)
          throw problem('series-too-many', `There are at most ${MAX_SERIES} series. Delete one first.`);
        if (!(await insertSeries(tx, id, text, Date.now())))
          throw problem('series-exists', `There is a series with the id "${id}".`);
        const row = await findSeries(tx, id);
        if (!row) throw seriesUnknown();
        await audit(request, context, { action: 'series.create', object: `series:${id}`, after: text }, tx);
        return row;
      });
      context.changes.notify();
      return reply.code(201).send(describeSeries(await authorityOf(request, context), created));
    },
  );

  app.patch(
    '/api/series/:id',
    { schema: { params, body: seriesEditSchema, response: { 200: seriesSchema } } },
    async request => {
      const { id } = request.params;
      const object = `series:${id}`;
      const viewer = await context.guard.require(request.raw, 'edit-any', { series: id }, object);
      const changed = await db.transaction().execute(async tx => {
        const row = await findSeries(tx, id);
        if (!row) throw seriesUnknown();
        const before = textOf(row);
        const { title, description, order } = request.body;
        const after = {
          title: title ?? before.title,
          description: description ?? before.description,
          order: order ?? before.order,
        };
        await updateSeries(tx, id, after);
        await audit(request, context, { action: 'series.edit', object, before, after }, tx);
        return findSeries(tx, id);
      });
      if (!changed) throw seriesUnknown();
      context.changes.notify();
      return describeSeries(viewer, changed);
    },
  );

  app.delete(
    '/api/series/:id',
    {
      schema: {
        description: 'Removes a series. Its videos stay, and their records still name it.',
        params,
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      await db.transaction().execute(async tx => {
        const row = await findSeries(tx, id);
        if (!row) throw seriesUnknown();
        await deleteSeries(tx, id);
        await audit(
          request,
          context,
          { action: 'series.delete', object: `series:${id}`, before: textOf(row) },
          tx,
        );
      });
      context.changes.notify();
      return reply.code(204).send();
    },
  );
}
