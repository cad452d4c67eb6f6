/**
 * Resumable uploads (tus 1.0.0) at /api/uploads. This module decides which requests are accepted; the tus library implements the
 * core protocol, and our store the extensions that the library lacks.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { failpoint } from '../../../kernel/failpoint.ts';
import { findStorageProblem } from '../../../kernel/files.ts';
import { drainWithin } from '../../../kernel/http/drain.ts';
import type { Log } from '../../../kernel/log.ts';
import { formatProblem, messageOf, Problem, problem } from '../../../kernel/problem.ts';
import { findDatabaseProblem } from '../../../kernel/sql/database-error.ts';
import { type VideoId, videoIdSchema } from '../../../protocol/base/ids.ts';
import type { Field } from '../../../protocol/catalogue/fields.ts';
import type { ProblemCode } from '../../../protocol/problems.ts';
import type { UploadRow } from '../../database/tables/schema.ts';
import { findUpload, PARTIAL } from '../../database/tables/uploads.ts';
import type { Intake } from '../../media/intake/intake.ts';
import type { Storage } from '../../media/storage/storage.ts';
import type { SiteRights } from '../../rights/site-rights.ts';
import type { NoteAudit } from '../audit-note.ts';
import { hasChecksum } from './checksum.ts';
import { UploadCreator } from './create-upload.ts';
import { allowNamedOrigin } from './cross-origin-uploads.ts';
import { findExchange } from './exchange.ts';
import { requireSpace } from './space.ts';
import { methodOf, recordError, requireTus, TUS_VERSION, TusServer } from './tus-server.ts';
import {
  requireRightsStill,
  requireUpload,
  requireUploader,
  type UploadAccessDeps,
} from './upload-access.ts';
import { UploadLocks } from './upload-locks.ts';
import { UploadStore } from './upload-store.ts';

const UPLOADS_PATH = '/api/uploads';

export interface UploadsDeps extends UploadAccessDeps {
  readonly storage: Storage;
  readonly intake: Intake;
  readonly note: NoteAudit;
  readonly rights: Pick<SiteRights, 'markOwn'>;
  readonly fields: () => readonly Field[] | undefined;
  readonly newVideoId: () => VideoId;
  readonly maxUploadBytes: number;
  readonly keepFreeBytes: number;
  /** Origins whose pages may upload, with a token. */
  readonly uploadOrigins: readonly string[];
  readonly log: Log;
}

export interface Uploads {
  /** Handles the request if it is for an upload. @returns false otherwise */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
  /** Cancels an upload in progress and deletes its bytes. */
  discard(video: VideoId): Promise<void>;
  /** Deletes uploads that nobody has continued for a week. */
  sweep(): Promise<void>;
}

/** For failures of the machine, after which the client continues the upload. */
const KEPT: Partial<Readonly<Record<ProblemCode, string>>> = {
  'disk-full': 'The disk of this site is full. The upload can be resumed when there is space.',
  'storage-failed':
    'This site cannot use its storage at the moment. Received bytes are kept. Request the offset with HEAD and continue in a moment.',
  'database-unavailable':
    'This site cannot store the state of the upload at the moment. Received bytes are kept. Request the offset with HEAD and continue in a moment.',
};

export const isUploadPath = (url: string | undefined): boolean =>
  url === UPLOADS_PATH ||
  url?.startsWith(`${UPLOADS_PATH}/`) === true ||
  url?.startsWith(`${UPLOADS_PATH}?`) === true;

