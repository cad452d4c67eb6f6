// npm run simulate -- --seeds N [--from S]: bundles and runs the simulation of the publication protocol.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './root.mjs';
import { setUp } from './set-up.mjs';

await setUp();
const { build } = await import('esbuild');
const { bundleOptions } = await import('./build.mjs');
const outfile = join(root, 'dist', 'simulation', 'cli.mjs');
mkdirSync(join(root, 'dist', 'simulation'), { recursive: true });
await build({ ...bundleOptions, entryPoints: ['test/simulation/cli.ts'], outfile });
const { run } = await import(pathToFileURL(outfile).href);
process.exit(await run(process.argv.slice(2)));
