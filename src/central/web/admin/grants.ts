/** The calls for links to private videos, for those who may grant them: make, list and revoke. */
import type { FastifyRequest } from 'fastify';
import * as z from 'zod';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { problem } from '../../../kernel/problem.ts';
import { type VideoId, videoIdSchema } from '../../../protocol/base/ids.ts';
import { isAllowed } from '../../../protocol/people/permissions.ts';
import { mayWatch } from '../../../protocol/people/viewing.ts';
import {
  type Grant,
  grantIdSchema,
  grantListSchema,
  grantSchema,
  newGrantSchema,
  revocationSchema,
} from '../../../protocol/rights.ts';
import { formatCursor, parseCursor } from '../../database/cursor.ts';
import { findGrant, insertGrant, listGrants, revokeGrants } from '../../database/grants.ts';
import { listMasters } from '../../database/rights-keys.ts';
import type { CentralDatabase, GrantRow } from '../../database/schema.ts';
import { describeGrant } from '../../rights/grants.ts';
import { findWatchable, videoUnknown, type WatchableVideo } from '../../rights/watchable.ts';
import { audit } from '../context/audit.ts';
import { authorityOf, type CentralContext, listTrackerUrls } from '../context/context.ts';

const MAX_LISTED = 500;
const ofVideo = z.object({ id: videoIdSchema });
const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(MAX_LISTED).default(MAX_LISTED),
  cursor: z.string().max(200).optional(),
});
const ofGrant = z.object({ id: videoIdSchema, grant: grantIdSchema });

async function listGrantPage(
  db: CentralDatabase,
  video: VideoId,
  { limit, cursor }: z.infer<typeof pageQuery>,
): Promise<{ readonly rows: readonly GrantRow[]; readonly next: string | undefined }> {
  const before = cursor === undefined ? undefined : parseCursor(cursor);
  const found = await listGrants(db, video, Date.now(), { limit, before });
  const rows = found.slice(0, limit);
  const last = found.length > limit ? rows.at(-1) : undefined;
  return { rows, next: last && formatCursor({ at: Number(last.created_at), id: last.id }) };
}

/**
 * A video that the person may not know of is unknown.
 *
 * @throws Problem 404 `video-unknown`; 401, 403 as `guard.require` does
 */
async function requireLinks(
  context: CentralContext,
  request: FastifyRequest,
  video: VideoId,
): Promise<WatchableVideo['row']> {
  const found = await findWatchable(context.db, video);
  const authority = await authorityOf(request, context);
  const mayKnow =
    found && (mayWatch(authority, found.watchable) || isAllowed(authority, 'grant-links', found.watchable));
  if (!mayKnow) {
    if (found) await context.guard.noteHidden(request.raw, 'grant-links', found.watchable, `video:${video}`);
    throw videoUnknown();
  }
  await context.guard.require(request.raw, 'grant-links', found.watchable, `video:${video}`);
  return found.row;
}

/** @throws Problem as `requireLinks` does; 410 `video-withdrawn`; 409 `video-public` */
async function requirePrivate(
  context: CentralContext,
  request: FastifyRequest,
  video: VideoId,
): Promise<void> {
  const row = await requireLinks(context, request, video);
  if (row.revoked_at !== null) throw videoUnknown();
  if (row.withdrawn !== 0) throw problem('video-withdrawn', 'This video was withdrawn.');
  if (row.private !== 1)
    throw problem('video-public', 'This video is public: everyone can watch it without a grant.');
}

function issueGrant(
  context: CentralContext,
  request: FastifyRequest<{ Body: z.infer<typeof newGrantSchema> }>,
  video: VideoId,
): Promise<GrantRow> {
  const { lifetimeS, note, origins } = request.body;
  const nowMs = Date.now();
  const expiresMs = nowMs + lifetimeS * 1_000;
  return context.db.transaction().execute(async tx => {
    const row = await insertGrant(tx, { video, note, expiresMs, origins }, nowMs);
    const after = {
      grant: row.id,
      note,
      expiresAt: new Date(expiresMs).toISOString(),
      ...(origins ? { origins } : {}),
    };
    await audit(request, context, { action: 'grant.issue', object: `video:${video}`, after }, tx);
    return row;
  });
}

export function addGrantCalls(app: HttpServer, context: CentralContext): void {
  const { db, changes, secrets, config } = context;

  async function createDescriber(request: FastifyRequest): Promise<(row: GrantRow) => Grant> {
    const [master] = await listMasters(db, secrets, Date.now());
    const [trackerUrl] = await listTrackerUrls(db);
    const centralUrl = config.baseUrl ?? `${request.protocol}://${request.host}`;
    return row => describeGrant(row, master, { centralUrl, trackerUrl });
  }

  app.post(
    '/api/videos/:id/grants',
    {
      schema: {
        description:
          'Makes a grant, which permits watching a private video for a limited time, with a link and URLs for players (`grant-links`).',
        params: ofVideo,
        body: newGrantSchema,
        response: { 201: grantSchema },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      await requirePrivate(context, request, id);
      const row = await issueGrant(context, request, id);
      const describe = await createDescriber(request);
      return reply.header('cache-control', 'no-store').code(201).send(describe(row));
    },
  );

  app.get(
    '/api/videos/:id/grants',
    {
      schema: {
        description: 'Lists the valid links of a video, newest first (`grant-links`).',
        params: ofVideo,
        querystring: pageQuery,
        response: { 200: grantListSchema },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      await requireLinks(context, request, request.params.id);
      const { rows, next } = await listGrantPage(db, request.params.id, request.query);
      return { grants: rows.map(await createDescriber(request)), ...(next ? { next } : {}) };
    },
  );

  app.delete(
    '/api/videos/:id/grants/:grant',
    {
      schema: {
        description: 'Revokes a grant. Connected sites stop accepting it within seconds (`grant-links`).',
        params: ofGrant,
        response: { 200: revocationSchema },
      },
    },
    async request => {
      const { id, grant } = request.params;
      await requireLinks(context, request, id);
      if (!(await findGrant(db, id, grant))) throw problem('grant-unknown', 'There is no such grant.');
      return revoke(request, id, grant);
    },
  );

  app.delete(
    '/api/videos/:id/grants',
    {
      schema: {
        description: 'Revokes all links of a video (`grant-links`).',
        params: ofVideo,
        response: { 200: revocationSchema },
      },
    },
    async request => {
      await requireLinks(context, request, request.params.id);
      return revoke(request, request.params.id, undefined);
    },
  );

  async function revoke(request: FastifyRequest, video: VideoId, grant: string | undefined) {
    const revoked = await db.transaction().execute(async tx => {
      const count = await revokeGrants(tx, video, grant, Date.now());
      const after = { ...(grant === undefined ? {} : { grant }), revoked: count };
      await audit(request, context, { action: 'grant.revoke', object: `video:${video}`, after }, tx);
      return count;
    });
    changes.notify();
    return { revoked };
  }
}
