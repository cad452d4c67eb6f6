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

const film = (pictureSeconds: number, soundSeconds: number, more: readonly string[] = []): Recipe => ({
  extension: 'mp4',
  args: [
    ...['-f', 'lavfi', '-i', `testsrc2=s=160x120:r=5:d=${pictureSeconds}`],
    ...['-f', 'lavfi', '-i', `sine=f=440:r=48000:d=${soundSeconds}`],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'aac', ...more],
  ],
});
const hole = (from: number, to: number): readonly string[] => [
  ...['-vf', `select='not(between(t,${from},${to}))'`, '-fps_mode', 'vfr'],
];

const find = async (path: string): Promise<boolean> =>
  (await prepareSource(path, join(directory, 'index'))).hasGaps ?? false;

describe('players bear', () => {
  it.each([
    ['pictures and sound of one length', film(30, 30)],
    ['a picture that ends a little before the sound', film(20, 20.6)],
    ['sound that ends a little before the pictures', film(20, 19.4)],
    ['a picture that stands for some seconds', film(30, 30, hole(10, 16))],
    ['pictures alone', recipes.silent],
    ['sound alone', recipes.soundOnly],
    ['reordered pictures', recipes.mkv],
  ])('%s', async (_, recipe) => {
    expect(await find(await makeVideo(recipe))).toBe(false);
  });

  it('an edit list that hides what lies before', async () => {
    expect(await find(await makeTrimmed(recipes.mp4, '3.3', '5'))).toBe(false);
  });
});

describe('players do not bear', () => {
  it.each([
    ['a picture that ends long before the sound', film(5, 30)],
    ['sound that ends long before the pictures', film(30, 5)],
    ['one picture under a song', film(0.2, 40)],
    ['a hole in the middle of the pictures', film(60, 60, hole(10, 40))],
    ['a hole in the middle of the sound', film(30, 30, ['-af', "aselect='not(between(t,10,20))'"])],
  ])('%s', async (_, recipe) => {
    expect(await find(await makeVideo(recipe))).toBe(true);
  });
});
