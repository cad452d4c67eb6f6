/** The documents name files that exist, the glossary stays short, and the decisions are numbered without gaps. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const MAX_GLOSSARY_ENTRIES = 80;
const MAX_ARCHITECTURE_LINES = 150;

const documents = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.md'], { encoding: 'utf8' })
  .split('\n')
  .filter(path => path !== '' && existsSync(path));
const read = (path: string): string => readFileSync(path, 'utf8');

it.each(documents)('%s names only files that exist', path => {
  const text = read(path);
  const named = [...text.matchAll(/`((?:src|test|bench|bin|scripts|docs|deploy)\/[\w./@-]*[\w/])`?/g)];
  const linked = [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(match =>
    join(dirname(path), match[1] ?? ''),
  );
  const all = [...named.map(match => match[1] ?? ''), ...linked];
  expect(all.filter(target => !existsSync(target))).toEqual([]);
});

describe('docs/glossary.md', () => {
  const entries = read('docs/glossary.md')
    .split('\n')
    .filter(line => /^\| [a-z]/.test(line) && !line.startsWith('| word |'))
    .map(line => line.split('|').map(cell => cell.trim()));

  it(`has at most ${MAX_GLOSSARY_ENTRIES} words, each once, each with one sentence and one owner`, () => {
    expect(entries.length).toBeLessThanOrEqual(MAX_GLOSSARY_ENTRIES);
    const words = entries.map(([, word]) => word);
    expect([...new Set(words)]).toEqual(words);
    for (const [, word, meaning = '', owner = ''] of entries) {
      expect([word, meaning]).toEqual([word, expect.stringMatching(/^[A-Z][^.]*\.$/)]);
      expect([word, owner]).toEqual([word, expect.stringMatching(/^`src\/[^`]+`$/)]);
    }
  });
});

it('ARCHITECTURE.md stays short', () => {
  expect(read('ARCHITECTURE.md').split('\n').length).toBeLessThanOrEqual(MAX_ARCHITECTURE_LINES);
});

it('docs/decisions are numbered without gaps, and the index lists each with its title', () => {
  const pages = documents.filter(path => /^docs\/decisions\/\d/.test(path)).sort();
  const index = read('docs/decisions/README.md');
  expect(pages.length).toBeGreaterThan(10);
  for (const [at, path] of pages.entries()) {
    const number = String(at + 1).padStart(4, '0');
    const title = read(path).split('\n')[0] ?? '';
    expect(basename(path)).toMatch(new RegExp(`^${number}-`));
    expect(title).toMatch(new RegExp(`^# ${number}: .`));
    expect(index).toContain(`| [${number}](${basename(path)}) | ${title.replace(/^# \d+: /, '')} | `);
  }
});
