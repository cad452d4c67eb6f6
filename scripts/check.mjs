// npm run check: types, lint, format, unused code and commit subjects. It changes no file.
import { findInvalidSubjects, LAST_COMMIT_BEFORE_THE_RULE, listSubjectsSince } from './commit-subjects.mjs';
import { root } from './root.mjs';
import { run, setUp } from './set-up.mjs';

await setUp();
run('npx', ['tsc', '-p', '.']);
run('npx', ['tsc', '-p', 'src/ui']);
run('npx', ['biome', 'ci', '--error-on-warnings', '.']);
run('npx', ['knip', '--no-progress']);
checkCommitSubjects();

function checkCommitSubjects() {
  const subjects = listSubjectsSince(LAST_COMMIT_BEFORE_THE_RULE, root);
  if (!subjects) return console.log('Commit subjects were not checked: the history is not here.');
  const invalid = findInvalidSubjects(subjects);
  if (invalid.length === 0) return;
  console.error('✗ These commit subjects are not "part: imperative" with at most 72 characters:');
  for (const subject of invalid) console.error(`  ${subject}`);
  process.exit(1);
}
