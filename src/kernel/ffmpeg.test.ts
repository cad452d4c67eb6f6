import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findCapabilities } from './ffmpeg.ts';

it('the capabilities of an ffmpeg are read again after a failure, and cached after a success', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tributary-abilities-'));
  const program = join(directory, 'ffmpeg');
  try {
    await expect(findCapabilities(program)).rejects.toThrow('ENOENT');
    await writeFile(program, '#!/bin/sh\necho " V....D libx264  H.264"\n');
    await chmod(program, 0o755);
    expect(await findCapabilities(program)).toEqual(new Set(['libx264']));
    await rm(program);
    expect(await findCapabilities(program)).toEqual(new Set(['libx264']));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
