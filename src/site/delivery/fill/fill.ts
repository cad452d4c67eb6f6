/**
 * One fill: one request upstream for all the viewers who wait for a file. Its bytes go into one buffer of the announced length,
 * from which all of them are served while it arrives. An upstream that fails is replaced, even in the middle of a file.
 *
 * The bytes of another site are checked against the proof of the site that made the video. The last byte is held back until
 * the whole file is verified, so altered bytes are never cached, and never completed as if they were good.
 *
 * A Problem is returned if only one upstream failed and the next one may have the file. It is thrown if no other upstream can help
 * (the fill was stopped, the video is withdrawn, or this site has no capacity), so that it ends all attempts.
 */
import { createHash, type Hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isSigned, type Proof, parseProof } from '../../../kernel/identity/proofs.ts';
import type { Semaphore } from '../../../kernel/lifecycle/semaphore.ts';
import { messageOf, Problem } from '../../../kernel/problem.ts';
import type { VideoId } from '../../../protocol/base/ids.ts';
import { MAX_SEGMENT_BYTES } from '../../../protocol/base/limits.ts';
import { tokenPath } from '../../../protocol/media/media-address.ts';
import { allocateBody } from '../cache/body.ts';
import { parseStrongEtag } from '../http/etags.ts';
import { FILL_HEADER, mayBeKept } from '../http/headers.ts';
import type { MediaFile } from '../http/media-file.ts';
import {
  busy,
  downloadNotAllowed,
  fileUnknown,
  fillFailed,
  noSource,
  videoUnknown,
  videoWithdrawn,
} from '../http/problems.ts';
import type { UpstreamClient } from './upstream-client.ts';
import type { Upstream, UpstreamList } from './upstreams.ts';

/** A segment's samples, and the headers and index around them. */
const MAX_FILE_BYTES = MAX_SEGMENT_BYTES + 2 ** 20;
/** Files up to this size are verified before any byte is sent. That takes no time, and then another upstream can still be tried. */
const VERIFIED_FIRST_BYTES = 64 * 1024;

/** What this site's own origin says of its videos is final. */
const AUTHORITATIVE: ReadonlySet<string> = new Set([
  'video-withdrawn',
  'file-unknown',
  'download-not-allowed',
]);
/** What any other site may say. */
const CREDIBLE: ReadonlySet<string> = new Set([
  'file-unknown',
  'fill-failed',
  'busy',
  'download-not-allowed',
]);

/** The bytes are not the ones that the video's own site signed. */
export class AlteredBytes extends Error {}

/**
 * The signature is valid, but not by a site that the tracker named. The video may have moved to another site since the tracker
 * was asked.
 */
class UnexpectedSigner extends Error {}

/** Shared by all fills of a buffer. */
export interface FillDeps {
  /** This site's own origin; undefined if only other sites are asked, as for a copy. */
  readonly origin: Upstream | undefined;
  readonly upstreams: UpstreamList;
  readonly client: UpstreamClient;
  /** Separate from `siteRequests`, so that sites that hang cannot delay files of this site. */
  readonly originRequests: Semaphore;
  readonly siteRequests: Semaphore;
  readonly siteId: () => string | undefined;
  /** The token for a private video at this site's own origin; undefined for public videos. */
  readonly originToken: (video: VideoId) => string | undefined;
  /** Reserves the announced bytes of a fill, because its memory is allocated at once. Returns false if that is too much. */
  readonly reserve: (bytes: number) => boolean;
  readonly release: (bytes: number) => void;
  readonly onUpstreamFailed: (upstream: Upstream, file: MediaFile, error: unknown) => void;
}

export interface FillRequest {
  readonly file: MediaFile;
  /** False for requests of other buffers: they get only files that are at this site. */
  readonly mayAskOthers: boolean;
  /** The client has a valid token, so the file may be one of a private video. */
  readonly hasToken: boolean;
  /** No viewer waits for it yet: upstreams serve it only while they are idle. */
  readonly isPrefetch: boolean;
}

