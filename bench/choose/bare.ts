/** What the choice is measured against: node:http that answers the same bytes, with the same headers, and decides nothing. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const answerOf = (path: string) => {
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
const [play, steering] = process.argv.slice(2).map(answerOf);
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
