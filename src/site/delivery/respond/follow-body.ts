/**
 * Sends a body to one client while it is still arriving. Raw sockets and node's ServerResponse are two sinks of this one
 * state machine. It does not know HTTP, TLS or rate limits: the sinks do.
 */
import type { Problem } from '../../../kernel/problem.ts';
import type { PacedWrite } from '../egress/pacer.ts';
import type { Span } from '../http/ranges.ts';

/** A body that is complete or still arriving. All its followers share one buffer. */
export interface BodyStream {
  /** Undefined until the length is known. */
  readonly body: Buffer | undefined;
  /** The number of leading bytes of `body` that may be sent. */
  readonly available: number;
  /** How often it began again because available bytes were altered. */
  readonly restarts: number;
  /** Why no more bytes will arrive. */
  readonly failure: Problem | undefined;
  /** Calls `onChange` whenever one of these has changed. Returns the function that ends this. */
  follow(onChange: () => void): () => void;
}

/** The connection that a body is sent to. */
export interface BodySink {
  /** The most bytes that one write may have. */
  readonly maxWriteBytes: number;
  /** True while the connection accepts no bytes: it calls the drain listeners when it accepts some again. */
  readonly needsDrain: boolean;
  /** Queues for a permit to write; absent where the connection is not paced. Stays queued until a write returns 0. */
  readonly schedule?: ((write: PacedWrite) => void) | undefined;
  /**
   * Sends the head of the response, because the length of the body is known now.
   *
   * @returns the part of the body to send; undefined if the response is complete without a body
   */
  begin(length: number): Span | undefined;
  /** Responds with a problem instead of the body. Nothing was sent before. */
  reject(problem: Problem): void;
  /** Writes the next piece of the body. The last piece, which may be empty, completes the response. */
  write(piece: Buffer, isLast: boolean): void;
  onDrain(listener: () => void): void;
  offDrain(listener: () => void): void;
  /** Destroys the connection, because the response cannot be completed. */
  abort(): void;
}

const unfollow = (): void => {};
const follow = (): (() => void) => unfollow;

/** A stream of bytes that are all there. */
export const completeStream = (body: Buffer): BodyStream => ({
  body,
  available: body.length,
  restarts: 0,
  failure: undefined,
  follow,
});

export class BodyFollower {
  readonly #stream: BodyStream;
  readonly #sink: BodySink;
  #unfollow = unfollow;
  /** Undefined until the head was sent. */
  #span: Span | undefined;
  /** The position in the body up to which it was sent. */
  #sent = 0;
  #restarts: number;
  #isQueued = false;
  #hasEnded = false;

  constructor(stream: BodyStream, sink: BodySink) {
    this.#stream = stream;
    this.#sink = sink;
    this.#restarts = stream.restarts;
  }

  start(): void {
    this.#unfollow = this.#stream.follow(this.#advance);
    this.#sink.onDrain(this.#advance);
    this.#advance();
  }

  /** Ends without another call to the sink, because the client has left. The stream continues for its other followers. */
  stop(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#unfollow();
    this.#sink.offDrain(this.#advance);
  }

  /** Runs at every change of the stream and whenever the connection has drained. */
  readonly #advance = (): void => {
    if (this.#hasEnded || !this.#begin()) return;
    const { schedule, maxWriteBytes, needsDrain } = this.#sink;
    if (this.#hasSentAltered() || this.#isStuck()) {
      this.#abort();
    } else if (schedule === undefined) {
      while (this.#write(maxWriteBytes) > 0);
      this.#abortIfStuck();
    } else if (!this.#isQueued && !needsDrain) {
      this.#isQueued = true;
      schedule(this.#writePaced);
    }
  };

  readonly #writePaced: PacedWrite = maxBytes => {
    const bytes = this.#write(maxBytes);
    this.#isQueued = bytes > 0;
    if (bytes === 0) this.#abortIfStuck();
    return bytes;
  };

  /** Sends the head once the length is known. Returns false if there is no body to send, or none yet. */
  #begin(): boolean {
    if (this.#span) return true;
    const { body, failure } = this.#stream;
    if (body === undefined) {
      if (failure) {
        this.stop();
        this.#sink.reject(failure);
      }
      return false;
    }
    const span = this.#sink.begin(body.length);
    if (!span) {
      this.stop();
      return false;
    }
    this.#span = span;
    this.#sent = span.start;
    this.#restarts = this.#stream.restarts;
    return true;
  }

  /** Writes up to `maxBytes` of the available bytes. Returns how many it wrote. */
  #write(maxBytes: number): number {
    const { body, available } = this.#stream;
    const span = this.#span;
    if (this.#hasEnded || !span || !body || this.#sink.needsDrain) return 0;
    const start = this.#sent;
    const end = Math.max(start, Math.min(available, span.end, start + maxBytes));
    const isLast = end === span.end;
    if (end === start && !isLast) return 0;
    this.#sent = end;
    if (isLast) this.stop();
    this.#sink.write(body.subarray(start, end), isLast);
    return end - start;
  }

  /** True if bytes were sent that turned out to be altered. */
  #hasSentAltered(): boolean {
    const { restarts } = this.#stream;
    const isRestarted = restarts !== this.#restarts;
    this.#restarts = restarts;
    return isRestarted && this.#sent > (this.#span?.start ?? 0);
  }

  /** True if the stream failed and all that had arrived was sent. */
  #isStuck(): boolean {
    const { available, failure } = this.#stream;
    return failure !== undefined && available <= this.#sent && this.#sent < (this.#span?.end ?? 0);
  }

  #abortIfStuck(): void {
    // Where bytes wait for the connection to drain, `#advance` runs once more afterwards.
    if (!this.#hasEnded && !this.#sink.needsDrain && this.#isStuck()) this.#abort();
  }

  /** A part of a segment must never look like a complete one (RFC 9112, section 8), so the connection is destroyed. */
  #abort(): void {
    this.stop();
    this.#sink.abort();
  }
}
