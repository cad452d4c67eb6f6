/** Where code may be: SQL in `database/`, the environment in `bin/`, and folders small enough to read. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const MAX_FILES_IN_A_FOLDER = 15;

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .map(name => join('src', name))
  .filter(path => /\.tsx?$/.test(path) && !/\.test\.tsx?$/.test(path));
const withText = (pattern: RegExp): readonly string[] =>
  sources.filter(path => pattern.test(readFileSync(path, 'utf8')));

/** Files that still break a rule. A list may only become shorter; when it is empty, remove it. */
const SQL_ELSEWHERE: readonly string[] = [
  'src/central/site-reader/read-by-sql.ts',
  'src/doctor/checks.ts',
  'src/site/http/studio/jobs.ts',
  'src/site/maintenance/read-only.ts',
  'src/site/media/intake/intake.ts',
];
const ENVIRONMENT_ELSEWHERE: readonly string[] = [
  'src/demo/demo.ts',
  'src/kernel/ffmpeg.ts',
  'src/site/media/ffmpeg/sandbox.ts',
];

describe('SQL', () => {
  it('is only in database/ folders and in kernel/sql', () => {
    const query = /\bsql(?:<[^>`]*>)?`|from 'kysely'|\.(?:selectFrom|insertInto|updateTable|deleteFrom)\(/;
    const found = withText(query).filter(path => !/\/database\/|^src\/kernel\/sql\//.test(path));
    expect(found.sort()).toEqual(SQL_ELSEWHERE);
  });
});

describe('the environment', () => {
  it('is read only in bin/', () => {
    expect([...withText(/\bprocess\.env\b/)].sort()).toEqual(ENVIRONMENT_ELSEWHERE);
  });
});

describe('folders', () => {
  it(`have at most ${MAX_FILES_IN_A_FOLDER} files, without tests`, () => {
    const counts = new Map<string, number>();
    for (const path of sources) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
    expect([...counts].filter(([, count]) => count > MAX_FILES_IN_A_FOLDER)).toEqual([]);
  });
});
