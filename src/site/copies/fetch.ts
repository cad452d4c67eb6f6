/**
 * Fetches the files of a copy as the buffer fills (holders that the tracker names, best first, each byte checked against the
 * proof of the site that made it), but keeps nothing in the buffer, and says that it is in no hurry.
 */

import { isSigned, parseProof } from '../../kernel/identity/proofs.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import type { VideoId } from '../../protocol/ids.ts';
import { tokenPath } from '../../protocol/media/media-address.ts';
import { AlteredBytes, Fill, type FillDeps } from '../delivery/fill/fill.ts';
import { createHolderList, type HolderListDeps } from '../delivery/fill/holders.ts';
import { Semaphore } from '../delivery/fill/semaphore.ts';
import {
  createUpstreamClient,
  FILL_HEADER,
  FILL_TIMING,
  type UpstreamClient,
} from '../delivery/fill/upstream-client.ts';
import { parseStrongEtag } from '../delivery/http/etags.ts';
import { type MediaFile, parseMediaFile } from '../delivery/http/media-file.ts';
import { stopping } from '../delivery/http/problems.ts';
import type { CopiedBytes } from '../media/copy-store/copy-store.ts';

/** One after another over a long line would be slow, and many at once hard on it. */
export const FETCHES_AT_ONCE = 4;
const MAX_QUEUE = 64;

export interface CopyFetcher {
  /** Only the name of the bytes: undefined where nobody tells. */
  ask(file: MediaFile, signal: AbortSignal): Promise<Omit<CopiedBytes, 'body'> | undefined>;
  /** @throws Problem where nobody has it, or nobody has it right */
  fetch(file: MediaFile, signal: AbortSignal): Promise<CopiedBytes>;
  /** Of what other sites sent. */
  bytes(): number;
  stop(): void;
}

export function createCopyFetcher(options: {
  readonly siteId: () => string | undefined;
  readonly trackerUrl: () => string | undefined;
  readonly fetchHoldersSigned?: HolderListDeps['fetchHoldersSigned'];
  readonly onPrivate?: (video: VideoId) => void;
  readonly log: Log;
}): CopyFetcher {
  const { siteId, trackerUrl, fetchHoldersSigned: askWithRight, log } = options;
  const sites = createHolderList({
    trackerUrl,
    selfSiteId: siteId,
    fetchHoldersSigned: askWithRight,
    ...(options.onPrivate ? { onPrivate: options.onPrivate } : {}),
  });
  const client: UpstreamClient = createUpstreamClient(FILL_TIMING);
  let bytes = 0;
  const means: FillDeps = {
    origin: undefined,
    sites,
    client,
    originRequests: new Semaphore(1, 1),
    siteRequests: new Semaphore(FETCHES_AT_ONCE, MAX_QUEUE),
    siteId,
    originToken: () => undefined,
    reserve: () => true,
    release: () => {},
    onHolderFailed(holder, file, error) {
      sites.noteFailure(holder, error instanceof AlteredBytes);
      log.warn({ holder: holder.name, key: file.key, reason: messageOf(error) }, 'no copy from this holder');
    },
  };
  /** `foreign`: all that was named is signed by another site than the tracker said. */
  async function askAll(
    file: MediaFile,
    signal: AbortSignal,
  ): Promise<Omit<CopiedBytes, 'body'> | 'foreign' | undefined> {
    let isForeign = false;
    for (const holder of await sites.list(file.video, true)) {
      const headers = { [FILL_HEADER]: siteId() ?? 'not-joined', priority: 'u=6' };
      const response = await client
        .get({
          address: holder.address,
          path: holder.token === undefined ? file.key : tokenPath(holder.token) + file.key,
          method: 'HEAD',
          headers,
          signal,
        })
        .catch(() => undefined);
      response?.destroy();
      const proof = response?.statusCode === 200 ? parseProof(response.headers) : undefined;
      if (!proof || !isSigned(file.key, proof)) continue;
      const etag = parseStrongEtag(response?.headers.etag) ?? etagOf(file);
      if (holder.keys.includes(proof.key)) return { proof, etag };
      isForeign = true;
    }
    return isForeign ? 'foreign' : undefined;
  }

  return {
    async ask(file, signal) {
      const named = await askAll(file, signal);
      if (named !== 'foreign') return named;
      // The video may have been given to another site since the tracker was asked.
      sites.forget(file.video);
      const again = await askAll(file, signal);
      return again === 'foreign' ? undefined : again;
    },
    async fetch(file, signal) {
      const fill = new Fill(means, file, true, true, true);
      const stop = (): void => fill.stop(stopping());
      signal.addEventListener('abort', stop, { once: true });
      await fill.run();
      signal.removeEventListener('abort', stop);
      const { body, proof, failure } = fill;
      if (failure || !body || !proof || !fill.isWhole) throw failure ?? stopping();
      bytes += body.length;
      return { body, proof, etag: fill.etag ?? etagOf(file) };
    },
    bytes: () => bytes,
    stop: () => client.stop(),
  };
}

const etagOf = ({ revision, file }: MediaFile): string => `"${revision}/${file}"`;

/** A file of this revision. @throws Error where the name is none of ours */
export function fileOf(key: string, video: VideoId): MediaFile {
  const file = parseMediaFile(key);
  if (!file || file.video !== video) throw new Error(`${key} is no file of a revision`);
  return file;
}
