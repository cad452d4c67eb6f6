/**
 * Time limits by the clock count the time in which this process could not read, for example on a machine without free processor
 * time. A limit must therefore not end a connection before the bytes that wait in the kernel were read.
 */
import type { Socket } from 'node:net';

/** Calls `done` after the event loop has read what has arrived; `isIdle` if this connection had nothing. */
export function afterReading(socket: Socket, done: (isIdle: boolean) => void): void {
  const { bytesRead } = socket;
  // Timers run before the event loop polls, and immediates after it.
  setImmediate(() => done(socket.bytesRead === bytesRead));
}
