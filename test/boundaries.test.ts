/** The direction of imports (ARCHITECTURE.md): roles meet over the wire, decisions are pure, nothing goes in circles. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

interface Import {
  readonly from: string;
  readonly to: string;
}

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .map(name => join('src', name))
  // What only tests use may reach into test/: the tests themselves, and the stands that several of them share.
  .filter(path => /\.tsx?$/.test(path) && !/(?:\.test|\/stand)\.tsx?$/.test(path));

const specifiers = (text: string): readonly string[] =>
  [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(match => match[1] ?? '');

const texts = new Map(sources.map(path => [path, readFileSync(path, 'utf8')]));
const imports: readonly Import[] = [...texts].flatMap(([from, text]) =>
  specifiers(text)
    .filter(specifier => specifier.startsWith('.'))
    .map(specifier => ({ from, to: normalize(join(dirname(from), specifier)) })),
);
const packages = (path: string): readonly string[] =>
  specifiers(texts.get(path) ?? '').filter(specifier => !specifier.startsWith('.'));

const ROLES = ['site', 'central', 'tracker', 'ui', 'demo', 'doctor', 'backup'] as const;
const isIn = (folder: string) => (path: string) => path.startsWith(`src/${folder}/`);
/** Imports out of `folder` into our own code that none of `allowed` names. */
const strays = (folder: string, allowed: readonly string[]): readonly Import[] =>
  imports.filter(({ from, to }) => isIn(folder)(from) && ![folder, ...allowed].some(good => isIn(good)(to)));

describe('boundaries', () => {
  it('reads the imports', () => {
    expect(imports.length).toBeGreaterThan(100);
  });

  it('zod is imported as a namespace: by its name, a bundle holds all of it, in fifty languages', () => {
    expect(
      [...texts]
        .filter(([, text]) => /import \{[^}]*\bz\b[^}]*\} from 'zod'/.test(text))
        .map(([path]) => path),
    ).toEqual([]);
  });

  it('protocol imports nothing of ours and does no I/O', () => {
    expect(strays('protocol', [])).toEqual([]);
    const used = new Set(sources.filter(isIn('protocol')).flatMap(packages));
    expect([...used].filter(name => !['zod', 'uuid'].includes(name))).toEqual([]);
  });

  it('kernel imports protocol at most', () => {
    expect(strays('kernel', ['protocol'])).toEqual([]);
  });

  it.each(ROLES.filter(role => role !== 'ui'))(
    '%s imports kernel, protocol and itself, never another role',
    role => {
      expect(strays(role, ['kernel', 'protocol'])).toEqual([]);
    },
  );

  it('ui sees protocol alone, and nothing of node', () => {
    expect(strays('ui', ['protocol'])).toEqual([]);
    expect(
      sources
        .filter(isIn('ui'))
        .flatMap(packages)
        .filter(name => name.startsWith('node:')),
    ).toEqual([]);
  });

  it('inside a site: web, copies → origin | buffer → database', () => {
    expect(strays('site/database', ['kernel', 'protocol'])).toEqual([]);
    expect(strays('site/origin', ['site/database', 'kernel', 'protocol'])).toEqual([]);
    expect(strays('site/buffer', ['site/database', 'kernel', 'protocol'])).toEqual([]);
    expect(
      strays('site/copies', ['site/buffer', 'site/origin', 'site/database', 'kernel', 'protocol']),
    ).toEqual([]);
    expect(
      imports.filter(
        ({ from, to }) =>
          to.startsWith('src/site/copies/') &&
          ['src/site/buffer/', 'src/site/origin/', 'src/site/database/'].some(folder =>
            from.startsWith(folder),
          ),
      ),
    ).toEqual([]);
    const composers = ['src/site/start.ts', 'src/site/site.ts', 'src/site/membership.ts'];
    expect(
      imports.filter(({ from, to }) => from.startsWith('src/site/web/') && composers.includes(to)),
    ).toEqual([]);
  });

  it.each(['tracker/choice', 'tracker/steering', 'tracker/memory', 'central/placement'])(
    '%s does no I/O',
    folder => {
      const files = sources.filter(isIn(folder));
      expect(files.length).toBeGreaterThan(0);
      expect(files.flatMap(packages).filter(name => name.startsWith('node:'))).toEqual([]);
      const pureKernel = ['src/kernel/network.ts'];
      const role = folder.split('/')[0] ?? '';
      expect(
        imports.filter(
          ({ from, to }) =>
            isIn(folder)(from) && !isIn(role)(to) && !isIn('protocol')(to) && !pureKernel.includes(to),
        ),
      ).toEqual([]);
      for (const file of files)
        expect(texts.get(file)).not.toMatch(/Date\.now\(|Math\.random\(|new Date\(\)/);
    },
  );

  it('nothing imports in circles, types included', () => {
    const next = new Map<string, string[]>();
    for (const { from, to } of imports) next.set(from, [...(next.get(from) ?? []), to]);
    const done = new Set<string>();
    const findCycle = (path: string, trail: readonly string[]): readonly string[] | undefined => {
      if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
      if (done.has(path)) return undefined;
      for (const target of next.get(path) ?? []) {
        const cycle = findCycle(target, [...trail, path]);
        if (cycle) return cycle;
      }
      done.add(path);
      return undefined;
    };
    expect(sources.map(path => findCycle(path, [])).find(cycle => cycle)).toBeUndefined();
  });

  it('every import names a file that is there', () => {
    const assets = /\.(css|svg)$/;
    expect(
      imports.filter(
        ({ to }) => !assets.test(to) && !texts.has(to) && !sources.some(path => path.startsWith(`${to}.`)),
      ),
    ).toEqual([]);
  });
});
