/**
 * Stands before a site on the address that viewers and the tracker know, and does to it what networks and machines do: an
 * ordinary TCP relay until it is told to refuse, to fall silent, or to be slow.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';

export type Fault = 'none' | 'kill' | 'hang' | 'slow';

/** What one connection gets while the site is slow, and how often a piece of it is let through. */
const SLOW_BPS = 800_000;
const PIECE_MS = 20;

export interface FaultSwitch {
  set(fault: Fault): Promise<void>;
  stop(): Promise<void>;
}

/** `usualBps`: what a connection gets while all is well. */
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

  /** Hands on what comes, and its end, `allowance` bytes every `PIECE_MS`; nothing at all during a hang. */
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
    // Cut off, not ended: the other side learns of it at once.
    from.on('close', () => {
      if (!hasEnded) to.destroy();
    });
    to.on('close', () => {
      clearInterval(timer);
      turned.delete(flow);
      // What the other side still gets is the other pump's affair.
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
      // Whoever waited through a hang would be answered now; a machine that comes back knows nothing of them.
      if (before === 'hang' && next === 'none') for (const socket of sockets) socket.resetAndDestroy();
      for (const flow of turned) flow();
    },
    async stop() {
      fault = 'kill';
      if (server) await close();
    },
  };
}
