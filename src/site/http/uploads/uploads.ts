/**
 * Resumable uploads (tus 1.0.0) at /api/uploads. This module validates the metadata and checks the space before the first byte
 * is accepted; the tus library implements the protocol.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Metadata } from '@tus/server';
import * as z from 'zod';
import { failpoint } from '../../../kernel/failpoint.ts';
import { findStats, findStorageProblem } from '../../../kernel/files.ts';
import { drainWithin } from '../../../kernel/http/drain.ts';
import { formatErrors, parseInput } from '../../../kernel/input.ts';
import type { Log } from '../../../kernel/log.ts';
import { formatProblem, messageOf, Problem, problem } from '../../../kernel/problem.ts';
import { findDatabaseProblem } from '../../../kernel/sql/database-error.ts';
import type { VideoId } from '../../../protocol/base/ids.ts';
import { MAX_UPLOAD_METADATA_BYTES } from '../../../protocol/base/limits.ts';
import { descriptionSchema, languageSchema, nameSchema } from '../../../protocol/base/text.ts';
import type { ProblemCode } from '../../../protocol/problems.ts';
import { visibilitySchema } from '../../../protocol/publication/record.ts';
import {
  insertVideo,
  listUploading,
  listVideosInState,
  type NewVideo,
  type SiteDatabase,
} from '../../database/tables/videos.ts';
import type { Intake } from '../../media/intake/intake.ts';
import type { Storage } from '../../media/storage/storage.ts';
import type { SiteRights } from '../../rights/site-rights.ts';
import { type AccessRules, requireStudioAccess } from '../access.ts';
import { currentExchange } from './exchange.ts';
import { methodOf, recordError, requireTus, TUS_VERSION, TusServer } from './tus-server.ts';
import { UploadLocks } from './upload-locks.ts';
import { UploadStore } from './upload-store.ts';

const UPLOADS_PATH = '/api/uploads';
const MAX_FILE_NAME_CHARACTERS = 255;
const KEEP_UNFINISHED_MS = 7 * 24 * 3_600_000;

export interface UploadsDeps {
  readonly db: SiteDatabase;
  readonly storage: Storage;
  readonly intake: Intake;
  readonly access: AccessRules;
  readonly rights: Pick<SiteRights, 'markOwn'>;
  readonly newVideoId: () => VideoId;
  readonly maxUploadBytes: number;
  readonly keepFreeBytes: number;
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

const isUploadPath = (url: string | undefined): boolean =>
  url === UPLOADS_PATH ||
  url?.startsWith(`${UPLOADS_PATH}/`) === true ||
  url?.startsWith(`${UPLOADS_PATH}?`) === true;

export function createUploads(options: UploadsDeps): Uploads {
  const { db, storage, log } = options;
  const store = new UploadStore(db, storage);
  let admitting: Promise<void> = Promise.resolve();
  const tus = new TusServer({
    path: UPLOADS_PATH,
    datastore: store,
    locker: new UploadLocks(),
    relativeLocation: true,
    maxSize: options.maxUploadBytes,
    namingFunction() {
      const { newId } = currentExchange();
      if (!newId) throw new Error('an upload without an id');
      return newId;
    },
    getFileIdFromRequest: (_request, lastPath) => lastPath,
    async onUploadFinish(_request, upload) {
      const video = upload.id as VideoId;
      failpoint('upload-complete');
      await options.intake.accept(video, () => store.takeHash(video, upload.size ?? 0));
      return {};
    },
    onResponseError: (_request, error) => recordError(error),
  });

  /** Writes the row of a new upload. @returns its id */
  async function admitNew(request: IncomingMessage): Promise<VideoId> {
    const video = parseNewUpload(request.headers, options.maxUploadBytes, options.newVideoId());
    // Uploads are admitted one by one, so that each counts the previous ones.
    const admitted = admitting.then(async () => {
      await assignDisk(options, video);
      if (video.isPrivate) options.rights.markOwn(video.id, true);
      await insertVideo(db, video);
    });
    admitting = admitted.catch(() => {});
    await admitted;
    failpoint('upload-row-written');
    return video.id;
  }

  /** @throws Problem, or an error of the machine */
  async function respond(request: IncomingMessage): Promise<Response> {
    request.method = methodOf(request);
    requireStudioAccess(request, options.access);
    requireTus(request);
    if (request.method === 'PATCH') await requireSpace(options, request.url?.split('/').at(-1) ?? '');
    if (request.method !== 'POST') return tus.respond({ request });
    const newId = await admitNew(request);
    try {
      return await tus.respond({ request, newId });
    } catch (error) {
      // If this fails, too, the next start deletes the row.
      await store.discard(newId).catch(() => {});
      throw error;
    }
  }

  function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    const failure = toProblem(error);
    if (failure.code === 'internal') log.error({ err: error }, 'upload failed');
    else if (failure.status >= 500)
      log.warn({ reason: messageOf(failure.cause ?? failure) }, 'upload refused');
    const { status, headers, body } = formatProblem(failure);
    drainWithin(request);
    response.writeHead(status, { ...headers, 'tus-resumable': TUS_VERSION }).end(body);
  }

  return {
    handle(request, response) {
      if (!isUploadPath(request.url)) return false;
      respond(request)
        .then(async result => {
          const body = await result.text();
          drainWithin(request);
          response.writeHead(result.status, Object.fromEntries(result.headers)).end(body);
        })
        .catch((error: unknown) => refuse(request, response, error));
      return true;
    },
    async discard(video) {
      await store.discard(video);
    },
    async sweep() {
      const oldest = Date.now() - KEEP_UNFINISHED_MS;
      for (const row of await listVideosInState(db, ['uploading'])) {
        const video = row.id;
        const changedMs = (await findStats(storage.upload(video)))?.mtimeMs;
        if ((changedMs ?? Date.parse(row.created_at)) < oldest) await store.discard(video);
      }
    },
  };
}

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const failure = findStorageProblem(error) ?? findDatabaseProblem(error);
  if (!failure) return problem('internal', 'The upload failed. Try again.', { cause: error });
  const { code, headers } = failure;
  const detail = KEPT[code];
  return detail === undefined ? failure : problem(code, detail, { cause: error, headers });
}

