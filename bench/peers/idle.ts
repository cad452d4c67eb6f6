/** Measures the memory of an idle keep-alive connection in the server's process, after one request on each connection. */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Peer, readRssBytes } from './process.ts';

const CONCURRENT_OPENS = 200;
const WARM_UP_CONNECTIONS = 50;
/** The server gets this time to release temporary memory. */
const QUIET_MS = 1_500;

export interface Idle {
  readonly server: string;
  readonly connections: number;
  readonly bytesPerConnection: number;
}

/** Opens a connection, sends one request, and resolves when the complete response has arrived. */
const open = (base: string, path: string, bodyBytes: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const { hostname, port, protocol } = new URL(base);
    const at = { host: hostname, port: Number(port) };
    const socket = protocol === 'https:' ? connectTls({ ...at, rejectUnauthorized: false }) : connect(at);
    let bytes = 0;
    socket.once('error', reject);
    socket.once('close', () => reject(new Error(`${base} closed an idle connection`)));
    socket.on('data', piece => {
      bytes += piece.length;
      if (bytes > bodyBytes) resolve(socket);
    });
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`);
  });

export interface IdleTarget {
  readonly peer: Peer;
  /** One of the addresses of the peer. */
  readonly base: string;
  readonly path: string;
  readonly bodyBytes: number;
}

export async function measureIdle(target: IdleTarget, connections: number): Promise<Idle> {
  const { peer, base, path, bodyBytes } = target;
  const sockets: Socket[] = [];
  try {
    // The first connections make the server allocate the memory that it needs only once.
    for (let i = 0; i < WARM_UP_CONNECTIONS; i++) sockets.push(await open(base, path, bodyBytes));
    const before = readRssBytes(peer.pid);
    const first = sockets.length;
    while (sockets.length < connections) {
      const count = Math.min(CONCURRENT_OPENS, connections - sockets.length);
      sockets.push(...(await Promise.all(Array.from({ length: count }, () => open(base, path, bodyBytes)))));
    }
    await new Promise(done => setTimeout(done, QUIET_MS));
    const grown = readRssBytes(peer.pid) - before;
    const name = base.startsWith('https:') ? `${peer.name}-tls` : peer.name;
    return { server: name, connections, bytesPerConnection: Math.round(grown / (connections - first)) };
  } finally {
    for (const socket of sockets) socket.removeAllListeners('close').destroy();
    await new Promise(done => setTimeout(done, QUIET_MS));
  }
}
