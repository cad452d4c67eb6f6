/** Where code may be: SQL in `database/`, the environment in `bin/`; and folders and functions small enough to read. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { parseAst } from 'vite';
import { describe, expect, it } from 'vitest';

const MAX_FILES_IN_A_FOLDER = 15;
const MAX_FUNCTION_LINES = 100;
const MAX_PARAMETERS = 4;

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .map(name => join('src', name))
  .filter(path => /\.tsx?$/.test(path) && !/\.test\.tsx?$/.test(path));
const withText = (pattern: RegExp): readonly string[] =>
  sources.filter(path => pattern.test(readFileSync(path, 'utf8')));

/** Files that still break a rule. The lists may only become shorter. */
const SQL_ELSEWHERE: readonly string[] = ['src/site/compose/read-only-site.ts'];
const ENVIRONMENT_ELSEWHERE: readonly string[] = ['src/site/media/ffmpeg/media-tools.ts'];

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

/** Folders that compose others. */
const COMPOSITION = ['src/site/compose', 'src/site/standalone'];

describe('two folders', () => {
  it('do not import each other, except a folder and those inside it, or a composition and its parts', () => {
    const pairs = new Set<string>();
    for (const path of sources) {
      for (const [, specifier = ''] of readFileSync(path, 'utf8').matchAll(
        /(?:from|import)\s*\(?\s*'(\.[^']+)'/g,
      )) {
        pairs.add(`${dirname(path)} ${dirname(normalize(join(dirname(path), specifier)))}`);
      }
    }
    const mutual = [...pairs]
      .map(pair => pair.split(' '))
      .filter(([from = '', to = '']) => from < to && pairs.has(`${to} ${from}`) && !to.startsWith(`${from}/`))
      .filter(pair => !pair.some(folder => COMPOSITION.includes(folder)));
    expect(mutual.map(pair => pair.join(' ↔ ')).sort()).toEqual([]);
  });
});

interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [member: string]: unknown;
}

const isNode = (value: unknown): value is SyntaxNode =>
  typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';

function* walk(value: unknown): Generator<SyntaxNode> {
  if (Array.isArray(value)) for (const each of value) yield* walk(each);
  if (!isNode(value)) return;
  yield value;
  for (const member of Object.values(value)) if (typeof member === 'object') yield* walk(member);
}

describe('functions', () => {
  const tooLong: string[] = [];
  const tooManyParameters: string[] = [];
  for (const path of sources) {
    const text = readFileSync(path, 'utf8');
    const lineAt = (offset: number): number => text.slice(0, offset).split('\n').length;
    for (const node of walk(parseAst(text, { lang: path.endsWith('x') ? 'tsx' : 'ts' }))) {
      if (!/^(?:Function(?:Declaration|Expression)|ArrowFunctionExpression)$/.test(node.type)) continue;
      const at = `${path}:${lineAt(node.start)}`;
      if (text.slice(node.start, node.end).split('\n').length > MAX_FUNCTION_LINES) tooLong.push(at);
      if (Array.isArray(node.params) && node.params.length > MAX_PARAMETERS) tooManyParameters.push(at);
    }
  }
  /** How many are left. Lower these numbers with each one that goes, down to 0. */
  const LEFT = { tooLong: 1, tooManyParameters: 0 };

  it(`have at most ${MAX_FUNCTION_LINES} lines`, () => {
    expect(tooLong.length, tooLong.join('\n')).toBeLessThanOrEqual(LEFT.tooLong);
  });

  it(`have at most ${MAX_PARAMETERS} parameters, and take an object instead`, () => {
    expect(tooManyParameters.length, tooManyParameters.join('\n')).toBeLessThanOrEqual(
      LEFT.tooManyParameters,
    );
  });
});
