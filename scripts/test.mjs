// npm test: installs and builds what is missing, runs every test, and prints the counts on the last line.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { root } from './root.mjs';
import { setUp } from './set-up.mjs';

await setUp();
const report = join(tmpdir(), `tributary-tests-${process.pid}.json`);
const { status } = spawnSync(
  process.execPath,
  [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: 'inherit' },
);
let counts;
try {
  counts = JSON.parse(readFileSync(report, 'utf8'));
} catch {
  console.error('The test runner wrote no report.');
  process.exit(status || 1);
}
rmSync(report, { force: true });
// A log that shows only its end still names every failed test.
for (const { name, status: outcome, assertionResults } of counts.testResults) {
  const file = relative(root, name);
  const tests = assertionResults.filter(test => test.status === 'failed');
  for (const { fullName } of tests) console.log(`failed: ${file}: ${fullName}`);
  if (outcome === 'failed' && tests.length === 0) console.log(`failed: ${file}: the file itself`);
}
const failed = counts.numFailedTests + (counts.numFailedTests === 0 && !counts.success ? 1 : 0);
const skipped = counts.numPendingTests + counts.numTodoTests;
if (skipped > 0) {
  console.log(
    'Some tests were skipped. Browser tests need Chromium: apt-get install --no-install-recommends chromium, or set CHROMIUM_PATH.',
  );
}
console.log(`${counts.numPassedTests} passed, ${failed} failed, ${skipped} skipped`);
process.exit(status ?? 1);
