/** Our own servers, bundled as the site itself is: the buffer, and the limit of Node. */

import { join } from 'node:path';
import type { CertificateFiles } from '../../src/kernel/certificate.ts';
import { bundle } from './bundle.ts';
import { type Peer, pidOf, readFirstLine, startOnServerCore, stopProcess } from './process.ts';

/** `warm`: paths that are in its memory when it is there. */
export async function startTributary(
  directory: string,
  origin: string,
  options: { readonly certificate?: CertificateFiles; readonly warm?: readonly string[] } = {},
): Promise<Peer> {
  const { certificate, warm = [] } = options;
  const entry = await bundle(directory, 'bench/peers/tributary-server.ts');
  const child = startOnServerCore(process.execPath, [
    ...[
      entry,
      join(directory, 'kept'),
      origin,
      certificate?.certificate ?? '',
      certificate?.key ?? '',
      ...warm,
    ],
  ]);
  const [plain, tls] = (await readFirstLine(child)).split(' ');
  return {
    name: 'tributary',
    plain: `http://127.0.0.1:${plain}`,
    ...(certificate ? { tls: `https://127.0.0.1:${tls}` } : {}),
    pid: pidOf(child),
    stop: () => stopProcess(child),
  };
}

/** One address for each size of body. */
export async function startLimit(directory: string, sizes: readonly number[]): Promise<readonly Peer[]> {
  const child = startOnServerCore(process.execPath, [
    await bundle(directory, 'bench/peers/limit-server.ts'),
    ...sizes.map(String),
  ]);
  const ports = (await readFirstLine(child)).split(' ');
  return ports.map(port => ({
    name: 'node-net-limit',
    plain: `http://127.0.0.1:${port}`,
    pid: pidOf(child),
    stop: () => stopProcess(child),
  }));
}
