// npm run errors-page: writes docs/errors.md from the table of problems (src/protocol/problems.ts).
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './root.mjs';

/** The page for a table of problems: one section per code, in the order of the code. */
export function formatErrorsPage(problems) {
  const section = ([code, { status, title, retry, advice }]) =>
    `## ${code}\n\n${title}. Status ${status}. ${advice}${retry ? ' The same request can succeed later.' : ''}\n`;
  const sections = Object.entries(problems)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(section);
  return `# Errors

Every part reports an error as \`application/problem+json\` (RFC 9457). The member \`code\` is stable, so clients may branch on
it. The member \`detail\` says what was wrong this time, and \`type\` points to the section below. This page is generated from
\`src/protocol/problems.ts\`: run \`npm run errors-page\` after a change to that table.

${sections.join('\n')}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    entryPoints: [join(root, 'src/protocol/problems.ts')],
    format: 'esm',
    write: false,
  });
  const { PROBLEMS } = await import(
    `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`
  );
  writeFileSync(join(root, 'docs/errors.md'), formatErrorsPage(PROBLEMS));
}