export class Fill {
  readonly file: MediaFile;
  readonly hasToken: boolean;
  /** Undefined until the length is known. */
  body: Buffer | undefined;
  /** The strong validator of the first upstream's response; undefined if it has none. */
  etag: string | undefined;
  /** The proof of the first upstream's response. Later upstreams must have the same. */
  proof: Proof | undefined;
  /** The number of leading bytes of `body` that may be sent to viewers. */
  available = 0;
  /** How often it began again because bytes were altered. A client that received some of them must not receive more. */
  restarts = 0;
  /** False if the response must not be cached. */
  mayKeep = true;
  isPrefetch: boolean;
  /** True if another site sent bytes of it. */
  isRemote = false;
  /** Why it ended early. */
  failure: Problem | undefined;
  readonly #deps: FillDeps;
  readonly #mayAskOthers: boolean;
  readonly #followers = new Set<() => void>();
  readonly #abort = new AbortController();
  /** The number of bytes of `body` that have arrived. */
  #filled = 0;
  /** An unexpected signer is accepted as a reason to ask the tracker again once; after that it counts as altered bytes. */
  #mayAskTrackerAgain = true;
  #hadUnexpectedSigner = false;
  /** The hash of the bytes that have arrived; undefined while all of them are from this site's own origin, which is trusted. */
  #hash: Hash | undefined;

  constructor(deps: FillDeps, { file, mayAskOthers, hasToken, isPrefetch }: FillRequest) {
    this.#deps = deps;
    this.file = file;
    this.#mayAskOthers = mayAskOthers;
    this.hasToken = hasToken;
    this.isPrefetch = isPrefetch;
  }

  /** A viewer waits for it now, so it is no longer a prefetch. */
  promote(): void {
    this.isPrefetch = false;
  }

  get isComplete(): boolean {
    return this.body !== undefined && this.available === this.body.length;
  }

  /** Calls `onChange` when the length is known, bytes arrive, or it fails. The returned function ends that, not the fill. */
  follow(onChange: () => void): () => void {
    this.#followers.add(onChange);
    return () => void this.#followers.delete(onChange);
  }

  /** Ends it with a failure. Clients that wait get the problem; those that are being served are cut off. */
  stop(reason: Problem): void {
    if (this.isComplete || this.failure) return;
    this.#abort.abort();
    this.#fail(reason);
  }

