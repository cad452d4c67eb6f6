import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const OPEN_FILES = 64;
const hasLimits = spawnSync('prlimit', ['--version']).status === 0;

let directory: string;
let script: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-run-'));
  script = join(directory, 'run.mjs');
  await build({
    stdin: {
      contents: `
        import { openSync } from 'node:fs';
        import { runFfmpeg } from './run.ts';
        const confinement = { isolation: 'none', hasLimits: false };
        const run = () => runFfmpeg({ program: process.execPath, args: ['--version'], reads: [], writes: [], confinement });
        await run();
        try { for (;;) openSync('/dev/null'); } catch {}
        const error = await run().catch(error => error);
        setTimeout(() => console.log(error.fault + ' ' + error.cause.code), 100);`,
      resolveDir: import.meta.dirname,
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: script,
    logLevel: 'error',
  });
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe.runIf(hasLimits)('a process that cannot open more files', () => {
  it('reports that ffmpeg cannot be started, and continues', () => {
    const { status, stdout, stderr } = spawnSync(
      'prlimit',
      [`--nofile=${OPEN_FILES}`, process.execPath, script],
      { encoding: 'utf8' },
    );
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'unavailable EMFILE\n', stderr: '' });
  });
});