const metadataSchema = z.object({
  name: nameSchema,
  description: descriptionSchema,
  language: languageSchema.optional(),
  visibility: visibilitySchema.optional(),
});

/** Parses the headers of a POST for a new upload. @throws Problem 4xx with a sentence for the uploader */
export function parseNewUpload(
  headers: IncomingMessage['headers'],
  maxUploadBytes: number,
  id: VideoId,
): NewVideo {
  const length = headers['upload-length'];
  if (typeof length !== 'string' || !/^\d{1,15}$/.test(length)) {
    throw problem('upload-length-needed', 'Send the length of the file in Upload-Length.');
  }
  const sizeBytes = Number(length);
  if (sizeBytes === 0) throw problem('file-empty', 'The file is empty. Choose another file.');
  if (sizeBytes > maxUploadBytes) {
    const limit = (maxUploadBytes / 2 ** 30).toFixed(1);
    throw problem('upload-too-large', `The file is too large: this site accepts files up to ${limit} GB.`);
  }
  const metadata = parseMetadata(headers['upload-metadata']);
  const parsed = parseInput(
    metadataSchema,
    {
      name: metadata.name ?? '',
      description: metadata.description ?? '',
      language: metadata.language || undefined,
      visibility: metadata.visibility || undefined,
    },
    { whole: 'Upload-Metadata', field: 'field', object: 'an object' },
  );
  if (!parsed.ok) throw problem('metadata-invalid', formatErrors(parsed.errors), { errors: parsed.errors });
  const { name, description, language, visibility } = parsed.data;
  return {
    id,
    name,
    description,
    language,
    fileName: metadata.filename
      ? [...metadata.filename].slice(0, MAX_FILE_NAME_CHARACTERS).join('')
      : undefined,
    isPrivate: visibility === 'private',
    sizeBytes,
  };
}

function parseMetadata(header: string | string[] | undefined): Record<string, string | null> {
  const text = Array.isArray(header) ? header.join(',') : header;
  if (!text) return {};
  const sentence = `Name and description are too long: together they may have at most ${MAX_UPLOAD_METADATA_BYTES} bytes.`;
  if (text.length > MAX_UPLOAD_METADATA_BYTES) throw problem('metadata-too-large', sentence);
  try {
    return Metadata.parse(text);
  } catch (cause) {
    throw problem('metadata-malformed', 'Upload-Metadata does not have the format of tus 1.0.0.', {
      cause,
    });
  }
}

const noSpace = (): Problem =>
  problem(
    'disk-full',
    'This site has not enough space for this file. Ask its operator to free some, or choose another site.',
  );

/** Assigns a new upload to a disk with space for it. @throws Problem 507 `disk-full` */
async function assignDisk(
  { db, storage, keepFreeBytes }: UploadsDeps,
  { id, sizeBytes }: NewVideo,
): Promise<void> {
  if (!storage.disks.assign(id, sizeBytes + keepFreeBytes, await listUploading(db))) throw noSpace();
}

/**
 * Checks, before bytes are received, that all remaining bytes of the upload fit. Its space is not reserved before its first byte.
 *
 * @throws Problem 507 `disk-full`
 */
async function requireSpace({ db, storage, keepFreeBytes }: UploadsDeps, id: string): Promise<void> {
  const uploading = await listUploading(db);
  const upload = uploading.find(({ video }) => video === id);
  if (!upload) return;
  const receivedBytes = (await findStats(storage.upload(upload.video)))?.size ?? 0;
  const remainingBytes = upload.sizeBytes - receivedBytes;
  if (storage.disks.unreservedBytes(upload.video, uploading) < remainingBytes + keepFreeBytes)
    throw noSpace();
}
