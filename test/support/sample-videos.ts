/** The videos that end-to-end tests upload: a few seconds or minutes long, and quick to encode. */
import { readFileSync } from 'node:fs';
import { makeVideoSync, requireFfmpeg } from '../media/video-cache.ts';
import { runProgram } from './programs.ts';

const picture = (seconds: number, size = '640x360'): readonly string[] => [
  ...['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=25:duration=${seconds}`],
];
const sound = (seconds: number): readonly string[] => [
  ...['-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=48000:duration=${seconds}`],
];
const H264 = ['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p', '-g', '50'] as const;
const AAC = ['-c:a', 'aac', '-b:a', '96k'] as const;
const FASTSTART = ['-movflags', '+faststart'] as const;

/** 12 s with 25 frames per second. @returns its path, as all of these do */
export const shortVideo = (): string =>
  makeVideoSync('short.mp4', [...picture(12), ...sound(12), ...H264, '-bf', '2', ...AAC, ...FASTSTART]);

export const minuteVideo = (): string =>
  makeVideoSync('minute.mp4', [...picture(60), ...sound(60), ...H264, ...AAC, ...FASTSTART]);

/** Three minutes with a constant 2.5 Mbit/s: more than a slow site can send. */
export const busyVideo = (): string => {
  const part = makeVideoSync('busy-part.mp4', [
    ...picture(30),
    ...sound(30),
    ...['-vf', 'noise=alls=24:allf=t'],
    ...H264,
    ...['-b:v', '2500k', '-minrate', '2500k', '-maxrate', '2500k', '-bufsize', '2500k'],
    ...AAC,
  ]);
  return makeVideoSync('busy.mp4', ['-stream_loop', '5', '-i', part, '-c', 'copy', ...FASTSTART]);
};

/** Frames that a player decodes from a URL, from the first to the last. */
export function countFrames(url: string): number {
  const { stdout, stderr, status } = runProgram(requireFfmpeg().replace(/ffmpeg$/, 'ffprobe'), [
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
    makeVideoSync('last.mp4', [...picture(9), ...sound(9), ...H264, '-bf', '3', ...AAC]),
  'MP4 with variable frame rate': () =>
    makeVideoSync('vfr.mp4', [
      ...picture(10),
      ...sound(10),
      ...['-vf', "select='not(mod(n,3))+lt(mod(n,50),20)'", '-fps_mode', 'vfr'],
      ...H264,
      ...AAC,
    ]),
  MOV: () =>
    makeVideoSync('video.mov', [...picture(8), ...sound(8), ...H264, '-bf', '2', ...AAC, '-f', 'mov']),
  MKV: () => makeVideoSync('video.mkv', [...picture(8), ...sound(8), ...H264, '-bf', '2', ...AAC]),
  'video without audio': () => makeVideoSync('silent.mp4', [...picture(8), ...H264]),
};
