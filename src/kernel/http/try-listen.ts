/** Checks whether a server could listen on an address, by listening on it briefly. */
import { createServer } from 'node:net';

/** @returns the error code (for example `EADDRINUSE`), or undefined if the address is free. Port 0 means any port. */
export const tryListen = (host: string, port: number): Promise<string | undefined> =>
  new Promise(resolve => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
