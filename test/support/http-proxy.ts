/** A reverse proxy in front of a part. It can be cut, as a network is, and it can add headers, as the proxy of a house does. */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface HttpProxy {
  readonly url: string;
  /** Ends all connections and accepts none, until `restore`. */
  cut(): Promise<void>;
  restore(): Promise<void>;
  stop(): Promise<void>;
}

export interface HttpProxySettings {
  readonly port: number;
  /** The URL of the part; read for each request, so the part may start later. */
  readonly target: () => string;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function startHttpProxy({ port, target, headers = {} }: HttpProxySettings): Promise<HttpProxy> {
  const sockets = new Set<Socket>();
  const forward = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const { hostname, port: targetPort } = new URL(target());
    const forwarded = request(
      {
        hostname,
        port: targetPort,
        method: incoming.method,
        path: incoming.url,
        headers: { ...incoming.headers, ...headers },
        agent: false,
      },
      response => {
        outgoing.writeHead(response.statusCode ?? 502, response.rawHeaders);
        response.pipe(outgoing);
      },
    );
    forwarded.on('error', () => outgoing.destroy());
    outgoing.on('close', () => forwarded.destroy());
    incoming.pipe(forwarded);
  };
  const server = createServer(forward);
  server.on('connection', socket => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const listen = (): Promise<void> => new Promise(done => server.listen(port, '127.0.0.1', done));
  const cut = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = new Promise(done => server.close(done));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  await listen();
  return { url: `http://127.0.0.1:${port}`, cut, restore: listen, stop: cut };
}
