/**
 * Fetches the files of a copy as the buffer fills (holders that the tracker names, best first, each byte checked against the
 * proof of the site that made it), but keeps nothing in the buffer, and says that it is in no hurry.
 */
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import { isSigned, type Proof, parseProof } from '../../kernel/proofs.ts';
import type { VideoId } from '../../protocol/ids.ts';
import { parseStrongEtag } from '../buffer/etags.ts';
import { AlteredBytes, Fill, type FillMeans } from '../buffer/fill.ts';
import { type MediaFile, parseMediaFile } from '../buffer/media-file.ts';
import { stopping } from '../buffer/problems.ts';
import { Slots } from '../buffer/slots.ts';
import { siteUpstreams } from '../buffer/sources.ts';
import { createUpstreamClient, FILL_HEADER, FILL_TIMING, type UpstreamClient } from '../buffer/upstream.ts';
import type { CopiedBytes } from '../origin/copy-store.ts';

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
  readonly log: Log;
}): CopyFetcher {
  const { siteId, trackerUrl, log } = options;
  const sites = siteUpstreams({ trackerUrl, selfSiteId: siteId });
  const client: UpstreamClient = createUpstreamClient(FILL_TIMING);
  let bytes = 0;
  const means: FillMeans = {
    origin: undefined,
    sites,
    client,
    originSlots: new Slots(1, 1),
    siteSlots: new Slots(FETCHES_AT_ONCE, MAX_QUEUE),
    siteId,
    reserve: () => true,
    release: () => {},
    onHolderFailed(holder, file, error) {
      sites.noteFailure(holder, error instanceof AlteredBytes);
      log.warn({ holder: holder.name, key: file.key, reason: messageOf(error) }, 'no copy from this holder');
    },
  };
  return {
    async ask(file, signal) {
      for (const holder of await sites.list(file.video)) {
        const headers = { [FILL_HEADER]: siteId() ?? 'not-joined', priority: 'u=6' };
        const proof = await client
          .get({ address: holder.address, path: file.key, method: 'HEAD', headers, signal })
          .then(response => {
            response.destroy();
            const found: Proof | undefined =
              response.statusCode === 200 ? parseProof(response.headers) : undefined;
            const isGood = found && holder.keys.includes(found.key) && isSigned(file.key, found);
            return isGood ? { proof: found, etag: parseStrongEtag(response.headers.etag) } : undefined;
          })
          .catch(() => undefined);
        if (proof) return { proof: proof.proof, etag: proof.etag ?? etagOf(file) };
      }
      return undefined;
    },
    async fetch(file, signal) {
      const fill = new Fill(means, file, true, true);
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
