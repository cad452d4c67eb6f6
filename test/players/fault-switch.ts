/**
 * A TCP relay in front of a site, at the address that viewers and the tracker use. It simulates faults of networks and machines: it
 * can refuse connections, stop responding, or become slow.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';

export type Fault = 'none' | 'kill' | 'hang' | 'slow';

/** The rate of one connection while the site is slow, and the interval of its pieces. */
const SLOW_BPS = 800_000;
const PIECE_MS = 20;

export interface FaultSwitch {
  set(fault: Fault): Promise<void>;
  stop(): Promise<void>;
}

/** `usualBps` is the rate of a connection without a fault. */
export async function startFaultSwitch(
  host: string,
  port: number,
  targetPort: number,
  usualBps: number,
): Promise<FaultSwitch> {
  let fault: Fault = 'none';
  let server: Server | undefined;
  const sockets = new Set<Socket>();
  const turned = new Set<() => void>();

  function accept(viewer: Socket): void {
    const site = connect({ host, port: targetPort, noDelay: true, allowHalfOpen: true });
    for (const socket of [viewer, site]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => sockets.delete(socket));
    }
    viewer.on('close', () => site.destroy());
    pump(viewer, site, () => Number.POSITIVE_INFINITY);
    const pieceBytes = (bps: number): number => (bps / 8) * (PIECE_MS / 1_000);
    pump(site, viewer, () => pieceBytes(fault === 'slow' ? SLOW_BPS : usualBps));
  }

  /** Forwards `allowance` bytes every `PIECE_MS`, and the end of the stream; nothing during a hang. */
  function pump(from: Socket, to: Socket, allowance: () => number): void {
    const waiting: Buffer[] = [];
    let hasEnded = false;
    const flow = (): void => {
      if (fault === 'hang' || to.destroyed) return;
      let left = allowance();
      while (left > 0) {
        const next = waiting.shift();
        if (!next) break;
        if (next.length > left) waiting.unshift(next.subarray(left));
        to.write(next.subarray(0, Math.min(left, next.length)));
        left -= next.length;
      }
      if (waiting.length > 0) return;
      if (hasEnded && !to.writableEnded) to.end();
      else if (from.isPaused()) from.resume();
    };
    const timer = setInterval(flow, PIECE_MS);
    turned.add(flow);
    from.on('data', (piece: Buffer) => {
      if (to.destroyed) return;
      waiting.push(piece);
      from.pause();
    });
    from.on('end', () => {
      hasEnded = true;
    });
    // The connection was cut, not ended: the other side is closed at once.
    from.on('close', () => {
      if (!hasEnded) to.destroy();
    });
    to.on('close', () => {
      clearInterval(timer);
      turned.delete(flow);
      // The other pump handles the other direction.
      from.resume();
    });
  }

  const open = (): Promise<void> =>
    new Promise((resolve, reject) => {
      server = createServer({ noDelay: true, allowHalfOpen: true }, accept);
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
  const close = async (): Promise<void> => {
    const closed = new Promise<void>(resolve => (server ? server.close(() => resolve()) : resolve()));
    for (const socket of sockets) socket.resetAndDestroy();
    await closed;
    server = undefined;
  };

  await open();
  return {
    async set(next) {
      const before = fault;
      fault = next;
      if (next === 'kill' && server) await close();
      if (next !== 'kill' && !server) await open();
      // Requests from before a hang would be served now, but a machine that comes back does not know them.
      if (before === 'hang' && next === 'none') for (const socket of sockets) socket.resetAndDestroy();
      for (const flow of turned) flow();
    },
    async stop() {
      fault = 'kill';
      if (server) await close();
    },
  };
}
