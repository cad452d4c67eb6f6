/**
 * The HTTP server of the origin, from which the site's buffer fills: `GET /v/{video}/{revision}/{file}`, and `/t/{token}/v/…` for
 * private videos. It makes each response on request and keeps none: caching is the buffer's task.
 */
import { once } from 'node:events';
import http from 'node:http';
import { sendProblem } from '../../../kernel/http/server.ts';
import type { KeyPair } from '../../../kernel/identity/keys.ts';
import { formatProof, type Proof, sha256Base64, signBytes } from '../../../kernel/identity/proofs.ts';
import { messageOf, Problem, problem } from '../../../kernel/problem.ts';
import { createDecoys } from '../../../kernel/rights/decoys.ts';
import {
  type RevisionId,
  revisionIdSchema,
  type VideoId,
  videoIdSchema,
} from '../../../protocol/base/ids.ts';
import { DOWNLOAD_HEAD } from '../../../protocol/media/download-plan.ts';
import { mediaPath, parseRecordFile } from '../../../protocol/media/media.ts';
import { splitToken } from '../../../protocol/media/media-address.ts';
import type { Downloads } from '../../database/downloads.ts';
import { type CopiedBytes, type CopyStore, DamagedCopy } from '../copy-store/copy-store.ts';
import { DamagedFile } from '../integrity/integrity.ts';
import {
  createDownloadFiles,
  isDownloadPart,
  isOfSource,
  requireDownload,
} from './download/download-files.ts';
import { OpenPresentations } from './open-presentations.ts';
import { CUT_VERSION, type CutFile, openerOf, type RevisionFiles } from './presentation.ts';

const DEFAULT_OPEN_FILES = 256;
const MAX_PATH_CHARACTERS = 256;

export interface OriginServerDeps {
  /** Finds the files of a revision: `withdrawn` if its author withdrew the video, undefined if the revision is unknown. */
  readonly locate: (video: VideoId, revision: RevisionId) => Promise<RevisionFiles | 'withdrawn' | undefined>;
  /** Complete copies of other sites' videos. */
  readonly copies?: Pick<CopyStore, 'read' | 'forget'>;
  /** Finds the record of this version as canonical JSON, if it describes this revision. */
  readonly record?: (video: VideoId, revision: RevisionId, version: number) => Promise<string | undefined>;
  /** What viewers may download; undefined if this site does not have the video. Without it, nothing can be downloaded. */
  readonly downloads?: (video: VideoId) => Promise<Downloads | undefined>;
  /** Name of the uploaded file in the directory of its video. */
  readonly sourceName?: string;
  /** Private videos need a token of this site even here, because the client may be nginx on behalf of any viewer. */
  readonly rights?: OriginRights;
  /** The key with which this site signs its files, so other sites can verify them wherever they got them. */
  readonly key: () => KeyPair;
  /** Number of presentations that stay open, with two or three files each. */
  readonly openFiles?: number;
  /** Called when a file cannot be served, because the disk has altered its bytes. */
  readonly onDamaged?: (video: VideoId) => void;
  /** Receives the errors that clients get as a 500. */
  readonly onError?: (error: unknown, path: string) => void;
}

export interface OriginRights {
  isPrivate(video: VideoId): boolean;
  /** Returns why this token does not permit access to this video; undefined if it does. */
  checkToken(token: string, video: VideoId): unknown;
}

export interface OriginServer {
  readonly server: http.Server;
  /** Closes a video's files once no response needs them. */
  readonly forget: (video: VideoId) => Promise<void>;
  /** Stops listening, waits for pending responses, and closes all files. */
  readonly stop: () => Promise<void>;
}

export function createOriginServer(deps: OriginServerDeps): OriginServer {
  const open = new OpenPresentations(deps.openFiles ?? DEFAULT_OPEN_FILES);
  const decoyOf = createDecoys();
  const downloadFiles = createDownloadFiles();
  const pending = new Set<http.ServerResponse>();
  const server = http.createServer((request, response) => {
    pending.add(response);
    response.once('close', () => pending.delete(response));
    respond({ ...deps, decoyOf, downloadFiles }, open, request, response).catch((error: unknown) => {
      if (error instanceof Problem) return sendProblem(response, error);
      deps.onError?.(error, request.url ?? '');
      sendProblem(response, problem('cut-failed', `The file could not be packaged: ${messageOf(error)}.`));
    });
  });
  return {
    server,
    async forget(video) {
      deps.copies?.forget(video);
      await open.forget(`${video}/`);
    },
    async stop() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()));
      await Promise.all([...pending].map(response => once(response, 'close')));
      // Clients also open connections in advance. Node does not count one without a request as idle.
      server.closeAllConnections();
      await closed;
      await open.forget();
    },
  };
}

interface OriginState extends OriginServerDeps {
  readonly decoyOf: (video: VideoId) => VideoId;
  readonly downloadFiles: ReturnType<typeof createDownloadFiles>;
}

