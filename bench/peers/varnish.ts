/** Varnish from Debian, in memory. It does not support TLS. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { findChild, findPort, type Peer, pidOf, startOnServerCore, stopProcess, whenUp } from './process.ts';

export async function startVarnish(
  directory: string,
  origin: string,
  probe: string,
  threads = 200,
): Promise<Peer> {
  const home = join(directory, 'varnish');
  mkdirSync(home, { recursive: true });
  const port = await findPort();
  const master = startOnServerCore('varnishd', [
    ...['-F', '-j', 'none', '-n', home, '-a', `127.0.0.1:${port}`, '-b', origin.replace('http://', '')],
    ...['-s', 'malloc,512m', '-t', '86400', '-p', 'thread_pools=1', '-p', `thread_pool_min=${threads}`],
    ...['-p', 'thread_pool_max=5000', '-p', 'timeout_idle=600', '-p', 'listen_depth=4096'],
  ]);
  const plain = `http://127.0.0.1:${port}`;
  await whenUp(master, plain + probe);
  return { name: 'varnish', plain, pid: findChild(pidOf(master)), stop: () => stopProcess(master) };
}
