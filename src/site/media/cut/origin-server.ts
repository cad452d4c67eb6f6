/**
 * The origin's own HTTP listener, from which the site's buffer fills: `GET /v/{video}/{revision}/{file}`, and of a private video
 * `/t/{token}/v/…`.
 * It makes every answer anew; keeping them is the buffer's part.
 */
import http from 'node:http';
import { sendProblem } from '../../../kernel/http/server.ts';
import type { KeyPair } from '../../../kernel/identity/keys.ts';
import { formatProof, type Proof, sha256Base64, signBytes } from '../../../kernel/identity/proofs.ts';
import { messageOf, Problem, problem } from '../../../kernel/problem.ts';
import { type RevisionId, revisionIdSchema, type VideoId, videoIdSchema } from '../../../protocol/ids.ts';
import { mediaPath, parseRecordFile } from '../../../protocol/media/media.ts';
import { splitToken } from '../../../protocol/media/media-address.ts';
import type { CopyStore } from '../copy-store/copy-store.ts';
import { OpenPresentations } from './open-presentations.ts';
import { CUT_VERSION, type RevisionFiles } from './presentation.ts';

const DEFAULT_OPEN_FILES = 256;
const MAX_PATH_CHARACTERS = 256;

export interface OriginServerDeps {
  /** What a revision is made of; `withdrawn` of a video that its author took back, undefined of an unknown one. */
  readonly locate: (video: VideoId, revision: RevisionId) => Promise<RevisionFiles | 'withdrawn' | undefined>;
  /** Other sites' videos that are here whole. */
  readonly copies?: Pick<CopyStore, 'read' | 'forget'>;
  /** The record in this version, as canonical JSON, where it is of this revision. */
  readonly record?: (video: VideoId, revision: RevisionId, version: number) => Promise<string | undefined>;
  /** Of a private video nothing is given but with this site's own token: what asks may be nginx, for anybody. */
  readonly rights?: OriginRights;
  /** What this site signs its bytes with, so that they can be checked wherever they come from. */
  readonly key: () => KeyPair;
  /** How many presentations stay open (two files each, or three). */
  readonly openFiles?: number;
  /** Hears of what went wrong in cutting; the answer to the caller is a 500 all the same. */
  readonly onError?: (error: unknown, path: string) => void;
}

export interface OriginRights {
  isPrivate(video: VideoId): boolean;
  /** Why this token is no right to this video; undefined where it is one. */
  checkToken(token: string, video: VideoId): unknown;
}

export interface OriginServer {
  readonly server: http.Server;
  /** Closes a video's files, once no answer needs them. */
  readonly forget: (video: VideoId) => Promise<void>;
  /** Stops listening, waits for answers under way, closes all files. */
  readonly stop: () => Promise<void>;
}

export function createOriginServer(options: OriginServerDeps): OriginServer {
  const open = new OpenPresentations(options.openFiles ?? DEFAULT_OPEN_FILES);
  const server = http.createServer((request, response) => {
    respond(options, open, request, response).catch((error: unknown) => {
      if (error instanceof Problem) return sendProblem(response, error);
      options.onError?.(error, request.url ?? '');
      sendProblem(response, problem('cut-failed', `The file could not be made: ${messageOf(error)}.`));
    });
  });
  return {
    server,
    async forget(video) {
      options.copies?.forget(video);
      await open.forget(`${video}/`);
    },
    async stop() {
      await new Promise<void>(resolve => {
        server.close(() => resolve());
        server.closeIdleConnections();
      });
      await open.forget();
    },
  };
}

async function respond(
  options: OriginServerDeps,
  open: OpenPresentations,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    sendProblem(response, problem('method-not-allowed', 'Files are read with GET or HEAD.'));
    return;
  }
  const path = parsePath(request.url ?? '');
  if (!path) {
    sendProblem(response, problem('file-unknown', 'There is nothing at this address.'));
    return;
  }
  if (options.rights?.isPrivate(path.video) && !hasRight(options.rights, path)) {
    sendProblem(response, problem('video-unknown', UNKNOWN));
    return;
  }
  const place = await options.locate(path.video, path.revision);
  if (place === 'withdrawn') {
    sendProblem(response, problem('video-withdrawn', 'This video was withdrawn by its author.'));
    return;
  }
  const copied = place ? undefined : await options.copies?.read(path.video, path.revision, path.file);
  if (copied !== undefined && copied !== 'no-file') {
    sendFile(request, response, { ...copied, contentType: 'application/octet-stream' });
    return;
  }
  if (place === undefined && copied === undefined) {
    sendProblem(response, problem('video-unknown', UNKNOWN));
    return;
  }
  // A revision never changes its bytes: its address names them, and the version of what made them.
  const etag = `"${path.revision}/${path.file}/${CUT_VERSION}"`;
  // Who has the name was given the bytes: nothing need be cut to say that they hold (RFC 9110, section 13.1.2).
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, { etag }).end();
    return;
  }
  const file =
    (await findRecord(options, path)) ??
    (place &&
      (await open.use(`${path.video}/${path.revision}`, place, presentation =>
        presentation.file(path.file),
      )));
  if (!file) {
    sendProblem(response, problem('file-unknown', 'This video has no such file.'));
    return;
  }
  const proof = signBytes(
    options.key(),
    mediaPath(path.video, path.revision, path.file),
    await sha256Base64(file.body),
  );
  sendFile(request, response, { ...file, proof, etag });
}

/** What this site says of the video, signed like any other file, so that whoever copies it can show who said so. */
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
  }: { readonly contentType: string; readonly body: Buffer; readonly proof: Proof; readonly etag: string },
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
  ]);
  response.end(request.method === 'HEAD' ? undefined : body);
}

interface Path {
  readonly token: string | undefined;
  readonly video: VideoId;
  readonly revision: RevisionId;
  readonly file: string;
}

const UNKNOWN = 'This site has no such video, or not in this revision.';
const hasRight = (rights: OriginRights, { token, video }: Path): boolean =>
  token !== undefined && rights.checkToken(token, video) === undefined;

/** `/v/{video}/{revision}/{file}` or `/t/{token}/v/…`, a query ignored. Undefined of anything else. */
function parsePath(url: string): Path | undefined {
  const path = url.split('?', 1)[0]!;
  if (path.length > MAX_PATH_CHARACTERS) return undefined;
  const { token, target } = splitToken(path);
  const [root, v, video, revision, ...file] = target.split('/');
  const videoId = videoIdSchema.safeParse(video);
  const revisionId = revisionIdSchema.safeParse(revision);
  if (root !== '' || v !== 'v' || !videoId.success || !revisionId.success || file.length === 0)
    return undefined;
  return { token, video: videoId.data, revision: revisionId.data, file: file.join('/') };
}
