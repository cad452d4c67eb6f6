// The form of commit subjects: `part: imperative`, at most 72 characters.
import { spawnSync } from 'node:child_process';

/** The last commit before this rule; earlier subjects stay as they are. */
export const LAST_COMMIT_BEFORE_THE_RULE = '26ee3b00adeb8fbe14a13f62af42283d14c5e6e2';
const MAX_CHARACTERS = 72;
const FORM = /^[a-z0-9-]+(?:\/[a-z0-9-]+)?: [^A-Z\s].*[^.\s]$/;

/** Returns the subjects that have another form. */
export const findInvalidSubjects = subjects =>
  subjects.filter(subject => subject.length > MAX_CHARACTERS || !FORM.test(subject));

/**
 * Lists the subjects of the commits after `base`, without merges. Returns undefined if `cwd` has no such history: a shallow
 * clone, an unpacked archive, or no git.
 */
export function listSubjectsSince(base, cwd) {
  const git = (...args) => spawnSync('git', args, { cwd, encoding: 'utf8' });
  if (git('merge-base', '--is-ancestor', base, 'HEAD').status !== 0) return undefined;
  const { status, stdout } = git('log', '--no-merges', '--format=%s', `${base}..HEAD`);
  return status === 0 ? stdout.split('\n').filter(subject => subject !== '') : undefined;
}
