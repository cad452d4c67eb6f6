/** Commit subjects have one form; a copy without history is accepted. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findInvalidSubjects, listSubjectsSince } from '../scripts/commit-subjects.mjs';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tributary-commits-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const git = (...args: readonly string[]): string => {
  const identity = [
    '-c',
    'user.name=Test',
    '-c',
    'user.email=test@example.edu',
    '-c',
    'commit.gpgsign=false',
  ];
  const { status, stdout, stderr } = spawnSync('git', [...identity, ...args], {
    cwd: directory,
    encoding: 'utf8',
  });
  expect(status, stderr).toBe(0);
  return stdout.trim();
};

it.each([
  ['tracker: rank drained sites last', true],
  ['site/media: cut the last segment', true],
  [`ui: ${'x'.repeat(68)}`, true],
  [`ui: ${'x'.repeat(69)}`, false],
  ['rank drained sites last', false],
  ['Tracker: rank drained sites last', false],
  ['tracker: Rank drained sites last', false],
  ['tracker: rank drained sites last.', false],
  ['tracker:rank drained sites last', false],
])('%s', (subject, isValid) => {
  expect(findInvalidSubjects([subject])).toEqual(isValid ? [] : [subject]);
});

it('lists the subjects after the base, and none of a history without the base', () => {
  expect(listSubjectsSince('0'.repeat(40), directory)).toBeUndefined();
  git('init', '-q');
  const commit = (subject: string): string => {
    writeFileSync(join(directory, 'file'), subject);
    git('add', '.');
    git('commit', '-q', '--no-verify', '-m', subject);
    return git('rev-parse', 'HEAD');
  };
  const base = commit('before the rule');
  commit('site: first');
  commit('site: second');
  expect(listSubjectsSince(base, directory)).toEqual(['site: second', 'site: first']);
  expect(listSubjectsSince('0'.repeat(40), directory)).toBeUndefined();
});
