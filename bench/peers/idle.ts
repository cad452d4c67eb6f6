/** What a kept-alive connection costs that says nothing: memory of the server's process, after one request on each. */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Peer, readRssBytes } from './process.ts';

const AT_ONCE = 200;
const SETTLE_MS = 1_500;

export interface Idle {
  readonly server: string;
  readonly connections: number;
  readonly bytesPerConnection: number;
}

/** Resolves when the whole answer has come. */
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

export async function measureIdle(
  peer: Peer,
  base: string,
  path: string,
  bodyBytes: number,
  connections: number,
): Promise<Idle> {
  const sockets: Socket[] = [];
  try {
    // The first ones make the server take what it needs once.
    for (let i = 0; i < 50; i++) sockets.push(await open(base, path, bodyBytes));
    const before = readRssBytes(peer.pid);
    const first = sockets.length;
    while (sockets.length < connections) {
      const count = Math.min(AT_ONCE, connections - sockets.length);
      sockets.push(...(await Promise.all(Array.from({ length: count }, () => open(base, path, bodyBytes)))));
    }
    await new Promise(done => setTimeout(done, SETTLE_MS));
    const grown = readRssBytes(peer.pid) - before;
    const name = base.startsWith('https:') ? `${peer.name}-tls` : peer.name;
    return { server: name, connections, bytesPerConnection: Math.round(grown / (connections - first)) };
  } finally {
    for (const socket of sockets) socket.removeAllListeners('close').destroy();
    await new Promise(done => setTimeout(done, SETTLE_MS));
  }
}
