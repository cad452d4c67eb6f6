/** Films that the end-to-end tests make with ffmpeg, small and quick. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFfmpeg } from '../../src/kernel/ffmpeg.ts';
import { runProgram } from './programs.ts';

const directory = join(tmpdir(), 'tributary-e2e-films');

export function ffmpeg(): string {
  const path = findFfmpeg();
  if (!path)
    throw new Error(
      'These tests need an ffmpeg with x264 and AAC: apt-get install ffmpeg, or set FFMPEG_PATH.',
    );
  return path;
}

/** Makes (once) `name` with these ffmpeg arguments between the program and the output's name. */
export function makeVideo(name: string, args: readonly string[]): string {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, name);
  if (existsSync(path)) return path;
  const unfinished = join(directory, `part-${process.pid}-${name}`);
  const run = spawnSync(ffmpeg(), ['-hide_banner', '-loglevel', 'error', '-y', ...args, unfinished], {
    encoding: 'utf8',
  });
  if (run.status !== 0) throw new Error(`ffmpeg could not make ${name}: ${run.stderr}`);
  renameSync(unfinished, path);
  return path;
}

const picture = (seconds: number, size = '640x360'): readonly string[] => [
  '-f',
  'lavfi',
  '-i',
  `testsrc2=size=${size}:rate=25:duration=${seconds}`,
];
const sound = (seconds: number): readonly string[] => [
  '-f',
  'lavfi',
  '-i',
  `sine=frequency=440:sample_rate=48000:duration=${seconds}`,
];
const h264: readonly string[] = ['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p', '-g', '50'];
const aac: readonly string[] = ['-c:a', 'aac', '-b:a', '96k'];

export const shortVideo = (): string =>
  makeVideo('short.mp4', [
    ...picture(12),
    ...sound(12),
    ...h264,
    '-bf',
    '2',
    ...aac,
    '-movflags',
    '+faststart',
  ]);

export const minuteVideo = (): string =>
  makeVideo('minute.mp4', [...picture(60), ...sound(60), ...h264, ...aac, '-movflags', '+faststart']);

/** Three minutes of 2.5 Mbit/s throughout: more than a slow site can give. */
export const busyVideo = (): string => {
  const part = makeVideo('busy-part.mp4', [
    ...picture(30),
    ...sound(30),
    '-vf',
    'noise=alls=24:allf=t',
    ...h264,
    ...['-b:v', '2500k', '-minrate', '2500k', '-maxrate', '2500k', '-bufsize', '2500k'],
    ...aac,
  ]);
  return makeVideo('busy.mp4', ['-stream_loop', '5', '-i', part, '-c', 'copy', '-movflags', '+faststart']);
};

/** Pictures that a player decodes from there to the end. */
export function countFrames(url: string): number {
  const { stdout, stderr, status } = runProgram(ffmpeg().replace(/ffmpeg$/, 'ffprobe'), [
    ...['-v', 'error', '-count_frames', '-select_streams', 'v:0'],
    ...['-show_entries', 'stream=nb_read_frames', '-of', 'csv=p=0', url],
  ]);
  if (status !== 0) throw new Error(stderr);
  return Number(/\d+/.exec(stdout)?.[0]);
}

export const readVideo = (path: string): Buffer => readFileSync(path);

export const videoVariants: Readonly<Record<string, () => string>> = {
  'MP4, index first': shortVideo,
  'MP4, index last, B-frames': () =>
    makeVideo('last.mp4', [...picture(9), ...sound(9), ...h264, '-bf', '3', ...aac]),
  'MP4 with an edit list': () => makeVideo('edit.mp4', ['-ss', '3.3', '-i', shortVideo(), '-c', 'copy']),
  'MP4 with variable frame rate': () =>
    makeVideo('vfr.mp4', [
      ...picture(10),
      ...sound(10),
      '-vf',
      "select='not(mod(n,3))+lt(mod(n,50),20)'",
      '-fps_mode',
      'vfr',
      ...h264,
      ...aac,
    ]),
  MOV: () => makeVideo('film.mov', [...picture(8), ...sound(8), ...h264, '-bf', '2', ...aac, '-f', 'mov']),
  MKV: () => makeVideo('film.mkv', [...picture(8), ...sound(8), ...h264, '-bf', '2', ...aac]),
  'video without sound': () => makeVideo('silent.mp4', [...picture(8), ...h264]),
};
