/**
 * Who may start, continue and cancel an upload. The person who started it may, with the permission to upload; another person's
 * upload is treated as the video that it becomes.
 */
import type { IncomingMessage } from 'node:http';
import type { AccessGuard } from '../../../kernel/access/access.ts';
import type { Authority } from '../../../kernel/access/authority.ts';
import type { SiteId, VideoId } from '../../../protocol/base/ids.ts';
import { isAllowed, type Target } from '../../../protocol/people/permissions.ts';
import type { Owner } from '../../../protocol/publication/record.ts';
import { targetOf } from '../../database/tables/people-columns.ts';
import type { UploadRow } from '../../database/tables/schema.ts';
import { findUpload } from '../../database/tables/uploads.ts';
import { findVideo, type SiteDatabase } from '../../database/tables/videos.ts';
import { mayKnow } from '../../database/watchable.ts';
import { cleanName } from '../find-person.ts';
import type { Exchange } from './exchange.ts';
import type { ParsedUpload } from './new-upload.ts';
import { uploadUnknown } from './tus-server.ts';

export interface UploadAccessDeps {
  readonly db: SiteDatabase;
  readonly guard: AccessGuard;
  /** Undefined until this site has joined. */
  readonly siteId: () => SiteId | undefined;
  /** Asks central for the name of a person. @throws Problem 404 `person-unknown`; 503 while central cannot be reached */
  readonly findPerson: (id: string) => Promise<Owner>;
}

export interface Admission {
  /** The person who starts the upload. */
  readonly starter: string | undefined;
  readonly owner: Owner | undefined;
  readonly needsApproval: boolean;
}

/** Checks a request before anything else is read from it. @throws Problem 401, 403 */
export async function requireUploader(
  { guard, siteId }: UploadAccessDeps,
  request: IncomingMessage,
): Promise<void> {
  const authority = await guard.authorityOf(request);
  if (!mayUploadSomething(authority, siteId()))
    await guard.require(request, 'upload', { site: siteId() }, 'uploads');
}

/** @throws Problem 401, 403; 404 `person-unknown`, 503 for an owner whose name is not known here */
export async function admitUpload(
  deps: UploadAccessDeps,
  request: IncomingMessage,
  { video, owner: named }: ParsedUpload,
): Promise<Admission> {
  const { guard, siteId } = deps;
  const authority = await guard.authorityOf(request);
  const { person } = authority;
  const starter = person?.id;
  // The final upload that consists of partial ones names the series.
  if (!video) return { starter, owner: undefined, needsApproval: false };
  const target: Target = { site: siteId(), series: video.series?.id };
  await guard.require(request, 'upload', target, 'uploads');
  const needsApproval = !isAllowed(authority, 'publish', target);
  if (!named || named.id === starter)
    return { starter, owner: person && { id: person.id, name: cleanName(person) }, needsApproval };
  await guard.require(request, 'edit', { ...target, owner: named.id }, 'uploads');
  return { starter, owner: await deps.findPerson(named.id), needsApproval };
}

/**
 * @returns undefined if there is no such upload
 * @throws Problem 401, 403; 404 `upload-unknown` for that of a video which the person may not watch
 */
export async function requireUpload(
  { db, guard, siteId }: UploadAccessDeps,
  request: IncomingMessage,
  id: VideoId,
  purpose: 'continue' | 'cancel',
): Promise<UploadRow | undefined> {
  const upload = await findUpload(db, id);
  const video = await findVideo(db, id);
  if (!upload && !video) return undefined;
  const viewer = await guard.authorityOf(request);
  const { person } = viewer;
  const action = purpose === 'cancel' ? 'withdraw' : 'edit';
  const target = video ? targetOf(siteId(), video) : { site: siteId(), owner: upload?.owner_id ?? undefined };
  const isOwn = person !== undefined && upload?.owner_id === person.id;
  const isUnfinished = video === undefined || video.state === 'uploading';
  if (video && !isOwn && !mayKnow({ viewer, site: siteId() }, video, action)) {
    await guard.noteHidden(request, action, target, `video:${id}`);
    throw uploadUnknown();
  }
  if (!isOwn || !isUnfinished) await guard.require(request, action, target, `video:${id}`);
  else if (video) await guard.require(request, 'upload', target, `video:${id}`);
  return upload;
}

/** A request may send bytes for hours. Its sender must still have the rights when it ends. @throws Problem 401, 403 */
export async function requireRightsStill(
  deps: UploadAccessDeps,
  exchange: Exchange | undefined,
): Promise<void> {
  if (!exchange) return;
  const { request, id } = exchange;
  await deps.guard.renew(request);
  await requireUploader(deps, request);
  if (id) await requireUpload(deps, request, id, 'continue');
}

/** True if a role for everything, this site or a series permits to upload. */
const mayUploadSomething = (authority: Authority, site: SiteId | undefined): boolean =>
  isAllowed(authority, 'upload', { site }) ||
  authority.permissions.some(
    ({ permission, scope }) =>
      (permission === 'upload' || permission === 'everything') &&
      typeof scope === 'object' &&
      'series' in scope,
  );
