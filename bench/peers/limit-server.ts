/** The limit of Node: a bare TCP server that writes prepared responses and does not parse the request. Prints a port for each size. */
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';

const ports = process.argv
  .slice(2)
  .map(Number)
  .map(
    bytes =>
      new Promise<number>(resolve => {
        const response = Buffer.concat([
          Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes}\r\nConnection: keep-alive\r\n\r\n`),
          Buffer.alloc(bytes, 1),
        ]);
        const server = createServer({ noDelay: true }, socket => {
          socket.on('data', () => socket.write(response));
          socket.on('error', () => socket.destroy());
        });
        server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
      }),
  );
console.log((await Promise.all(ports)).join(' '));
