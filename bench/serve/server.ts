/** The buffer behind a bare node:http server, warm: what `bench/serve.ts` spawns. Prints its port when every size is kept. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { silentLog } from '../../src/kernel/log.ts';
import { createStreamBuffer } from '../../src/site/buffer/buffer.ts';

const [directory, originUrl, ...paths] = process.argv.slice(2);
if (!directory || !originUrl) throw new Error('usage: server DIRECTORY ORIGIN_URL PATH…');

const buffer = await createStreamBuffer({
  siteId: () => undefined,
  directory,
  memoryBytes: 64 * 2 ** 20,
  diskBytes: 64 * 2 ** 20,
  origin: { url: originUrl },
  trackerUrl: () => undefined,
  log: silentLog,
});
// As the site has it: src/kernel/http.ts.
const server = createServer(
  { keepAliveTimeout: 65_000, requestTimeout: 0, noDelay: true },
  (request, response) => buffer.handle(request, response),
);
server.listen(0, '127.0.0.1', async () => {
  const { port } = server.address() as AddressInfo;
  for (const path of paths) {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    if (!response.ok) throw new Error(`${path} could not be warmed: ${response.status}`);
    await response.arrayBuffer();
  }
  console.log(port);
});
