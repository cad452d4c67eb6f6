/** The shape of pixels is kept if only the bit stream declares it. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeVideoSync, requireFfmpeg } from '../../../../test/media/video-cache.ts';
import { prepareSource } from './source-index.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-aspect-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const square = [
  ...['-f', 'lavfi', '-i', 'testsrc2=s=720x576:r=10:d=1', '-c:v', 'libx264', '-preset', 'ultrafast'],
  ...['-pix_fmt', 'yuv420p'],
];

/** Declares pixels of 16:11 in the bit stream only: MP4 keeps no `pasp`, and Matroska no display size. */
async function declareInBitStream(extension: string): Promise<string> {
  const path = join(directory, `vui.${extension}`);
  const args = ['-v', 'error', '-y', '-i', makeVideoSync(`square.${extension}`, square), '-c', 'copy'];
  const { status, stderr } = spawnSync(
    requireFfmpeg(),
    [...args, '-bsf:v', 'h264_metadata=sample_aspect_ratio=16/11', path],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr);
  if (extension === 'mkv') return path;
  const bytes = await readFile(path);
  const at = bytes.indexOf('pasp');
  if (at !== -1) bytes.write('free', at, 'latin1');
  await writeFile(path, bytes);
  return path;
}

it.each(['mp4', 'mov', 'mkv'])('of %s', async extension => {
  const path = await declareInBitStream(extension);
  const { width, height, renditions } = await prepareSource(path, join(directory, `${extension}.index`));
  expect([width, height]).toEqual([1_047, 576]);
  expect(renditions[0]).toMatchObject({ width: 1_047, height: 576 });
});

it('is what the container declares, if it does', async () => {
  const path = makeVideoSync('anamorphic.mp4', [...square, '-vf', 'setsar=64/45']);
  const { width, height } = await prepareSource(path, join(directory, 'anamorphic.index'));
  expect([width, height]).toEqual([1_024, 576]);
});
