/** Bundles an entry file of a benchmark in the way in which the command itself is bundled. */
import { basename, join } from 'node:path';

/**
 * @param entry relative to the project, e.g. `bench/peers/tributary-server.ts`
 * @returns the path of the bundle
 */
export async function bundle(directory: string, entry: string): Promise<string> {
  const { build } = await import('esbuild');
  const outfile = join(directory, `${basename(entry, '.ts')}.mjs`);
  await build({
    entryPoints: [join(process.cwd(), entry)],
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
