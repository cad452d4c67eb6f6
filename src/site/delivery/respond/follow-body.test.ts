import { describe, expect, it } from 'vitest';
import { type Problem, problem } from '../../../kernel/problem.ts';
import type { PacedWrite } from '../egress/pacer.ts';
import type { Span } from '../http/ranges.ts';
import { BodyFollower, type BodySink, type BodyStream, completeStream } from './follow-body.ts';

const BODY = Buffer.from('0123456789');
const FAILURE = problem('fill-failed');

/** A stream whose state the test sets. */
class FakeStream implements BodyStream {
  body: Buffer | undefined;
  available = 0;
  restarts = 0;
  failure: Problem | undefined;
  readonly followers = new Set<() => void>();

  follow(onChange: () => void): () => void {
    this.followers.add(onChange);
    return () => void this.followers.delete(onChange);
  }

  set(changes: Partial<Pick<FakeStream, 'body' | 'available' | 'restarts' | 'failure'>>): void {
    Object.assign(this, changes);
    for (const onChange of this.followers) onChange();
  }
}

/** Records every call. It accepts `capacityBytes` until it has drained. */
class FakeSink implements BodySink {
  maxWriteBytes = Number.POSITIVE_INFINITY;
  schedule: ((write: PacedWrite) => void) | undefined;
  capacityBytes = Number.POSITIVE_INFINITY;
  /** What `begin` returns; the whole body by default. */
  span: Span | 'no-body' | undefined;
  readonly calls: string[] = [];
  readonly listeners = new Set<() => void>();
  #undrainedBytes = 0;

  get needsDrain(): boolean {
    return this.#undrainedBytes >= this.capacityBytes;
  }

  begin(length: number): Span | undefined {
    this.calls.push(`begin ${length}`);
    return this.span === 'no-body' ? undefined : (this.span ?? { start: 0, end: length });
  }

  reject({ code }: Problem): void {
    this.calls.push(`reject ${code}`);
  }

  write(piece: Buffer, isLast: boolean): void {
    this.calls.push(`${isLast ? 'last' : 'write'} ${piece}`);
    this.#undrainedBytes += piece.length;
  }

  onDrain(listener: () => void): void {
    this.listeners.add(listener);
  }

  offDrain(listener: () => void): void {
    this.listeners.delete(listener);
  }

  abort(): void {
    this.calls.push('abort');
  }

  drain(): void {
    this.#undrainedBytes = 0;
    for (const listener of this.listeners) listener();
  }

  /** Returns the calls since the last time. */
  take(): string[] {
    return this.calls.splice(0);
  }
}

function start(changes: Partial<FakeSink> = {}, initial: Partial<FakeStream> = {}) {
  const stream = Object.assign(new FakeStream(), initial);
  const sink = Object.assign(new FakeSink(), changes);
  const follower = new BodyFollower(stream, sink);
  follower.start();
  /** The follower has ended: it left the stream and the sink, and nothing can start it again. */
  const expectEnded = (): void => {
    expect([stream.followers.size, sink.listeners.size]).toEqual([0, 0]);
    sink.take();
    stream.set({ body: BODY, available: BODY.length, restarts: 9, failure: FAILURE });
    sink.drain();
    expect(sink.take()).toEqual([]);
  };
  return { stream, sink, follower, expectEnded };
}

describe('a body that is complete', () => {
  it('is sent with one write', () => {
    const sink = new FakeSink();
    new BodyFollower(completeStream(BODY), sink).start();
    expect(sink.take()).toEqual(['begin 10', 'last 0123456789']);
    expect(sink.listeners.size).toBe(0);
  });

  it('is completed with an empty write if it is empty', () => {
    const { sink, expectEnded } = start({}, { body: Buffer.alloc(0) });
    expect(sink.take()).toEqual(['begin 0', 'last ']);
    expectEnded();
  });

  it('is sent in pieces of at most maxWriteBytes, each after a drain if the connection is full', () => {
    const { sink, expectEnded } = start(
      { maxWriteBytes: 4, capacityBytes: 4 },
      { body: BODY, available: BODY.length },
    );
    expect(sink.take()).toEqual(['begin 10', 'write 0123']);
    sink.drain();
    expect(sink.take()).toEqual(['write 4567']);
    sink.drain();
    expect(sink.take()).toEqual(['last 89']);
    expectEnded();
  });

  it('is sent in pieces without a pause if the connection is not full', () => {
    const { sink } = start({ maxWriteBytes: 4 }, { body: BODY, available: BODY.length });
    expect(sink.take()).toEqual(['begin 10', 'write 0123', 'write 4567', 'last 89']);
  });
});

