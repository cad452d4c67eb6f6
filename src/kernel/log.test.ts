import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** Linux has a device that reports a full disk for every write. */
const FULL = '/dev/full';

let directory: string;
let script: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-log-'));
  script = join(directory, 'log.mjs');
  await build({
    stdin: {
      contents: `
        import { createLog } from './log.ts';
        const log = createLog('site', 'info');
        for (let line = 0; line < 100; line++) log.warn({ filler: 'x'.repeat(50_000) }, 'a line');
        const heldBytes = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed;
        console.log(JSON.stringify({ heldBytes }));`,
      resolveDir: import.meta.dirname,
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    outfile: script,
    logLevel: 'error',
  });
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe.runIf(existsSync(FULL))('a log on a full disk', () => {
  it('does not end the process, and uses bounded memory', () => {
    const full = openSync(FULL, 'w');
    const { status, stdout } = spawnSync(process.execPath, [script], {
      stdio: ['ignore', 'pipe', full],
      encoding: 'utf8',
    });
    closeSync(full);
    expect(status).toBe(0);
    expect((JSON.parse(stdout) as { heldBytes: number }).heldBytes).toBeLessThan(40_000_000);
  });
});
