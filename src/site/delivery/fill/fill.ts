/**
 * One fill: one request upstream whatever the number of viewers who wait. Its bytes go into one buffer of the announced
 * length, out of which all of them are served while it arrives. A holder that fails is replaced, also half-way.
 *
 * What another site sends is checked against the proof of the site that made the video: the last byte is held back until
 * the whole is known to be right, so altered bytes are never kept, and never finished as if they were good.
 */
import { createHash, type Hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isSigned, type Proof, parseProof } from '../../../kernel/identity/proofs.ts';
import { messageOf, Problem } from '../../../kernel/problem.ts';
import type { VideoId } from '../../../protocol/ids.ts';
import { MAX_SEGMENT_BYTES } from '../../../protocol/limits.ts';
import { tokenPath } from '../../../protocol/media/media-address.ts';
import { allocateBody } from '../cache/body.ts';
import { parseStrongEtag } from '../http/etags.ts';
import { mayBeKept } from '../http/headers.ts';
import type { MediaFile } from '../http/media-file.ts';
import { busy, fileUnknown, fillFailed, noSource, videoUnknown, videoWithdrawn } from '../http/problems.ts';
import type { Holder, HolderList } from './holders.ts';
import type { Semaphore } from './semaphore.ts';
import { FILL_HEADER, type UpstreamClient } from './upstream-client.ts';

/** Headers and index around a segment's samples. */
const MAX_FILE_BYTES = MAX_SEGMENT_BYTES + 2 ** 20;
/** Of a file as small as this nothing is given before it was checked: it takes no time, and then another holder can still be asked. */
const CHECKED_FIRST_BYTES = 64 * 1024;

/** The bytes are not those that the video's own site signed. */
export class AlteredBytes extends Error {}

/** Signed, and by nobody whom the tracker named: the video may have been given to another site since the tracker was asked. */
class ForeignSigner extends Error {}

/** What all fills of a buffer stand on. */
export interface FillDeps {
  /** This site's own. Without one (a copy is made) other sites alone are asked. */
  readonly origin: Holder | undefined;
  readonly sites: HolderList;
  readonly client: UpstreamClient;
  /** Apart, so that sites that hang cannot hold up what this site itself has. */
  readonly originRequests: Semaphore;
  readonly siteRequests: Semaphore;
  readonly siteId: () => string | undefined;
  /** With what this site's own origin is asked for a video that is private; undefined of all others. */
  readonly originToken: (video: VideoId) => string | undefined;
  /** Announced bytes of all fills under way: taken before they are there, as memory is. False: too many. */
  readonly reserve: (bytes: number) => boolean;
  readonly release: (bytes: number) => void;
  readonly onHolderFailed: (holder: Holder, file: MediaFile, error: unknown) => void;
}

export class Fill {
  readonly file: MediaFile;
  /** Who waits has shown a right: may have private videos too. */
  readonly hasToken: boolean;
  /** Undefined until the length is known. */
  body: Buffer | undefined;
  /** The strong validator of what the first holder sends; undefined if it gives none. */
  etag: string | undefined;
  /** Of the first holder; a later one must have the same. */
  proof: Proof | undefined;
  /** Bytes of `body` that may be given to viewers. */
  available = 0;
  /** Rises when bytes turned out to be altered: who was given some of them must not be given more. */
  attempt = 0;
  /** False: it is given to who waits for it, and not kept. */
  mayKeep = true;
  /** Nobody has asked for it yet: it goes only where a holder has nothing else to do. */
  isPrefetch: boolean;
  /** Came from another site. */
  isRemote = false;
  /** Why it ended before its end. */
  failure: Problem | undefined;
  readonly #means: FillDeps;
  readonly #mayAskOthers: boolean;
  readonly #followers = new Set<() => void>();
  readonly #abort = new AbortController();
  /** Bytes of `body` that are there. */
  #filled = 0;
  /** Whoever is signed by another site than the tracker named is asked again, once the tracker was. */
  #mayBeForeign = true;
  #isForeign = false;
  /** Of what is there, once another site has a part in it: then it has to be checked. */
  #hash: Hash | undefined;

  /** `isAhead`: nobody waits for it yet. */
  constructor(means: FillDeps, file: MediaFile, mayAskOthers: boolean, hasRight: boolean, isAhead: boolean) {
    this.#means = means;
    this.file = file;
    this.#mayAskOthers = mayAskOthers;
    this.hasToken = hasRight;
    this.isPrefetch = isAhead;
  }

  /** Somebody waits for it now. */
  promote(): void {
    this.isPrefetch = false;
  }

  get isWhole(): boolean {
    return this.body !== undefined && this.available === this.body.length;
  }

