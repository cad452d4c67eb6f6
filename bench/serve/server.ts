/** The buffer behind the site's own kind of server, warm: what `bench/serve.ts` spawns. Prints its port when every size is kept. */
import type { AddressInfo } from 'node:net';
import { createNodeServer } from '../../src/kernel/http.ts';
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
const server = createNodeServer(buffer.handle, { lane: buffer.lane });
server.listen(0, '127.0.0.1', async () => {
  const { port } = server.address() as AddressInfo;
  for (const path of paths) {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    if (!response.ok) throw new Error(`${path} could not be warmed: ${response.status}`);
    await response.arrayBuffer();
  }
  console.log(port);
});
