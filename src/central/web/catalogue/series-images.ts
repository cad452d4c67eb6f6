/** The images of series: uploaded once, served under an address that changes with the image. */
import type { FastifyRequest } from 'fastify';
import * as z from 'zod';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { sha256Hex } from '../../../kernel/identity/keys.ts';
import { problem } from '../../../kernel/problem.ts';
import { MAX_SERIES_IMAGE_BYTES, MAX_SERIES_IMAGE_PIXELS } from '../../../protocol/catalogue/series.ts';
import { seriesIdSchema } from '../../../protocol/people/permissions.ts';
import { findSeriesImage, replaceSeriesImage } from '../../database/series/images.ts';
import { audit } from '../context/audit.ts';
import type { CentralContext } from '../context/context.ts';
import { identifyImage } from './image-type.ts';

const params = z.object({ id: seriesIdSchema });
const HASH_DIGITS = 16;

export function addSeriesImageCalls(app: HttpServer, context: CentralContext): void {
  const { db } = context;
  // What a client says about the type is ignored: the content decides.
  app.addContentTypeParser(
    ['image/png', 'image/jpeg', 'image/webp'],
    { parseAs: 'buffer' },
    (_request, body, done) => done(null, body),
  );

  app.get(
    '/api/series/:id/image',
    {
      schema: {
        description: 'Returns the image of a series.',
        params,
        querystring: z.object({ v: z.string().max(HASH_DIGITS).optional() }),
      },
    },
    async (request, reply) => {
      const image = await findSeriesImage(db, request.params.id);
      if (!image) throw problem('not-found', 'This series has no image.');
      const isCurrent = request.query.v === image.hash;
      return reply
        .header('cache-control', isCurrent ? 'public, max-age=31536000, immutable' : 'no-cache')
        .header('x-content-type-options', 'nosniff')
        .header('cross-origin-resource-policy', 'cross-origin')
        .type(image.type)
        .send(image.body);
    },
  );

  const requireEdit = (request: FastifyRequest) => {
    const { id } = params.parse(request.params);
    return context.guard.require(request.raw, 'edit-any', { series: id }, `series:${id}`);
  };

  app.put(
    '/api/series/:id/image',
    {
      bodyLimit: MAX_SERIES_IMAGE_BYTES,
      // Before the body is read.
      onRequest: async request => void (await requireEdit(request)),
      schema: {
        description:
          'Sets the image of a series: PNG, JPEG or WebP, at most 1 MB and 4,096 pixels wide and high.',
        params,
      },
    },
    async (request, reply) => {
      await requireEdit(request);
      const { id } = request.params;
      const { body, type } = parseImage(request.body);
      const hash = sha256Hex(body).slice(0, HASH_DIGITS);
      await db.transaction().execute(async tx => {
        if (!(await replaceSeriesImage(tx, id, { body, type, hash })))
          throw problem('series-unknown', 'There is no such series.');
        await audit(
          request,
          context,
          { action: 'series.edit', object: `series:${id}`, after: { image: hash } },
          tx,
        );
      });
      context.changes.notify();
      return reply.code(204).send();
    },
  );

  app.delete('/api/series/:id/image', { schema: { params } }, async (request, reply) => {
    await requireEdit(request);
    const { id } = request.params;
    await db.transaction().execute(async tx => {
      if (!(await replaceSeriesImage(tx, id, undefined)))
        throw problem('series-unknown', 'There is no such series.');
      await audit(
        request,
        context,
        { action: 'series.edit', object: `series:${id}`, after: { image: null } },
        tx,
      );
    });
    context.changes.notify();
    return reply.code(204).send();
  });
}

/** @throws Problem 415 `image-invalid` */
function parseImage(body: unknown): { readonly body: Buffer; readonly type: string } {
  const image = Buffer.isBuffer(body) ? identifyImage(body) : undefined;
  if (!image || !Buffer.isBuffer(body))
    throw problem('image-invalid', 'This file is no PNG, JPEG or WebP image.');
  if (image.width > MAX_SERIES_IMAGE_PIXELS || image.height > MAX_SERIES_IMAGE_PIXELS)
    throw problem(
      'image-invalid',
      `The image has ${image.width} × ${image.height} pixels. Use at most ${MAX_SERIES_IMAGE_PIXELS} in width and height.`,
    );
  return { body, type: image.type };
}