async function respond(
  deps: OriginState,
  open: OpenPresentations,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    sendProblem(response, problem('method-not-allowed', 'Use GET or HEAD to read files.'));
    return;
  }
  const requested = parsePath(request.url ?? '');
  if (!requested) {
    sendProblem(response, problem('file-unknown', 'There is no file at this address.'));
    return;
  }
  const isHidden = deps.rights?.isPrivate(requested.video) && !hasRight(deps.rights, requested);
  const path = isHidden ? { ...requested, video: deps.decoyOf(requested.video) } : requested;
  const files = await deps.locate(path.video, path.revision);
  if (files === 'withdrawn') {
    sendProblem(response, problem('video-withdrawn', 'The author has withdrawn this video.'));
    return;
  }
  const downloads = isDownloadPart(path.file) ? await deps.downloads?.(path.video) : undefined;
  if (downloads && !isHidden) requireDownload(downloads, path.file);
  const copied = files ? undefined : await readCopy(deps, path);
  if (isHidden) {
    sendProblem(response, problem('video-unknown', UNKNOWN));
    return;
  }
  // What may be downloaded can change, so each download asks again.
  const mayKeep = !isDownloadPart(path.file) || path.file.endsWith(`/${DOWNLOAD_HEAD}`);
  if (copied !== undefined && copied !== 'no-file') {
    sendFile(request, response, { ...copied, contentType: 'application/octet-stream', mayKeep });
    return;
  }
  if (files === undefined && copied === undefined) {
    sendProblem(response, problem('video-unknown', UNKNOWN));
    return;
  }
  // A revision is immutable, so its address and the version of this code identify the bytes.
  const etag = `"${path.revision}/${path.file}/${CUT_VERSION}"`;
  // A client that has the entity tag has the bytes, so nothing needs to be cut to confirm them (RFC 9110, section 13.1.2).
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, { etag }).end();
    return;
  }
  const file =
    (await findRecord(deps, path)) ?? (files && (await cutFile(deps, open, path, { files, downloads })));
  if (!file) {
    sendProblem(response, problem('file-unknown', 'This video has no such file.'));
    return;
  }
  if ('proof' in file) {
    sendFile(request, response, { ...file, contentType: 'application/octet-stream', mayKeep });
    return;
  }
  const proof = signBytes(
    deps.key(),
    mediaPath(path.video, path.revision, path.file),
    await sha256Base64(file.body),
  );
  sendFile(request, response, { ...file, proof, etag, mayKeep });
}

/**
 * Cuts a file of an own video. If the disk has altered its bytes, they are never signed: the bytes that were fetched from another
 * site to repair them (`copies/repair-videos.ts`) are used, with the proof from before.
 *
 * @throws Problem `file-damaged` if there are none
 */
async function cutFile(
  deps: OriginState,
  open: OpenPresentations,
  path: Path,
  { files, downloads }: { readonly files: RevisionFiles; readonly downloads: Downloads | undefined },
): Promise<CutFile | CopiedBytes | undefined> {
  try {
    if (downloads && isOfSource(path.file)) {
      const source = { open: openerOf(files), name: deps.sourceName ?? 'source' };
      return await deps.downloadFiles.ofSource(path, downloads, source);
    }
    return await open.use(`${path.video}/${path.revision}`, files, presentation =>
      downloads ? deps.downloadFiles.ofRendition(path, presentation) : presentation.file(path.file),
    );
  } catch (error) {
    if (!(error instanceof DamagedFile)) throw error;
    const repaired = await readCopy(deps, path);
    if (repaired !== undefined && repaired !== 'no-file') return repaired;
    deps.onDamaged?.(path.video);
    throw problem('file-damaged', undefined, { cause: error });
  }
}

/** @throws Problem `file-damaged` if the disk has altered the copy */
async function readCopy(
  { copies, onDamaged }: OriginServerDeps,
  { video, revision, file }: Path,
): Promise<CopiedBytes | 'no-file' | undefined> {
  try {
    return await copies?.read(video, revision, file);
  } catch (error) {
    if (!(error instanceof DamagedCopy)) throw error;
    onDamaged?.(video);
    throw problem('file-damaged', undefined, { cause: error });
  }
}

/** Finds the record of the video. It is signed like any other file, so a site with a copy can prove who wrote it. */
async function findRecord(
  { record }: OriginServerDeps,
  {
    video,
    revision,
    file,
  }: { readonly video: VideoId; readonly revision: RevisionId; readonly file: string },
): Promise<{ readonly contentType: string; readonly body: Buffer } | undefined> {
  const version = parseRecordFile(file);
  const text = version === undefined ? undefined : await record?.(video, revision, version);
  return text === undefined ? undefined : { contentType: 'application/json', body: Buffer.from(text) };
}

function sendFile(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  {
    contentType,
    body,
    proof,
    etag,
    mayKeep,
  }: {
    readonly contentType: string;
    readonly body: Buffer;
    readonly proof: Proof;
    readonly etag: string;
    readonly mayKeep: boolean;
  },
): void {
  response.writeHead(200, [
    'Content-Type',
    contentType,
    'Content-Length',
    String(body.length),
    'ETag',
    etag,
    ...formatProof(proof),
    'X-Content-Type-Options',
    'nosniff',
    ...(mayKeep ? [] : ['Cache-Control', 'no-store']),
  ]);
  response.end(request.method === 'HEAD' ? undefined : body);
}

interface Path {
  readonly token: string | undefined;
  readonly video: VideoId;
  readonly revision: RevisionId;
  readonly file: string;
}

const UNKNOWN = 'This site does not have this revision of this video.';
const hasRight = (rights: OriginRights, { token, video }: Path): boolean =>
  token !== undefined && rights.checkToken(token, video) === undefined;

/** Parses `/v/{video}/{revision}/{file}` and `/t/{token}/v/…` without the query; undefined for anything else. */
function parsePath(url: string): Path | undefined {
  const [path = ''] = url.split('?', 1);
  if (path.length > MAX_PATH_CHARACTERS) return undefined;
  const { token, target } = splitToken(path);
  const [root, v, video, revision, ...file] = target.split('/');
  const videoId = videoIdSchema.safeParse(video);
  const revisionId = revisionIdSchema.safeParse(revision);
  if (root !== '' || v !== 'v' || !videoId.success || !revisionId.success || file.length === 0)
    return undefined;
  return { token, video: videoId.data, revision: revisionId.data, file: file.join('/') };
}
