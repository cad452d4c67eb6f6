/** Grants of private videos, as an operator gives them, lists them and takes them back. */
import type { FastifyRequest } from 'fastify';
import * as z from 'zod';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { problem } from '../../../kernel/problem.ts';
import { type VideoId, videoIdSchema } from '../../../protocol/ids.ts';
import {
  grantIdSchema,
  grantListSchema,
  grantSchema,
  newGrantSchema,
  revocationSchema,
} from '../../../protocol/rights.ts';
import { findVideo } from '../../database/catalogue.ts';
import { findGrant, insertGrant, listGrants, revokeGrants } from '../../database/grants.ts';
import { listMasters } from '../../database/rights-keys.ts';
import type { GrantRow } from '../../database/schema.ts';
import { describeGrant } from '../../rights/grants.ts';
import { type CentralContext, listTrackerUrls, requireOperator } from '../context.ts';

const MAX_LISTED = 500;
const ofVideo = z.object({ id: videoIdSchema });
const ofGrant = z.object({ id: videoIdSchema, grant: grantIdSchema });

export function addGrantCalls(app: HttpServer, context: CentralContext): void {
  const { db, changes, secrets, config } = context;

  async function describe(request: FastifyRequest, rows: readonly GrantRow[]) {
    const [master] = await listMasters(db, secrets, Date.now());
    const [trackerUrl] = await listTrackerUrls(db);
    const centralUrl = config.baseUrl ?? `${request.protocol}://${request.host}`;
    return rows.map(row => describeGrant(row, master, { centralUrl, trackerUrl }));
  }

  async function requirePrivate(video: VideoId): Promise<void> {
    const row = await findVideo(db, video);
    if (!row || row.revoked_at !== null) throw problem('video-unknown', 'There is no such video.');
    if (row.withdrawn === 1) throw problem('video-withdrawn', 'This video was withdrawn.');
    if (row.private !== 1)
      throw problem('video-public', 'This video is public: everybody may watch it without a grant.');
  }

  app.post(
    '/api/videos/:id/grants',
    {
      schema: {
        description:
          'Gives a right to watch a private video for a time: a link to hand out, and addresses for players (operator).',
        params: ofVideo,
        body: newGrantSchema,
        response: { 201: grantSchema },
      },
    },
    async (request, reply) => {
      requireOperator(request, context);
      const { id } = request.params;
      await requirePrivate(id);
      const { lifetimeS, note } = request.body;
      const nowMs = Date.now();
      const row = await insertGrant(db, id, note, nowMs + lifetimeS * 1_000, nowMs);
      const [grant] = await describe(request, [row]);
      return reply
        .header('cache-control', 'no-store')
        .code(201)
        .send(grant as NonNullable<typeof grant>);
    },
  );

  app.get(
    '/api/videos/:id/grants',
    {
      schema: {
        description: 'The grants of a video that hold, newest first (operator).',
        params: ofVideo,
        response: { 200: grantListSchema },
      },
    },
    async (request, reply) => {
      requireOperator(request, context);
      reply.header('cache-control', 'no-store');
      const rows = await listGrants(db, request.params.id, Date.now(), MAX_LISTED);
      return { grants: await describe(request, rows) };
    },
  );

  app.delete(
    '/api/videos/:id/grants/:grant',
    {
      schema: {
        description: 'Takes a grant back: within seconds no connected site serves it any more (operator).',
        params: ofGrant,
        response: { 200: revocationSchema },
      },
    },
    async request => {
      requireOperator(request, context);
      const { id, grant } = request.params;
      if (!(await findGrant(db, id, grant))) throw problem('grant-unknown', 'There is no such grant.');
      return revoke(id, grant);
    },
  );

  app.delete(
    '/api/videos/:id/grants',
    {
      schema: {
        description: 'Takes all grants of a video back (operator).',
        params: ofVideo,
        response: { 200: revocationSchema },
      },
    },
    async request => {
      requireOperator(request, context);
      return revoke(request.params.id, undefined);
    },
  );

  async function revoke(video: VideoId, grant: string | undefined) {
    const revoked = await revokeGrants(db, video, grant, Date.now());
    changes.notify();
    return { revoked };
  }
}
