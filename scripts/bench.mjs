// npm run bench -- NAME: bundles and runs one benchmark. The last line of its output is one JSON object.
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './root.mjs';
import { setUp } from './set-up.mjs';

const names = readdirSync(join(root, 'bench'))
  .filter(file => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .map(file => file.slice(0, -3))
  .sort();
const [name] = process.argv.slice(2);
if (!name || !names.includes(name)) {
  console.log(`Benchmarks: ${names.join(', ')}\nRun one with: npm run bench -- NAME`);
  process.exit(name ? 2 : 0);
}
await setUp();
const { build } = await import('esbuild');
const { bundleOptions } = await import('./build.mjs');
const outfile = join(root, 'dist', 'bench', `${name}.mjs`);
mkdirSync(join(root, 'dist', 'bench'), { recursive: true });
await build({
  ...bundleOptions,
  external: [...bundleOptions.external, 'esbuild'],
  entryPoints: [`bench/${name}.ts`],
  outfile,
});
const { run } = await import(pathToFileURL(outfile).href);
console.log(JSON.stringify(await run()));
process.exit(0);
