/**
 * The process that benchmarks start: the buffer behind the HTTP server that a site uses, with the rights in its directory.
 * Prints its ports, plain and TLS, once all of PATHS are cached.
 */
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { requireCertificate } from '../../src/kernel/http/certificate.ts';
import { createNodeServer } from '../../src/kernel/http/server.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { RightsState } from '../../src/kernel/rights/rights-state.ts';
import { createStreamBuffer } from '../../src/site/delivery/delivery.ts';
import { createSiteRights, RIGHTS_FILE } from '../../src/site/rights/site-rights.ts';

const [directory, originUrl, certificate = '', key = '', ...paths] = process.argv.slice(2);
if (!directory || !originUrl) throw new Error('usage: tributary-server DIRECTORY ORIGIN_URL CERT KEY PATH…');

const buffer = await createStreamBuffer({
  siteId: () => undefined,
  directory: join(directory, 'buffer'),
  memoryBytes: 64 * 2 ** 20,
  diskBytes: 64 * 2 ** 20,
  origin: { url: originUrl },
  trackerUrl: () => undefined,
  rights: createSiteRights(RightsState.open(join(directory, RIGHTS_FILE)), silentLog),
  log: silentLog,
});
const listen = async (server: ReturnType<typeof createNodeServer>): Promise<number> => {
  await new Promise<void>(done => server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, done));
  return (server.address() as AddressInfo).port;
};
const plain = await listen(createNodeServer(buffer.handle, { fastPath: buffer.fastPath }));
const secure = certificate ? await requireCertificate({ certificate, key }) : undefined;
const tls = secure
  ? await listen(createNodeServer(buffer.handle, { fastPath: buffer.fastPath, certificate: secure }))
  : 0;
for (const path of paths) {
  const response = await fetch(`http://127.0.0.1:${plain}${path}`);
  if (!response.ok) throw new Error(`${path} could not be cached: ${response.status}`);
  await response.arrayBuffer();
}
console.log(`${plain} ${tls}`);
