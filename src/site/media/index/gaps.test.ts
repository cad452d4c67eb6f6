import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeVideo, type Recipe } from '../../../../test/media/video-cache.ts';
import { makeTrimmed, recipes } from '../../../../test/media/videos.ts';
import { prepareSource } from './prepare.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-gaps-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const makeRecipe = (videoSeconds: number, audioSeconds: number, more: readonly string[] = []): Recipe => ({
  extension: 'mp4',
  args: [
    ...['-f', 'lavfi', '-i', `testsrc2=s=160x120:r=5:d=${videoSeconds}`],
    ...['-f', 'lavfi', '-i', `sine=f=440:r=48000:d=${audioSeconds}`],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'aac', ...more],
  ],
});
const gap = (from: number, to: number): readonly string[] => [
  ...['-vf', `select='not(between(t,${from},${to}))'`, '-fps_mode', 'vfr'],
];

const find = async (path: string): Promise<boolean> =>
  (await prepareSource(path, join(directory, 'index'))).hasGaps ?? false;

describe('players tolerate', () => {
  it.each([
    ['video and audio of equal length', makeRecipe(30, 30)],
    ['video that ends a little before the audio', makeRecipe(20, 20.6)],
    ['audio that ends a little before the video', makeRecipe(20, 19.4)],
    ['a frame that lasts some seconds', makeRecipe(30, 30, gap(10, 16))],
    ['video without audio', recipes.silent],
    ['audio without video', recipes.soundOnly],
    ['reordered frames', recipes.mkv],
  ])('%s', async (_, recipe) => {
    expect(await find(await makeVideo(recipe))).toBe(false);
  });

  it('an edit list that hides the beginning', async () => {
    expect(await find(await makeTrimmed(recipes.mp4, '3.3', '5'))).toBe(false);
  });
});

describe('players do not tolerate', () => {
  it.each([
    ['video that ends long before the audio', makeRecipe(5, 30)],
    ['audio that ends long before the video', makeRecipe(30, 5)],
    ['one frame with a song', makeRecipe(0.2, 40)],
    ['a gap in the middle of the video', makeRecipe(60, 60, gap(10, 40))],
    ['a gap in the middle of the audio', makeRecipe(30, 30, ['-af', "aselect='not(between(t,10,20))'"])],
  ])('%s', async (_, recipe) => {
    expect(await find(await makeVideo(recipe))).toBe(true);
  });
});
