import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeVideo } from '../../../../test/media/video-cache.ts';
import { recipes } from '../../../../test/media/videos.ts';
import { prepareSource } from './prepare.ts';
import { prepareInWorker } from './prepare-in-worker.ts';

let directory: string;
let workerUrl: URL;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-worker-'));
  const outfile = join(directory, 'prepare-worker.mjs');
  await build({
    entryPoints: [join(import.meta.dirname, 'prepare-worker.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
    logLevel: 'error',
  });
  workerUrl = pathToFileURL(outfile);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('preparing in a worker', () => {
  it('returns what prepareSource returns', async () => {
    const path = await makeVideo(recipes.mp4);
    const here = await prepareSource(path, join(directory, 'here.index'));
    expect(await prepareInWorker(path, join(directory, 'there.index'), { workerUrl })).toEqual(here);
  });

  it('passes on a rejection unchanged', async () => {
    const path = join(directory, 'page.mp4');
    await writeFile(path, '<!DOCTYPE html><title>not found</title>');
    await expect(prepareInWorker(path, join(directory, 'page.index'), { workerUrl })).rejects.toMatchObject({
      name: 'SourceRejected',
      code: 'not-media',
      message: expect.stringContaining('web page'),
    });
  });

  it('passes on an error of the machine', async () => {
    await expect(
      prepareInWorker(join(directory, 'missing'), join(directory, 'missing.index'), { workerUrl }),
    ).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('stops after the time limit and leaves no files', async () => {
    const path = await makeVideo(recipes.mp4);
    await expect(
      prepareInWorker(path, join(directory, 'late.index'), { workerUrl, timeLimitMs: 1 }),
    ).rejects.toMatchObject({ code: 'check-exceeded' });
    expect((await readdir(directory)).filter(name => name.startsWith('late.'))).toEqual([]);
  });

  it('stops when aborted', async () => {
    const path = await makeVideo(recipes.mp4);
    const stopping = new AbortController();
    const preparing = prepareInWorker(path, join(directory, 'stopped.index'), {
      workerUrl,
      abort: stopping.signal,
    });
    stopping.abort(new Error('the site stops'));
    await expect(preparing).rejects.toThrow('the site stops');
  });
});