describe('a body that is arriving', () => {
  it('is sent as it arrives, once its length is known', () => {
    const { stream, sink, expectEnded } = start();
    expect(sink.take()).toEqual([]);
    stream.set({ body: BODY });
    expect(sink.take()).toEqual(['begin 10']);
    stream.set({ available: 3 });
    stream.set({});
    stream.set({ available: 10 });
    expect(sink.take()).toEqual(['write 012', 'last 3456789']);
    expectEnded();
  });

  it('waits for a slow reader, and then sends all that has arrived meanwhile', () => {
    const { stream, sink } = start({ capacityBytes: 2 }, { body: BODY, available: 2 });
    stream.set({ available: 5 });
    stream.set({ available: 9 });
    expect(sink.take()).toEqual(['begin 10', 'write 01']);
    sink.drain();
    expect(sink.take()).toEqual(['write 2345678']);
  });

  it('is sent within a range only', () => {
    const { stream, sink, expectEnded } = start({ span: { start: 2, end: 6 } }, { body: BODY, available: 1 });
    expect(sink.take()).toEqual(['begin 10']);
    stream.set({ available: 4 });
    stream.set({ available: 8 });
    expect(sink.take()).toEqual(['write 23', 'last 45']);
    expectEnded();
  });

  it('is not sent if the sink has completed the response without one', () => {
    const { stream, sink, expectEnded } = start({ span: 'no-body' });
    stream.set({ body: BODY });
    expect(sink.take()).toEqual(['begin 10']);
    expectEnded();
  });

  it('is left when the client leaves, without another call to the sink', () => {
    const { sink, follower, expectEnded } = start({}, { body: BODY, available: 3 });
    follower.stop();
    follower.stop();
    expect(sink.take()).toEqual(['begin 10', 'write 012']);
    expectEnded();
  });
});

describe('a body that fails', () => {
  it('before its length is known is a problem response', () => {
    const { stream, sink, expectEnded } = start();
    stream.set({ failure: FAILURE });
    expect(sink.take()).toEqual(['reject fill-failed']);
    expectEnded();
  });

  it('before the follower starts is a problem response', () => {
    const { sink, expectEnded } = start({}, { failure: FAILURE });
    expect(sink.take()).toEqual(['reject fill-failed']);
    expectEnded();
  });

  it('after the head aborts the connection', () => {
    const { stream, sink, expectEnded } = start({}, { body: BODY });
    stream.set({ failure: FAILURE });
    expect(sink.take()).toEqual(['begin 10', 'abort']);
    expectEnded();
  });

  it('after some bytes aborts the connection, even while it is full', () => {
    const { stream, sink, expectEnded } = start({ capacityBytes: 1 }, { body: BODY, available: 3 });
    stream.set({ failure: FAILURE });
    expect(sink.take()).toEqual(['begin 10', 'write 012', 'abort']);
    expectEnded();
  });

  it.each([
    ['a connection that drains', Number.POSITIVE_INFINITY],
    ['a connection that is full again', 2],
  ])('behind a slow reader aborts after the bytes that had arrived, on %s', (_name, capacityBytes) => {
    const { stream, sink, expectEnded } = start({ capacityBytes: 2 }, { body: BODY, available: 2 });
    stream.set({ available: 5 });
    stream.set({ failure: FAILURE });
    expect(sink.take()).toEqual(['begin 10', 'write 01']);
    sink.capacityBytes = capacityBytes;
    sink.drain();
    if (capacityBytes === 2) sink.drain();
    expect(sink.take()).toEqual(['write 234', 'abort']);
    expectEnded();
  });

  it('after the range was sent changes nothing', () => {
    const { sink, expectEnded } = start({ span: { start: 0, end: 3 } }, { body: BODY, available: 3 });
    expect(sink.take()).toEqual(['begin 10', 'last 012']);
    expectEnded();
  });
});

