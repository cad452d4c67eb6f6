/**
 * No regular expression takes exponential work on a hostile text: a backtracking matcher could block a thread for minutes because
 * of a few hundred characters. The test counts backtracks, not time. For each expression it builds texts from the expression's own parts,
 * because only text that almost matches makes a matcher go back.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { parseAst } from 'vite';
import { describe, expect, it } from 'vitest';

const LENGTH = 300;
/** Backtracks per character of the text. A harmless expression has a few for each of its alternatives. */
const MAX_BACKTRACKS = 24;

interface Expression {
  readonly pattern: string;
  readonly flags: string;
}

setFlagsFromString('--allow-natives-syntax');
/** V8's own expression with a limit of backtracks, beyond which it finds nothing. */
const withLimit = new Function(
  'pattern',
  'flags',
  'limit',
  'return %NewRegExpWithBacktrackLimit(pattern, flags, limit)',
) as (pattern: string, flags: string, limit: number) => RegExp;
setFlagsFromString('--no-allow-natives-syntax');

const CLASSES: Readonly<Record<string, string>> = {
  s: ' ',
  S: 'x',
  d: '0',
  w: 'a',
  W: '-',
  n: '\n',
  r: '\r',
  t: '\t',
  0: '\0',
};

/** The literal characters of a pattern and one character for each class, in order; runs of literals are one part more. */
function partsOf(pattern: string): readonly string[] {
  const parts: string[] = [];
  let run = '';
  const end = (): void => {
    if (run.length > 1) parts.push(run);
    run = '';
  };
  for (const [token] of pattern.matchAll(
    /\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|\\.|\[\^?(?:\\.|[^\]\\])*\]|\{\d+(?:,\d*)?\}|\(\?(?:[:=!]|<[=!])|[\s\S]/g,
  )) {
    if (/^(\{\d|\(|[)|*+?^$])/.test(token)) {
      end();
      continue;
    }
    const code = /^\\[xu]/.test(token) ? JSON.parse(`"\\u${token.slice(2).padStart(4, '0')}"`) : undefined;
    const inside =
      token.startsWith('[') && !token.startsWith('[^') ? [...token.slice(1, -1).replaceAll('\\', '')] : [];
    const [only] = code ?? (token.startsWith('\\') ? [CLASSES[token[1] ?? ''] ?? token[1]] : [token]);
    if (token === '.' || token.startsWith('[')) {
      end();
      parts.push('x', ...new Set([inside[0] ?? 'x', inside.at(-1) ?? 'x']));
    } else if (only) {
      parts.push(only);
      run += only;
    }
  }
  end();
  return parts;
}

function* attacksOn({ pattern }: Expression): Generator<string> {
  const parts = partsOf(pattern);
  const pumps = new Set<string>([' ', '\n', 'x']);
  for (const [i, part] of parts.entries()) {
    pumps.add(part);
    for (const other of parts.slice(i + 1, i + 8)) pumps.add(part + other).add(other + part);
  }
  const beginnings = new Set(parts.map((_, i) => parts.slice(0, i).join('')).slice(0, 24));
  for (const beginning of beginnings.add('')) {
    for (const pump of pumps) {
      const text = beginning + pump.repeat(Math.ceil(LENGTH / pump.length));
      yield text;
      yield `${text}\u0001`;
    }
  }
}

/** A text that takes too many backtracks; undefined if there is none among the attacks. */
function findAttack(expression: Expression): string | undefined {
  const flags = expression.flags.replace(/[gy]/g, '');
  // A sticky expression is tried at one position, others at every one. The empty alternative matches if the limit was not reached.
  const search = expression.flags.includes('y') ? '' : '[^]*?';
  const limited = withLimit(`(?:${search}(?:${expression.pattern}))|`, flags, MAX_BACKTRACKS * LENGTH);
  for (const text of attacksOn(expression)) if (limited.exec(text) === null) return text;
  return undefined;
}

const isNode = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

function* expressionsIn(value: unknown): Generator<Expression> {
  if (Array.isArray(value)) for (const each of value) yield* expressionsIn(each);
  else if (isNode(value)) {
    if (isNode(value.regex)) yield value.regex as unknown as Expression;
    for (const member of Object.values(value)) if (isNode(member)) yield* expressionsIn(member);
  }
}

const expressions = ['src', 'bin'].flatMap(folder =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => /\.tsx?$/.test(name) && !/\.test\.tsx?$/.test(name))
    .flatMap(name => {
      const path = join(folder, name);
      const text = readFileSync(path, 'utf8');
      const found = [...expressionsIn(parseAst(text, { lang: path.endsWith('x') ? 'tsx' : 'ts' }))];
      return found.map(({ pattern, flags }) => [path, { pattern, flags }] as const);
    }),
);

describe('a regular expression', () => {
  it('is found out if it takes exponential work', () => {
    const hostile = [
      {
        pattern: String.raw`^(<\?xml[^>]*>\s*)?(<!--[\s\S]*?-->\s*)*(<!DOCTYPE svg[\s\S]*?)?<svg[\s>]`,
        flags: 'i',
      },
      { pattern: '^(a+)+$', flags: '' },
      { pattern: '^(a|a)*$', flags: '' },
      { pattern: String.raw`"(?:[^"]|\.)*"`, flags: '' },
    ];
    expect(hostile.filter(each => findAttack(each) === undefined)).toEqual([]);
    expect(findAttack({ pattern: '^(?:ab)*c$', flags: '' })).toBeUndefined();
    expect(expressions.length).toBeGreaterThan(100);
  });

  it('takes no exponential work on hostile text', () => {
    const found = expressions.flatMap(([path, each]) => {
      const attack = findAttack(each);
      return attack === undefined
        ? []
        : [`${path}: /${each.pattern}/ on ${JSON.stringify(attack.slice(0, 40))}`];
    });
    expect([...new Set(found)]).toEqual([]);
  });
});
