/**
 * One fill: one request upstream whatever the number of viewers who wait. Its bytes go into one buffer of the announced
 * length, out of which all of them are served while it arrives. A holder that fails is replaced, also half-way.
 */
import { EventEmitter, once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { messageOf, Problem } from '../../kernel/problem.ts';
import { MAX_SEGMENT_BYTES } from '../../protocol/limits.ts';
import { etagOf, type MediaFile } from './media-file.ts';
import { readProblemCode, type Upstreams } from './upstream.ts';

const IDLE_MS = 10_000;
/** Headers and index around a segment's samples. */
const MAX_FILE_BYTES = MAX_SEGMENT_BYTES + 2 ** 20;

export class Fill {
  /** Undefined until the length is known. */
  body: Buffer | undefined;
  /** Bytes of `body` that are there. */
  filled = 0;
  /** Why it ended before its end. */
  failure: Problem | undefined;
  readonly #changes = new EventEmitter().setMaxListeners(0);
  readonly #abort = new AbortController();

  get isWhole(): boolean {
    return this.body !== undefined && this.filled === this.body.length;
  }

  /** Resolves at the next change: length known, bytes arrived, failed. */
  async changed(): Promise<void> {
    if (this.isWhole || this.failure) return;
    await once(this.#changes, 'change');
  }

  stop(): void {
    this.#abort.abort();
  }

  /** Runs to its end; never throws: `failure` says what went wrong. */
  async run(upstreams: Upstreams, file: MediaFile, mayAskOthers: boolean): Promise<void> {
    try {
      await this.#tryAll(upstreams, file, mayAskOthers);
    } catch (error) {
      this.failure =
        error instanceof Problem
          ? error
          : new Problem(502, 'fill-failed', messageOf(error), { cause: error });
    }
    this.#changes.emit('change');
  }

  async #tryAll(upstreams: Upstreams, file: MediaFile, mayAskOthers: boolean): Promise<void> {
    let last = new Problem(503, 'no-source', 'No site that holds this video can be reached now.', {
      headers: { 'retry-after': '2' },
    });
    for await (const baseUrl of upstreams.list(file, mayAskOthers)) {
      try {
        await this.#tryOne(upstreams, baseUrl, file);
        return;
      } catch (error) {
        if (this.#abort.signal.aborted) throw error;
        // Withdrawn, or no such file in a video that is known: nobody else will know better.
        if (error instanceof Problem && (error.code === 'video-withdrawn' || error.code === 'file-unknown'))
          throw error;
        if (error instanceof Problem && error.code === 'video-unknown' && !mayAskOthers) throw error;
        if (!(error instanceof Problem)) {
          last = new Problem(502, 'fill-failed', `This could not be fetched: ${messageOf(error)}.`, {
            cause: error,
          });
        }
      }
    }
    throw last;
  }

  async #tryOne(upstreams: Upstreams, baseUrl: string, file: MediaFile): Promise<void> {
    const response = await upstreams.get(baseUrl, file, this.filled, this.#abort.signal);
    if (response.statusCode !== (this.filled > 0 ? 206 : 200)) throw await refusal(response);
    try {
      this.#checkHead(response, file);
      await this.#take(response);
    } finally {
      response.destroy();
    }
  }

  #checkHead(response: IncomingMessage, file: MediaFile): void {
    const length = Number(response.headers['content-length'] ?? Number.NaN);
    if (!Number.isSafeInteger(length) || length < 0 || this.filled + length > MAX_FILE_BYTES) {
      throw new Error('the answer has no length, or one beyond the limit');
    }
    if (this.body === undefined) this.body = Buffer.allocUnsafe(length);
    else if (this.filled === 0 && this.body.length !== length)
      throw new Error('holders disagree about the length');
    else if (this.filled > 0) {
      const expected = `bytes ${this.filled}-${this.body.length - 1}/${this.body.length}`;
      // If-Range holds only for the same strong validator (RFC 9110, section 13.1.5).
      if (response.headers['content-range'] !== expected || response.headers.etag !== etagOf(file)) {
        throw new Error('the answer does not go on where the last one stopped');
      }
    }
    this.#changes.emit('change');
  }

  async #take(response: IncomingMessage): Promise<void> {
    const body = this.body ?? Buffer.alloc(0);
    const idle = setTimeout(() => response.destroy(new Error('the bytes stopped coming')), IDLE_MS);
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        idle.refresh();
        if (this.filled + chunk.length > body.length) throw new Error('more bytes than announced');
        chunk.copy(body, this.filled);
        this.filled += chunk.length;
        this.#changes.emit('change');
      }
    } finally {
      clearTimeout(idle);
    }
    if (this.filled !== body.length) throw new Error('fewer bytes than announced');
  }
}

async function refusal(response: IncomingMessage): Promise<Error> {
  const code = await readProblemCode(response);
  if (response.statusCode === 410) return new Problem(410, 'video-withdrawn', 'This video was withdrawn.');
  if (response.statusCode === 404) {
    return code === 'file-unknown'
      ? new Problem(404, 'file-unknown', 'This video has no such file.')
      : new Problem(404, 'video-unknown', 'There is no such video here.');
  }
  return new Error(`a holder answered ${response.statusCode}`);
}
