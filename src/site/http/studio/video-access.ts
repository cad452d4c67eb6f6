/** Finds a video for a person who may do something to it. */
import type { IncomingMessage } from 'node:http';
import type { AccessGuard } from '../../../kernel/access/access.ts';
import type { Authority } from '../../../kernel/access/authority.ts';
import { problem } from '../../../kernel/problem.ts';
import type { SiteId, VideoId } from '../../../protocol/base/ids.ts';
import { type Action, isAllowed, isAllowedSomewhere } from '../../../protocol/people/permissions.ts';
import { targetOf } from '../../database/tables/people-columns.ts';
import { findVideo, type SiteDatabase, type VideoWithRecord } from '../../database/tables/videos.ts';
import { mayKnow } from '../../database/watchable.ts';

export interface VideoAccessDeps {
  readonly db: SiteDatabase;
  readonly guard: AccessGuard;
  /** Undefined until this site has joined. */
  readonly siteId: () => SiteId | undefined;
}

interface PermittedVideo {
  readonly row: VideoWithRecord;
  readonly authority: Authority;
}

/** @throws Problem 401, 403 `not-permitted`, 404 `video-unknown`, also for a video that the person may not watch */
export async function requireVideo(
  { db, guard, siteId }: VideoAccessDeps,
  request: IncomingMessage,
  action: Action,
  id: VideoId,
): Promise<PermittedVideo> {
  const row = await findVideo(db, id);
  const authority = await guard.authorityOf(request);
  const site = siteId();
  if (row && mayKnow({ viewer: authority, site }, row, action)) {
    await guard.require(request, action, targetOf(site, row), objectOf(id));
    return { row, authority };
  }
  // Somebody who may do this nowhere does not learn which videos exist.
  const target = { site };
  if (!isAllowedSomewhere(authority, action)) await guard.require(request, action, target, objectOf(id));
  // An attempt to change it: it may be the video of another site, or one that the person may not watch.
  if (request.method !== 'GET' && !isAllowed(authority, action, target))
    await guard.noteHidden(request, action, target, objectOf(id));
  throw problem('video-unknown', 'This site has no such video.');
}

export const objectOf = (id: VideoId): string => `video:${id}`;
