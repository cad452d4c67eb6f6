import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import { expect, it } from 'vitest';
import { messageOf } from './problem.ts';

it('the message names every address of a host that could not be reached', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  const socket = connect({
    host: 'localhost',
    port,
    autoSelectFamily: true,
    lookup: (_host, _options, done) =>
      done(null, [
        { address: '127.0.0.1', family: 4 },
        { address: '127.0.0.2', family: 4 },
      ]),
  });
  const [error] = (await once(socket, 'error').catch(thrown => [thrown])) as [Error];
  expect(error).toBeInstanceOf(AggregateError);
  expect(messageOf(error)).toBe(
    `127.0.0.1:${port} refuses connections; 127.0.0.2:${port} refuses connections`,
  );
});