  /** Runs it to its end. Never throws: `failure` says what went wrong. */
  async run(): Promise<void> {
    try {
      const wasPrefetch = this.isPrefetch;
      await this.#tryAll().catch(error => {
        // It was rejected as a prefetch, but a viewer waits for it now.
        if (wasPrefetch && !this.isPrefetch && !this.#abort.signal.aborted) return this.#tryAll();
        throw error;
      });
    } catch (error) {
      this.#fail(error instanceof Problem ? error : fillFailed(messageOf(error), error));
    } finally {
      this.#deps.release(this.body?.length ?? 0);
    }
  }

  #fail(reason: Problem): void {
    // The client gets the usual response for a private video, although no site could be asked.
    this.failure ??= this.file.isDecoy ? videoUnknown() : reason;
    this.#notify();
  }

  #notify(): void {
    for (const onChange of this.#followers) onChange();
  }

  async #tryAll(): Promise<void> {
    const { origin, originRequests } = this.#deps;
    // The most serious failure so far, for the response if every upstream fails.
    let failure: Problem | undefined = origin ? await this.#try(origin, originRequests) : videoUnknown();
    if (!failure) return;
    // The site's own origin is authoritative for withdrawn videos, and for missing files of the videos that it has.
    if (AUTHORITATIVE.has(failure.code)) throw failure;
    if (!this.#mayAskOthers) throw failure;
    const hasOriginFailed = failure.code !== 'video-unknown';
    if (!hasOriginFailed) failure = noSource();
    failure = await this.#trySites(failure, hasOriginFailed);
    if (failure && this.#hadUnexpectedSigner) {
      this.#mayAskTrackerAgain = false;
      this.#deps.upstreams.forget(this.file.video);
      failure = await this.#trySites(failure, hasOriginFailed);
    }
    if (failure) throw failure;
  }

  /** @returns why all of them failed; undefined if the file is complete */
  async #trySites(before: Problem, hasOriginFailed: boolean): Promise<Problem | undefined> {
    let failure = before;
    for (const site of await this.#listSites(hasOriginFailed)) {
      const rejection = await this.#try(site, this.#deps.siteRequests);
      if (!rejection) return undefined;
      // A site without the file may be out of date or hostile, so the others are asked too. Only the video's own site and the
      // tracker can say that a video is withdrawn.
      const isCredible = CREDIBLE.has(rejection.code);
      if (isCredible && failure.code !== 'fill-failed') failure = rejection;
    }
    return failure;
  }

  async #listSites(hasOriginFailed: boolean): Promise<readonly Upstream[]> {
    try {
      return await this.#deps.upstreams.list(this.file.video, this.hasToken);
    } catch (error) {
      // If the tracker does not know this site's own video yet, that does not explain why the origin failed.
      if (hasOriginFailed && error instanceof Problem && error.code === 'video-unknown') return [];
      throw error;
    }
  }

  /** @returns why the upstream failed; undefined if the file is complete */
  async #try(upstream: Upstream, requests: Semaphore): Promise<Problem | undefined> {
    if (requests.isFull) throw busy();
    return requests.run(async () => {
      this.#throwIfStopped();
      try {
        return await this.#fetch(upstream);
      } catch (error) {
        this.#throwIfStopped();
        if (error instanceof Problem) throw error;
        if (error instanceof UnexpectedSigner) this.#hadUnexpectedSigner = true;
        else this.#deps.onUpstreamFailed(upstream, this.file, error);
        return fillFailed(messageOf(error), error);
      }
    });
  }

  #throwIfStopped(): void {
    if (this.#abort.signal.aborted) throw this.failure ?? noSource();
  }

  async #fetch(upstream: Upstream): Promise<Problem | undefined> {
    const { client } = this.#deps;
    const from = this.#filled;
    const response = await this.#request(upstream, from);
    try {
      const { statusCode } = response;
      if (statusCode !== 200 && statusCode !== 206) return await this.#readRejection(response);
      const proof = this.#checkProof(upstream, response);
      let skip = this.#checkHead(response, from, proof);
      const body = this.body ?? Buffer.alloc(0);
      if (!upstream.isOwnOrigin) {
        this.isRemote = true;
        this.#hash ??= createHash('sha256').update(body.subarray(0, this.#filled));
      }
      await client.receive(response, piece => {
        const wanted = skip === 0 ? piece : piece.subarray(Math.min(skip, piece.length));
        skip -= piece.length - wanted.length;
        if (this.#filled + wanted.length > body.length) throw new Error('more bytes than announced');
        wanted.copy(body, this.#filled);
        this.#filled += wanted.length;
        this.#hash?.update(wanted);
        this.#offer(this.#verifiableBytes(body.length));
      });
      if (this.#filled !== body.length) throw new Error('fewer bytes than announced');
      this.#checkBytes();
      this.#offer(body.length);
      return undefined;
    } finally {
      response.destroy();
    }
  }

  #request(upstream: Upstream, from: number): Promise<IncomingMessage> {
    const { client, siteId, originToken } = this.#deps;
    const { video, key } = this.file;
    const token = upstream.isOwnOrigin && this.hasToken ? originToken(video) : upstream.token;
    if (from > 0 && this.etag === undefined && this.proof === undefined)
      throw new Error('the first part had no validator, so no other upstream can continue');
    return client.get({
      address: upstream.address,
      path: token === undefined ? key : tokenPath(token) + key,
      abort: this.#abort.signal,
      headers: {
        ...(upstream.isOwnOrigin ? {} : { [FILL_HEADER]: siteId() ?? 'not-joined' }),
        // RFC 9218: less urgent than requests that a viewer waits for.
        ...(this.isPrefetch ? { priority: 'u=6' } : {}),
        ...(from > 0 && this.etag ? { range: `bytes=${from}-`, 'if-range': this.etag } : {}),
      },
    });
  }

  /** The bytes that may be sent before the file is verified: never the last one. */
  #verifiableBytes(length: number): number {
    if (!this.#hash) return this.#filled;
    return length <= VERIFIED_FIRST_BYTES ? 0 : Math.min(this.#filled, length - 1);
  }

  #offer(bytes: number): void {
    if (bytes <= this.available) return;
    this.available = bytes;
    this.#notify();
  }

  /** @throws AlteredBytes after resetting the fill, so that another upstream starts with the first byte */
  #checkBytes(): void {
    if (!this.#hash || this.#hash.copy().digest('base64') === this.proof?.sha256) return;
    this.#hash = createHash('sha256');
    this.#filled = 0;
    this.available = 0;
    this.restarts++;
    this.#notify();
    throw new AlteredBytes('the bytes are not the ones that their site signed');
  }

  /** This site's own origin is trusted. All others must send a proof, signed with a key that the tracker vouches for. */
  #checkProof(upstream: Upstream, response: IncomingMessage): Proof | undefined {
    const proof = parseProof(response.headers);
    if (upstream.isOwnOrigin) return proof;
    if (!proof) throw new AlteredBytes('the response has no proof of its bytes');
    const isValid = isSigned(this.file.key, proof);
    if (isValid && !upstream.keys.includes(proof.key) && this.#mayAskTrackerAgain)
      throw new UnexpectedSigner('the response is signed by another site than the tracker named');
    if (!isValid || !upstream.keys.includes(proof.key))
      throw new AlteredBytes('the response is not signed by the site that made the video');
    return proof;
  }

  /**
   * Takes length, validator and proof from the first upstream, and requires the same of every later one.
   *
   * @returns the bytes of the body to skip: an upstream may respond to a Range with the whole file (RFC 9110, section 14.2)
   */
  #checkHead(response: IncomingMessage, from: number, proof: Proof | undefined): number {
    const { statusCode, headers } = response;
    const length = parseLength(headers['content-length']);
    if ((headers['content-encoding'] ?? 'identity') !== 'identity')
      throw new Error('the response is encoded');
    const etag = parseStrongEtag(headers.etag);
    const { body } = this;
    if (body === undefined) {
      if (statusCode !== 200) throw new Error('the response is a part, but no part was requested');
      if (length > MAX_FILE_BYTES)
        throw new Error(`the response is longer than the limit of ${MAX_FILE_BYTES} bytes`);
      if (!this.#deps.reserve(length)) throw busy();
      this.body = allocateBody(length);
      this.etag = etag;
      this.proof = proof;
      this.mayKeep = mayBeKept(headers, this.hasToken);
      this.#notify();
      return 0;
    }
    // Viewers already have the head. If-Range requires the same strong validator (RFC 9110, section 13.1.5).
    const isSame = proof && this.proof ? proof.sha256 === this.proof.sha256 : etag === this.etag;
    if (!isSame) throw new Error('the response has other bytes than the one before');
    if (statusCode === 200) {
      if (length !== body.length) throw new Error('upstreams disagree about the length');
      return from;
    }
    const expectedRange = `bytes ${from}-${body.length - 1}/${body.length}`;
    if (from === 0 || length !== body.length - from || headers['content-range'] !== expectedRange)
      throw new Error('the response does not continue where the one before stopped');
    return 0;
  }

  async #readRejection(response: IncomingMessage): Promise<Problem> {
    const { statusCode } = response;
    const code = await this.#deps.client.readProblemCode(response);
    if (statusCode === 410) return videoWithdrawn();
    // The upstream works, but has no capacity for this request now.
    if (statusCode === 503 && (code === 'link-full' || code === 'budget-used' || code === 'busy'))
      return busy();
    if (statusCode === 403 && code === 'download-not-allowed') return downloadNotAllowed();
    if (statusCode === 404) return code === 'video-unknown' ? videoUnknown() : fileUnknown();
    throw new Error(`an upstream responded with ${statusCode}${code ? ` ${code}` : ''}`);
  }
}

function parseLength(header: string | undefined): number {
  if (!/^\d{1,15}$/.test(header ?? '')) throw new Error('the response does not state its length');
  return Number(header);
}

/** Waits for the whole body. @throws Problem if it cannot be fetched */
export const completeBody = (fill: Fill): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const check = (): void => {
      if (fill.failure) end(() => reject(fill.failure));
      else if (fill.body && fill.isComplete) end(() => resolve(fill.body ?? Buffer.alloc(0)));
    };
    const unfollow = fill.follow(check);
    const end = (act: () => void): void => {
      unfollow();
      act();
    };
    check();
  });
