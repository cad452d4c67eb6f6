/** The calls with which a viewer who may watch a video gets a grant, which trackers accept: to play it, and to see its images. */
import type { FastifyRequest } from 'fastify';
import * as z from 'zod';
import { type Authority, whoOf } from '../../kernel/access/authority.ts';
import { requestAddress } from '../../kernel/access/request-address.ts';
import type { HttpServer } from '../../kernel/http/server.ts';
import { problem } from '../../kernel/problem.ts';
import { type VideoId, videoIdSchema } from '../../protocol/base/ids.ts';
import { POSTER, STORYBOARD } from '../../protocol/media/media-address.ts';
import { mayWatch } from '../../protocol/people/viewing.ts';
import { viewingSchema } from '../../protocol/rights.ts';
import { listMasters } from '../database/rights-keys.ts';
import { parseStoredRecord } from '../database/stored-record.ts';
import { signGrant } from '../rights/grants.ts';
import { issueViewingGrant } from '../rights/viewing.ts';
import { findWatchable, videoUnknown } from '../rights/watchable.ts';
import { authorityOf, type CentralContext, formatTime, listTrackerUrls } from './context/context.ts';

const params = z.object({ id: videoIdSchema });

export function addViewingCalls(app: HttpServer, context: CentralContext): void {
  addViewingCall(app, context);
  addImageCall(app, context, POSTER);
  addImageCall(app, context, STORYBOARD);
}

function addViewingCall(app: HttpServer, context: CentralContext): void {
  const { config } = context;
  app.post(
    '/api/videos/:id/viewing',
    {
      schema: {
        description:
          'Returns a grant for a video that is not public, for everyone who may watch it: signed in, or in a house network.',
        params,
        response: { 200: viewingSchema },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      const { id } = request.params;
      const { viewer, isPublic, ...video } = await findFor(context, request, id);
      if (isPublic)
        throw problem('video-public', 'This video is public: everyone can watch it without a grant.');
      const { grant, expiresMs } = await issue(context, viewer, video);
      context.audit.recordWatch({
        who: whoOf(viewer),
        from: requestAddress(request.raw, config.trustedProxies),
        action: 'video.watch',
        object: `video:${id}`,
      });
      return { grant, expiresAt: new Date(expiresMs).toISOString() };
    },
  );
}

/** The images of a page carry the session, and cannot carry a grant that the page would have to request first. */
function addImageCall(
  app: HttpServer,
  context: CentralContext,
  file: typeof POSTER | typeof STORYBOARD,
): void {
  app.get(
    `/api/videos/:id/${file}`,
    {
      schema: {
        description: `Redirects to ${file} at a tracker, with a grant if the video needs one.`,
        params,
      },
    },
    async (request, reply) => {
      // No page of another origin finds out with an image which videos this browser may watch.
      reply.header('cache-control', 'no-store').header('cross-origin-resource-policy', 'same-origin');
      const { viewer, isPublic, ...video } = await findFor(context, request, request.params.id);
      const grant = isPublic ? undefined : (await issue(context, viewer, video)).grant;
      const [tracker] = await listTrackerUrls(context.db);
      if (tracker === undefined) throw problem('no-source', 'No tracker has joined yet.');
      const query = grant === undefined ? '' : `?${new URLSearchParams({ grant })}`;
      // A catalogue requests the poster of each card. The same page need not request it again within a minute.
      reply.header('cache-control', 'private, max-age=60').header('referrer-policy', 'no-referrer');
      return reply.redirect(`${tracker}/go/${video.id}/${file}${query}`, 302);
    },
  );
}

interface Viewing {
  readonly viewer: Authority;
  readonly id: VideoId;
  readonly durationMs: number;
  readonly isPublic: boolean;
}

/** The video, for somebody who may watch it. @throws Problem 404 `video-unknown`, 410 `video-withdrawn` */
async function findFor(context: CentralContext, request: FastifyRequest, id: VideoId): Promise<Viewing> {
  const viewer = await authorityOf(request, context);
  const found = await findWatchable(context.db, id);
  if (!found || !mayWatch(viewer, found.watchable)) throw videoUnknown();
  const record = parseStoredRecord(found.row.body);
  if (record.kind !== 'video' || found.row.withdrawn !== 0)
    throw problem('video-withdrawn', 'This video was withdrawn.');
  if (found.row.publish_at > 0)
    throw problem(
      'video-scheduled',
      `This video is published on ${formatTime(found.row.publish_at)}. Until then, watch it in the studio of its site.`,
    );
  return { viewer, id, durationMs: record.durationMs, isPublic: found.watchable.audience === 'public' };
}

/** @throws Problem 404 `video-unknown` if the right of the viewer has ended meanwhile */
async function issue(
  context: CentralContext,
  viewer: Authority,
  video: { readonly id: VideoId; readonly durationMs: number },
): Promise<{ readonly grant: string; readonly expiresMs: number }> {
  const nowMs = Date.now();
  const row = await issueViewingGrant(context, viewer, video, nowMs);
  if (!row) throw videoUnknown();
  const [master] = await listMasters(context.db, context.secrets, nowMs);
  return { grant: signGrant(row, master), expiresMs: Number(row.expires_at) };
}