export function createUploads(options: UploadsDeps): Uploads {
  const { db, storage, log, uploadOrigins } = options;
  const store = new UploadStore(db, storage);
  const creator = new UploadCreator({ ...options, store }, UPLOADS_PATH);
  const tus = new TusServer({
    path: UPLOADS_PATH,
    datastore: store,
    locker: new UploadLocks(),
    relativeLocation: true,
    maxSize: options.maxUploadBytes,
    namingFunction() {
      const newId = findExchange()?.newId;
      if (!newId) throw new Error('an upload without an id');
      return newId;
    },
    getFileIdFromRequest: () => findExchange()?.id,
    async onUploadFinish(_request, upload) {
      await requireRightsStill(options, findExchange());
      await finish(videoIdSchema.parse(upload.id), upload.size ?? 0);
      return {};
    },
    onResponseError: (_request, error) => recordError(error),
  });

  async function finish(id: VideoId, sizeBytes: number): Promise<void> {
    // "The Server SHOULD NOT process these partial uploads until they are concatenated to form a final upload."
    if ((await findUpload(db, id))?.concat === PARTIAL) return;
    failpoint('upload-complete');
    await options.intake.accept(id, () => store.takeHash(id, sizeBytes));
  }

  async function create(request: IncomingMessage, hasChecksum: boolean): Promise<Response> {
    const { id, parts, sizeBytes } = await creator.create(request);
    try {
      if (!parts) {
        const response = await tus.respond({ request, newId: id, hasChecksum });
        // The client will not learn the address.
        if (!request.complete && request.destroyed) await store.discard(id);
        return response;
      }
      await creator.concatenate(id, parts);
      await finish(id, sizeBytes ?? 0);
    } catch (error) {
      // If this fails, too, the next start deletes the row.
      await store.discard(id).catch(() => {});
      throw error;
    }
    for (const part of parts) await store.discard(part);
    return new Response(null, {
      status: 201,
      headers: { location: `${UPLOADS_PATH}/${id}`, 'tus-resumable': TUS_VERSION },
    });
  }

  /** @throws Problem, or an error of the machine */
  async function respond(request: IncomingMessage): Promise<Response> {
    // The access rules apply to the method that is meant.
    request.method = methodOf(request);
    if (request.method === 'OPTIONS') return tus.respond({ request });
    await requireUploader(options, request);
    requireTus(request);
    const withChecksum = hasChecksum(request);
    if (request.method === 'POST') return create(request, withChecksum);
    const id = uploadIdOf(request);
    const isCancelled = request.method === 'DELETE';
    const upload = id && (await requireUpload(options, request, id, isCancelled ? 'cancel' : 'continue'));
    if (request.method === 'PATCH' && id) {
      // "The Server MUST respond with the 403 Forbidden status to PATCH requests against a final upload URL"
      if (upload?.concat && upload.concat !== PARTIAL)
        throw problem('upload-finished', 'This upload consists of partial uploads, and cannot be changed.');
      await requireSpace(options, id);
    }
    const response = await tus.respond({ request, id, hasChecksum: withChecksum });
    if (request.method === 'HEAD') addHeaders(response.headers, upload);
    if (isCancelled && id) await options.note(request, { action: 'video.withdraw', object: `video:${id}` });
    return response;
  }

  return {
    handle(request, response) {
      if (!isUploadPath(request.url)) return false;
      allowNamedOrigin(request, response, uploadOrigins);
      respond(request)
        .then(result => sendResponse(request, response, result))
        .catch((error: unknown) => refuse(request, response, error, log))
        .catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
      return true;
    },
    async discard(video) {
      await store.discard(video);
    },
    sweep: () => store.discardExpired(),
  };
}

async function sendResponse(
  request: IncomingMessage,
  response: ServerResponse,
  result: Response,
): Promise<void> {
  const body = await result.text();
  drainWithin(request);
  response.writeHead(result.status, Object.fromEntries(result.headers)).end(body);
}

function refuse(request: IncomingMessage, response: ServerResponse, error: unknown, log: Log): void {
  const failure = toProblem(error);
  if (failure.code === 'internal') log.error({ err: error }, 'upload failed');
  else if (failure.status >= 500) log.warn({ reason: messageOf(failure.cause ?? failure) }, 'upload refused');
  const { status, headers, body } = formatProblem(failure);
  drainWithin(request);
  response.writeHead(status, { ...headers, 'tus-resumable': TUS_VERSION }).end(body);
}

/** "Response to HEAD request against partial or final upload MUST include the Upload-Concat header" (section "Concatenation") */
function addHeaders(headers: Headers, upload: UploadRow | undefined): void {
  if (upload?.metadata) headers.set('upload-metadata', upload.metadata);
  if (upload?.concat) headers.set('upload-concat', upload.concat);
}

const uploadIdOf = ({ url = '' }: IncomingMessage): VideoId | undefined =>
  videoIdSchema.safeParse(url.split('?')[0]?.split('/').at(-1)).data;

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const failure = findStorageProblem(error) ?? findDatabaseProblem(error);
  if (!failure) return problem('internal', 'The upload failed. Try again.', { cause: error });
  const { code, headers } = failure;
  const detail = KEPT[code];
  return detail === undefined ? failure : problem(code, detail, { cause: error, headers });
}
