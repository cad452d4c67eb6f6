/**
 * Fetches files for copies as the buffer fills: from the upstreams that the tracker names, best first, with every byte verified
 * against the proof of the site that made it. It caches nothing, and asks with low priority.
 */
import { isSigned, type Proof, parseProof } from '../../../kernel/identity/proofs.ts';
import { Semaphore } from '../../../kernel/lifecycle/semaphore.ts';
import type { Log } from '../../../kernel/log.ts';
import { messageOf } from '../../../kernel/problem.ts';
import { tokenPath } from '../../../protocol/media/media-address.ts';
import { parseStrongEtag } from '../http/etags.ts';
import { FILL_HEADER } from '../http/headers.ts';
import type { MediaFile } from '../http/media-file.ts';
import { stopping } from '../http/problems.ts';
import { AlteredBytes, Fill, type FillDeps } from './fill.ts';
import { createUpstreamClient, FILL_TIMING } from './upstream-client.ts';
import { createUpstreamList, type Upstream, type UpstreamListDeps } from './upstreams.ts';

/** One at a time would be slow over a long distance, and many at once would load the link. */
export const MAX_VERIFIED_FETCHES = 4;
const MAX_QUEUE = 64;

export interface VerifiedHead {
  readonly proof: Proof;
  readonly etag: string;
}

export interface VerifiedFile extends VerifiedHead {
  readonly body: Buffer;
}

export interface VerifiedFetcher {
  /** Finds out the proof of a file without its bytes; undefined if no upstream sends a valid one. */
  findProof(file: MediaFile, abort: AbortSignal): Promise<VerifiedHead | undefined>;
  /** @throws Problem if no upstream has the file, or none sends the right bytes */
  fetch(file: MediaFile, abort: AbortSignal): Promise<VerifiedFile>;
  /** Body bytes fetched so far. */
  bytes(): number;
  stop(): void;
}

export function createVerifiedFetcher({
  log,
  ...upstreamDeps
}: UpstreamListDeps & { readonly log: Log }): VerifiedFetcher {
  const siteId = upstreamDeps.selfSiteId;
  const upstreams = createUpstreamList(upstreamDeps);
  const client = createUpstreamClient(FILL_TIMING);
  let bytes = 0;
  const deps: FillDeps = {
    origin: undefined,
    upstreams,
    client,
    originRequests: new Semaphore(1, 1),
    siteRequests: new Semaphore(MAX_VERIFIED_FETCHES, MAX_QUEUE),
    siteId,
    originToken: () => undefined,
    reserve: () => true,
    release: () => {},
    onUpstreamFailed(upstream, file, error) {
      upstreams.noteFailure(upstream, error instanceof AlteredBytes);
      const reason = messageOf(error);
      log.warn(
        { upstream: upstream.name, key: file.key, reason },
        'an upstream could not send a file for a copy',
      );
    },
  };

  async function askUpstream(
    { address, token }: Upstream,
    file: MediaFile,
    abort: AbortSignal,
  ): Promise<VerifiedHead | undefined> {
    const response = await client
      .get({
        address,
        path: token === undefined ? file.key : tokenPath(token) + file.key,
        method: 'HEAD',
        headers: { [FILL_HEADER]: siteId() ?? 'not-joined', priority: 'u=6' },
        abort,
      })
      .catch(() => undefined);
    response?.destroy();
    if (response?.statusCode !== 200) return undefined;
    const proof = parseProof(response.headers);
    if (!proof || !isSigned(file.key, proof)) return undefined;
    return { proof, etag: parseStrongEtag(response.headers.etag) ?? defaultEtagOf(file) };
  }

  /** Returns `'unexpected-signer'` if every valid proof is of another site than the tracker named. */
  async function askUpstreams(
    file: MediaFile,
    abort: AbortSignal,
  ): Promise<VerifiedHead | 'unexpected-signer' | undefined> {
    let hasUnexpectedSigner = false;
    for (const upstream of await upstreams.list(file.video, true)) {
      const head = await askUpstream(upstream, file, abort);
      if (!head) continue;
      if (upstream.keys.includes(head.proof.key)) return head;
      hasUnexpectedSigner = true;
    }
    return hasUnexpectedSigner ? 'unexpected-signer' : undefined;
  }

  return {
    async findProof(file, abort) {
      const head = await askUpstreams(file, abort);
      if (head !== 'unexpected-signer') return head;
      // The video may have moved to another site since the tracker was asked.
      upstreams.forget(file.video);
      const retried = await askUpstreams(file, abort);
      return retried === 'unexpected-signer' ? undefined : retried;
    },
    async fetch(file, abort) {
      const fill = new Fill(deps, { file, mayAskOthers: true, hasToken: true, isPrefetch: true });
      const stop = (): void => fill.stop(stopping());
      abort.addEventListener('abort', stop, { once: true });
      await fill.run();
      abort.removeEventListener('abort', stop);
      const { body, proof, etag, failure } = fill;
      if (failure || !body || !proof || !fill.isComplete) throw failure ?? stopping();
      bytes += body.length;
      return { body, proof, etag: etag ?? defaultEtagOf(file) };
    },
    bytes: () => bytes,
    stop: () => client.stop(),
  };
}

const defaultEtagOf = ({ revision, file }: MediaFile): string => `"${revision}/${file}"`;