describe('a body whose bytes turned out to be altered', () => {
  it('aborts the connection if some of them were sent', () => {
    const { stream, sink, expectEnded } = start({}, { body: BODY, available: 3 });
    stream.set({ available: 0, restarts: 1 });
    expect(sink.take()).toEqual(['begin 10', 'write 012', 'abort']);
    expectEnded();
  });

  it('is sent from the next holder if none of them were sent', () => {
    const { stream, sink } = start({ span: { start: 5, end: 10 } }, { body: BODY, available: 4 });
    stream.set({ available: 0, restarts: 1 });
    stream.set({ available: 10 });
    expect(sink.take()).toEqual(['begin 10', 'last 56789']);
  });

  it('is sent if that happened before the follower started', () => {
    const { stream, sink } = start({}, { body: BODY, restarts: 3 });
    stream.set({ available: 10 });
    expect(sink.take()).toEqual(['begin 10', 'last 0123456789']);
  });
});

describe('a paced connection', () => {
  function startPaced(initial: Partial<FakeStream>) {
    const queue: PacedWrite[] = [];
    const started = start({ schedule: write => void queue.push(write) }, initial);
    /** Gives one permit to the first in the queue, as the pacer does. */
    const permit = (maxBytes: number): number => {
      const write = queue.shift();
      const bytes = write?.(maxBytes) ?? 0;
      if (write && bytes > 0) queue.push(write);
      return bytes;
    };
    return { ...started, queue, permit };
  }

  it('gets no byte without a permit, and is queued once', () => {
    const { stream, sink, queue, permit, expectEnded } = startPaced({ body: BODY, available: 2 });
    stream.set({ available: 6 });
    stream.set({ available: 10 });
    expect([sink.take(), queue.length]).toEqual([['begin 10'], 1]);
    expect([permit(4), permit(4), permit(4), permit(4)]).toEqual([4, 4, 2, 0]);
    expect(sink.take()).toEqual(['write 0123', 'write 4567', 'last 89']);
    expectEnded();
  });

  it('leaves the queue while nothing has arrived, and enters it again', () => {
    const { stream, sink, queue, permit } = startPaced({ body: BODY, available: 2 });
    expect([permit(4), permit(4), queue.length]).toEqual([2, 0, 0]);
    stream.set({ available: 10 });
    expect([queue.length, permit(100)]).toEqual([1, 8]);
    expect(sink.take()).toEqual(['begin 10', 'write 01', 'last 23456789']);
  });

  it('is not in the queue while it is full', () => {
    const { stream, sink, queue, permit } = startPaced({ body: BODY, available: 4 });
    sink.capacityBytes = 2;
    expect([permit(2), permit(2), queue.length]).toEqual([2, 0, 0]);
    stream.set({ available: 10 });
    expect(queue.length).toBe(0);
    sink.drain();
    expect(queue.length).toBe(1);
  });

  it('is aborted after the bytes that had arrived when the body fails', () => {
    const { stream, sink, permit, expectEnded } = startPaced({ body: BODY, available: 4 });
    stream.set({ failure: FAILURE });
    expect(sink.take()).toEqual(['begin 10']);
    expect([permit(2), permit(2), permit(2)]).toEqual([2, 2, 0]);
    expect(sink.take()).toEqual(['write 01', 'write 23', 'abort']);
    expectEnded();
  });

  it('writes nothing with a permit that comes after the client has left', () => {
    const { sink, follower, permit } = startPaced({ body: BODY, available: 4 });
    follower.stop();
    expect(permit(4)).toBe(0);
    expect(sink.take()).toEqual(['begin 10']);
  });
});
