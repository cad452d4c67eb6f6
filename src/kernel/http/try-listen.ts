/** Whether an address can be listened on, found out by doing it. */
import { createServer } from 'node:net';

/** @returns the reason why not (an error code like `EADDRINUSE`), or undefined. Port 0: any. */
export const tryListen = (host: string, port: number): Promise<string | undefined> =>
  new Promise(resolve => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
