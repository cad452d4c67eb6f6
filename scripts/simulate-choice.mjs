// npm run simulate:choice: bundles and runs the seeded simulation of viewers over changing networks.
import { join } from 'node:path';
import { root } from './root.mjs';
import { setUp } from './set-up.mjs';

await setUp();
const { build } = await import('esbuild');
const { bundleOptions } = await import('./build.mjs');
const outfile = join(root, 'dist', 'simulation', 'choice.mjs');
await build({ ...bundleOptions, entryPoints: ['test/simulation/choice/main.ts'], outfile });
await import(outfile);
