/** Our own servers, bundled as the site itself is: the buffer, and the limit of Node. */
import { join } from 'node:path';
import {
  type CertificatePaths,
  type Peer,
  pidOf,
  readFirstLine,
  startOnServerCore,
  stopProcess,
} from './process.ts';

async function bundle(directory: string, name: string): Promise<string> {
  const { build } = await import('esbuild');
  const outfile = join(directory, `${name}.mjs`);
  await build({
    entryPoints: [join(process.cwd(), `bench/peers/${name}.ts`)],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'error',
  });
  return outfile;
}

/** `warm`: paths that are in its memory when it is there. */
export async function startTributary(
  directory: string,
  origin: string,
  options: { readonly certificate?: CertificatePaths; readonly warm?: readonly string[] } = {},
): Promise<Peer> {
  const { certificate, warm = [] } = options;
  const entry = await bundle(directory, 'tributary-server');
  const child = startOnServerCore(process.execPath, [
    ...[entry, join(directory, 'kept'), origin, certificate?.cert ?? '', certificate?.key ?? '', ...warm],
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
    await bundle(directory, 'limit-server'),
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
