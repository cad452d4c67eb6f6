// Installs packages and builds outdated output, and reports each step. It returns quickly if there is nothing to do.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './root.mjs';

const INSTALLED = join(root, 'node_modules', '.tributary-installed');
const BUILT = join(root, 'dist', '.built');

export async function setUp() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`Tributary needs Node 20.19 or later; this is ${process.versions.node}.`);
    process.exit(1);
  }
  // A published package contains dist/ and no sources: there is nothing to set up.
  if (!existsSync(join(root, 'src'))) return;
  install();
  await build();
}

export function install() {
  const lock = hash([join(root, 'package-lock.json')]);
  if (read(INSTALLED) === lock) return;
  const started = Date.now();
  process.stderr.write('… installing packages (once)\n');
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  writeFileSync(INSTALLED, lock);
  process.stderr.write(`✓ packages installed in ${seconds(started)}\n`);
}

export async function build() {
  const sources = hash(listSources());
  if (read(BUILT) === sources) return;
  const started = Date.now();
  process.stderr.write('… building\n');
  const { buildAll } = await import('./build.mjs');
  await buildAll();
  mkdirSync(dirname(BUILT), { recursive: true });
  writeFileSync(BUILT, sources);
  process.stderr.write(`✓ built in ${seconds(started)}\n`);
}

export function run(program, args, options = {}) {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: 'inherit', ...options });
  if (status !== 0) {
    process.stderr.write(
      `✗ ${program} ${args.join(' ')} ${error ? `: ${error.message}` : `ended with ${status}`}\n`,
    );
    process.exit(status || 1);
  }
}

function listSources() {
  const below = ['src', 'bin'].flatMap(folder =>
    readdirSync(join(root, folder), { recursive: true }).map(name => join(root, folder, name)),
  );
  const files = below.filter(path => !path.endsWith('.test.ts') && statSync(path).isFile()).sort();
  return [
    ...files,
    ...['scripts/build.mjs', 'vite.config.ts', 'package-lock.json'].map(name => join(root, name)),
  ];
}

function hash(paths) {
  const digest = createHash('sha256').update(process.version);
  for (const path of paths)
    if (existsSync(path)) digest.update(path.slice(root.length)).update(readFileSync(path));
  return digest.digest('hex');
}

const read = path => (existsSync(path) ? readFileSync(path, 'utf8') : undefined);
const seconds = started => `${((Date.now() - started) / 1000).toFixed(1)} s`;
