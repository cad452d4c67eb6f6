/** The direction of imports (ARCHITECTURE.md): roles meet over the wire, decisions are pure, nothing goes in circles. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

interface Import {
  readonly from: string;
  readonly to: string;
}

const listCode = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(name => join(folder, name))
    .filter(path => /\.tsx?$/.test(path));
const isTest = (path: string): boolean => /\.test\.tsx?$/.test(path);
const sources = listCode('src').filter(path => !isTest(path));
const tests = [...listCode('src').filter(isTest), ...listCode('test'), ...listCode('bench')];

const specifiers = (text: string): readonly string[] =>
  [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(match => match[1] ?? '');

const readAll = (paths: readonly string[]): ReadonlyMap<string, string> =>
  new Map(paths.map(path => [path, readFileSync(path, 'utf8')]));
const importsOf = (files: ReadonlyMap<string, string>): readonly Import[] =>
  [...files].flatMap(([from, text]) =>
    specifiers(text)
      .filter(specifier => specifier.startsWith('.'))
      .map(specifier => ({ from, to: normalize(join(dirname(from), specifier)) })),
  );
const texts = readAll(sources);
const imports = importsOf(texts);
/** Of tests and benchmarks. */
const testImports = importsOf(readAll(tests));
const packages = (path: string): readonly string[] =>
  specifiers(texts.get(path) ?? '').filter(specifier => !specifier.startsWith('.'));

const ROLES = ['site', 'central', 'tracker', 'ui', 'demo', 'doctor', 'backup', 'init', 'status'] as const;
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

  it('ui imports only protocol, and nothing of node', () => {
    expect(strays('ui', ['protocol'])).toEqual([]);
    expect(
      sources
        .filter(isIn('ui'))
        .flatMap(packages)
        .filter(name => name.startsWith('node:')),
    ).toEqual([]);
  });

  /** What each folder of a site may import, besides kernel and protocol. `compose` imports all of them. */
  const SITE_FOLDERS: Readonly<Record<string, readonly string[]>> = {
    'site/audit': ['site/database'],
    'site/database': [],
    'site/media': ['site/database'],
    'site/delivery': ['site/database'],
    'site/copies': ['site/delivery', 'site/media', 'site/database', 'site/publication'],
    'site/people': ['site/http', 'site/database'],
    'site/publication': ['site/database'],
    'site/rights': ['site/delivery', 'site/database'],
    'site/http': ['site/media', 'site/delivery', 'site/rights', 'site/maintenance', 'site/database'],
    'site/maintenance': ['site/media', 'site/delivery', 'site/database'],
    'site/standalone': [
      'site/compose',
      'site/media',
      'site/delivery',
      'site/http',
      'site/rights',
      'site/database',
    ],
  };
  it.each(Object.entries(SITE_FOLDERS))('inside a site: %s', (folder, allowed) => {
    const strayImports = strays(folder, [...allowed, 'kernel', 'protocol']);
    expect(strayImports.filter(({ to }) => to !== 'src/site/config.ts')).toEqual([]);
  });

  /**
   * Folders with an entry file, which is the only file of theirs that other folders may import. Their re-exports are the folder's
   * public interface.
   */
  const ENTRIES: Readonly<Record<string, string>> = {
    'site/copies': 'copies.ts',
    'site/delivery': 'delivery.ts',
    'site/media/containers': 'containers.ts',
    'site/media/conversion': 'conversion.ts',
    'site/media/copy-store': 'copy-store.ts',
    'site/media/cut': 'cut.ts',
    'site/media/extras': 'extras.ts',
    'site/media/ffmpeg': 'ffmpeg.ts',
    'site/media/index': 'source-index.ts',
    'site/media/intake': 'intake.ts',
    'site/media/integrity': 'integrity.ts',
    'site/media/ladder': 'ladder.ts',
    'site/media/record': 'record.ts',
    'site/media/storage': 'storage.ts',
    'tracker/memory': 'network-memory.ts',
  };
  /** Parsers and formatters of boxes and elements with which tests write and inspect files. */
  const FOR_TESTS = [
    'src/site/media/containers/isobmff/box.ts',
    'src/site/media/containers/matroska/ebml.ts',
    'src/site/media/containers/matroska/track-entries.ts',
  ];
  it.each(Object.entries(ENTRIES))('%s is imported through %s only', (folder, entry) => {
    const inner = ({ from, to }: Import) =>
      isIn(folder)(to) && !isIn(folder)(from) && to !== `src/${folder}/${entry}`;
    expect(texts.has(`src/${folder}/${entry}`)).toBe(true);
    expect(imports.filter(inner)).toEqual([]);
    expect(testImports.filter(inner).filter(({ to }) => !FOR_TESTS.includes(to))).toEqual([]);
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
