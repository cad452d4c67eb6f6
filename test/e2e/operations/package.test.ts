/** The npm package contains everything that it needs, and nothing else of the repository. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/free-port.ts';
import { runProgram } from '../../support/programs.ts';

const LAUNCH = 'bin/launch.mjs';
let directory: string;
let unpacked: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-package-'));
  unpacked = join(directory, 'package');
  const packed = runProgram(
    'npm',
    ['pack', '--ignore-scripts', '--silent', '--pack-destination', directory],
    60_000,
  );
  expect(packed.status, packed.stderr).toBe(0);
  const archive = join(directory, packed.stdout.trim());
  expect(runProgram('tar', ['-xzf', archive, '-C', directory], 60_000).status).toBe(0);
  // npm would install these dependencies.
  await symlink(resolve('node_modules'), join(unpacked, 'node_modules'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('the package', () => {
  it('contains the command, the pages and the deployment files', async () => {
    const manifest = readFileSync(join(unpacked, 'package.json'), 'utf8');
    const { version, name, private: isPrivate } = JSON.parse(manifest) as Record<string, unknown>;
    // The name without a scope belongs to another package, which npx would run outside a checkout.
    expect([name, isPrivate]).toEqual(['@tributary/cli', true]);
    expect(runProgram(process.execPath, [join(unpacked, LAUNCH), '--version'], 20_000).stdout.trim()).toBe(
      version,
    );
    expect(await readdir(join(unpacked, 'deploy'))).toEqual(await readdir('deploy'));
    expect(await readdir(unpacked)).not.toContain('src');
    expect(await readdir(join(unpacked, 'dist'))).not.toContain('bench');
  });

  it('starts a central that serves its pages', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const config = join(directory, 'tributary.toml');
    await writeFile(
      config,
      `[central]\nlisten = "${new URL(url).host}"\ndataDirectory = "${directory}/data"\noperatorToken = "operator-token-of-the-package"\n`,
    );
    const central = spawn(process.execPath, [join(unpacked, LAUNCH), 'central', '--config', config], {
      stdio: 'ignore',
    });
    try {
      await eventually('it is ready', async () => (await fetch(`${url}/readyz`)).ok || undefined, 30_000);
      expect(await (await fetch(`${url}/`)).text()).toContain('<script type="module"');
    } finally {
      central.kill('SIGKILL');
    }
  });
});
