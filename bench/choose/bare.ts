/** The reference for the choice: a node:http server that sends the same bytes and headers without a decision. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const responseOf = (path: string) => {
  const body = readFileSync(path);
  const headers = [
    ...['access-control-allow-origin', '*'],
    ...['timing-allow-origin', '*'],
    ...['cross-origin-resource-policy', 'cross-origin'],
    ...['cache-control', 'no-store'],
    ...['content-type', 'application/json; charset=utf-8'],
    ...['content-length', String(body.length)],
  ];
  return { body, headers };
};
const [play, steering] = process.argv.slice(2).map(responseOf);
if (!play || !steering) throw new Error('bare.ts PLAY STEERING');
const server = createServer(
  { keepAliveTimeout: 65_000, requestTimeout: 0, noDelay: true },
  ({ url }, response) => {
    const { body, headers } = url?.startsWith('/steer/') ? steering : play;
    response.writeHead(200, headers);
    response.end(body);
  },
);
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