  /** Calls at every change: length known, bytes arrived, failed. @returns how to leave; leaving does not end the fill. */
  follow(onChange: () => void): () => void {
    this.#followers.add(onChange);
    return () => void this.#followers.delete(onChange);
  }

  /** Ends it: who waits is told, who was being served is cut off. */
  stop(reason: Problem): void {
    if (this.isWhole || this.failure) return;
    this.#abort.abort();
    this.#fail(reason);
  }

  /** Runs to its end; never throws: `failure` says what went wrong. */
  async run(): Promise<void> {
    try {
      const wasAhead = this.isPrefetch;
      await this.#tryAll().catch(error => {
        // Refused while nobody waited for it; now somebody does.
        if (wasAhead && !this.isPrefetch && !this.#abort.signal.aborted) return this.#tryAll();
        throw error;
      });
    } catch (error) {
      this.#fail(error instanceof Problem ? error : fillFailed(messageOf(error), error));
    } finally {
      this.#means.release(this.body?.length ?? 0);
    }
  }

  #fail(reason: Problem): void {
    this.failure ??= reason;
    this.#tell();
  }

  #tell(): void {
    for (const follower of this.#followers) follower();
  }

  async #tryAll(): Promise<void> {
    const { origin, originRequests: originSlots } = this.#means;
    // What is answered if nobody has it: the gravest of what was heard.
    let failure: Problem | undefined = origin ? await this.#try(origin, originSlots) : videoUnknown();
    if (!failure) return;
    // Its own origin knows best: withdrawn, or no such file in a video that it has.
    if (failure.code === 'video-withdrawn' || failure.code === 'file-unknown') throw failure;
    if (!this.#mayAskOthers) throw failure;
    const hasOriginFailed = failure.code !== 'video-unknown';
    if (!hasOriginFailed) failure = noSource();
    failure = await this.#trySites(failure, hasOriginFailed);
    if (failure && this.#isForeign) {
      this.#mayBeForeign = false;
      this.#means.sites.forget(this.file.video);
      failure = await this.#trySites(failure, hasOriginFailed);
    }
    if (failure) throw failure;
  }

  /** @returns why none of them could; undefined when the file is whole. */
  async #trySites(before: Problem, hasOriginFailed: boolean): Promise<Problem | undefined> {
    let failure = before;
    for (const site of await this.#listSites(hasOriginFailed)) {
      const refusal = await this.#try(site, this.#means.siteRequests);
      if (!refusal) return undefined;
      // One site that says "no such file" may lag or lie: the others are asked all the same. That a video is gone is for
      // its own site and the tracker to say.
      const isHeard = ['file-unknown', 'fill-failed', 'busy'].includes(refusal.code);
      if (isHeard && failure.code !== 'fill-failed') failure = refusal;
    }
    return failure;
  }

  async #listSites(hasOriginFailed: boolean): Promise<readonly Holder[]> {
    try {
      return await this.#means.sites.list(this.file.video, this.hasToken);
    } catch (error) {
      // A tracker that does not know this site's own video yet says nothing about why the origin failed.
      if (hasOriginFailed && error instanceof Problem && error.code === 'video-unknown') return [];
      throw error;
    }
  }

  /** @returns why not, where the holder could not; undefined when the file is whole. */
  async #try(holder: Holder, slots: Semaphore): Promise<Problem | undefined> {
    if (slots.isFull) throw busy();
    return slots.run(async () => {
      this.#throwIfStopped();
      try {
        return await this.#fetch(holder);
      } catch (error) {
        this.#throwIfStopped();
        if (error instanceof Problem) throw error;
        if (error instanceof ForeignSigner) this.#isForeign = true;
        else this.#means.onHolderFailed(holder, this.file, error);
        return fillFailed(messageOf(error), error);
      }
    });
  }

  #throwIfStopped(): void {
    if (this.#abort.signal.aborted) throw this.failure ?? noSource();
  }

  async #fetch(holder: Holder): Promise<Problem | undefined> {
    const { client, siteId } = this.#means;
    const from = this.#filled;
    const { video, key } = this.file;
    const token = holder.isOwnOrigin && this.hasToken ? this.#means.originToken(video) : holder.token;
    if (from > 0 && this.etag === undefined && this.proof === undefined)
      throw new Error('half of it came without a validator, so nobody else can go on');
    const response = await client.get({
      address: holder.address,
      path: token === undefined ? key : tokenPath(token) + key,
      signal: this.#abort.signal,
      headers: {
        ...(holder.isOwnOrigin ? {} : { [FILL_HEADER]: siteId() ?? 'not-joined' }),
        // RFC 9218: less urgent than what a viewer waits for.
        ...(this.isPrefetch ? { priority: 'u=6' } : {}),
        ...(from > 0 && this.etag ? { range: `bytes=${from}-`, 'if-range': this.etag } : {}),
      },
    });
    try {
      const { statusCode } = response;
      if (statusCode !== 200 && statusCode !== 206) return await this.#readRefusal(response);
      const proof = this.#checkProof(holder, response);
      let skip = this.#checkHead(response, from, proof);
      const body = this.body ?? Buffer.alloc(0);
      if (!holder.isOwnOrigin) {
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
        this.#offer(this.#safeBytes(body.length));
      });
      if (this.#filled !== body.length) throw new Error('fewer bytes than announced');
      this.#checkBytes();
      this.#offer(body.length);
      return undefined;
    } finally {
      response.destroy();
    }
  }

  /** What may be given before all of it was checked: never the end. */
  #safeBytes(length: number): number {
    if (!this.#hash) return this.#filled;
    return length <= CHECKED_FIRST_BYTES ? 0 : Math.min(this.#filled, length - 1);
  }

  #offer(bytes: number): void {
    if (bytes <= this.available) return;
    this.available = bytes;
    this.#tell();
  }

  /** @throws AlteredBytes after which the fill begins again from nothing, with another holder. */
  #checkBytes(): void {
    if (!this.#hash || this.#hash.copy().digest('base64') === this.proof?.sha256) return;
    this.#hash = createHash('sha256');
    this.#filled = 0;
    this.available = 0;
    this.attempt++;
    this.#tell();
    throw new AlteredBytes('the bytes are not those that their site signed');
  }

  /** This site's own origin is trusted; of all others a proof is demanded, by a key that the tracker vouches for. */
  #checkProof(holder: Holder, response: IncomingMessage): Proof | undefined {
    const proof = parseProof(response.headers);
    if (holder.isOwnOrigin) return proof;
    if (!proof) throw new AlteredBytes('the answer does not prove whose bytes it has');
    const isSound = isSigned(this.file.key, proof);
    if (isSound && !holder.keys.includes(proof.key) && this.#mayBeForeign)
      throw new ForeignSigner('the answer is signed by another site than the tracker named');
    if (!isSound || !holder.keys.includes(proof.key))
      throw new AlteredBytes('the answer is not signed by the site that made the video');
    return proof;
  }

  /**
   * Takes over length, validator and proof from the first holder; of every later one demands the same.
   *
   * @returns bytes of the body to pass over: a holder may answer a Range with the whole (RFC 9110, section 14.2).
   */
  #checkHead(response: IncomingMessage, from: number, proof: Proof | undefined): number {
    const { statusCode, headers } = response;
    const length = /^\d{1,15}$/.test(headers['content-length'] ?? '')
      ? Number(headers['content-length'])
      : -1;
    if (length < 0) throw new Error('the answer does not say its length');
    if ((headers['content-encoding'] ?? 'identity') !== 'identity') throw new Error('the answer is encoded');
    const etag = parseStrongEtag(headers.etag);
    const { body } = this;
    if (body === undefined) {
      if (statusCode !== 200) throw new Error('the answer is a part, and none was asked for');
      if (length > MAX_FILE_BYTES)
        throw new Error(`the answer is beyond the limit of ${MAX_FILE_BYTES} bytes`);
      if (!this.#means.reserve(length)) throw busy();
      this.body = allocateBody(length);
      this.etag = etag;
      this.proof = proof;
      this.mayKeep = mayBeKept(headers, this.hasToken);
      this.#tell();
      return 0;
    }
    // Viewers have the head already. If-Range holds only for the same strong validator (RFC 9110, section 13.1.5).
    const isSame = proof && this.proof ? proof.sha256 === this.proof.sha256 : etag === this.etag;
    if (!isSame) throw new Error('the answer is of other bytes than the last one');
    if (statusCode === 200) {
      if (length !== body.length) throw new Error('holders disagree about the length');
      return from;
    }
    if (
      from === 0 ||
      length !== body.length - from ||
      headers['content-range'] !== `bytes ${from}-${body.length - 1}/${body.length}`
    ) {
      throw new Error('the answer does not go on where the last one stopped');
    }
    return 0;
  }

  async #readRefusal(response: IncomingMessage): Promise<Problem> {
    const { statusCode } = response;
    const code = await this.#means.client.readProblemCode(response);
    if (statusCode === 410) return videoWithdrawn();
    // It is well, and has no room for this now.
    if (statusCode === 503 && (code === 'link-full' || code === 'budget-used' || code === 'busy'))
      return busy();
    if (statusCode === 404) return code === 'video-unknown' ? videoUnknown() : fileUnknown();
    throw new Error(`a holder answered ${statusCode}${code ? ` ${code}` : ''}`);
  }
}
