/** Small real videos, named by their special feature. `video-cache.ts` makes and keeps them. */
import { makeVideo, type Recipe } from './video-cache.ts';

const picture = (seconds: number, size = '320x180', rate = '25'): readonly string[] => [
  '-f',
  'lavfi',
  '-i',
  `testsrc2=s=${size}:r=${rate}:d=${seconds}`,
];
const tone = (seconds: number, rate = 44_100, hertz = 440): readonly string[] => [
  '-f',
  'lavfi',
  '-i',
  `sine=f=${hertz}:d=${seconds}:r=${rate}`,
];
const H264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-threads', '1', '-pix_fmt', 'yuv420p'] as const;
const H264_B = [
  '-c:v',
  'libx264',
  '-preset',
  'veryfast',
  '-bf',
  '3',
  '-threads',
  '1',
  '-pix_fmt',
  'yuv420p',
] as const;
const AAC = ['-c:a', 'aac', '-b:a', '64k'] as const;

const basic = [...picture(12), ...tone(12), ...H264_B, '-g', '50', ...AAC];

/** Recipes by their special feature. */
export const recipes = {
  mp4: { extension: 'mp4', args: [...basic, '-movflags', '+faststart'] },
  mp4IndexAtEnd: { extension: 'mp4', args: basic },
  mp4NoBFrames: { extension: 'mp4', args: [...picture(9), ...tone(9, 48_000), ...H264, '-g', '37', ...AAC] },
  mov: { extension: 'mov', args: basic },
  mkv: { extension: 'mkv', args: basic },
  mkvNtsc: {
    extension: 'mkv',
    args: [...picture(10, '320x180', '30000/1001'), ...tone(10, 48_000), ...H264_B, '-g', '60', ...AAC],
  },
  fragmented: {
    extension: 'mp4',
    args: [...basic, '-movflags', '+frag_keyframe+empty_moov+default_base_moof'],
  },
  fragmentedOffsets: {
    extension: 'mp4',
    args: [...basic, '-movflags', '+frag_keyframe', '-frag_duration', '1000000'],
  },
  negativeOffsets: { extension: 'mp4', args: [...basic, '-movflags', '+negative_cts_offsets'] },
  vfr: {
    extension: 'mp4',
    args: [
      ...picture(12),
      ...tone(12),
      '-vf',
      "select='not(mod(n,7))+not(mod(n,5))+lt(n,60)'",
      '-fps_mode',
      'vfr',
      ...H264_B,
      '-g',
      '20',
      ...AAC,
    ],
  },
  silent: { extension: 'mp4', args: [...picture(9), ...H264_B, '-g', '50'] },
  soundOnly: { extension: 'm4a', args: [...tone(11), ...AAC] },
  soundOnlyWebm: { extension: 'webm', args: [...tone(11, 48_000), '-c:a', 'libopus', '-b:a', '48k'] },
  anamorphic: { extension: 'mp4', args: [...picture(5), ...H264, '-vf', 'setsar=4/3', '-g', '50'] },
  twoLanguages: {
    extension: 'mp4',
    args: [
      ...picture(10),
      ...tone(10),
      ...tone(10, 48_000, 880),
      '-map',
      '0:v',
      '-map',
      '1:a',
      '-map',
      '2:a',
      ...H264_B,
      '-g',
      '50',
      ...AAC,
      '-metadata:s:a:0',
      'language=eng',
      '-metadata:s:a:1',
      'language=fra',
    ],
  },
  webm: {
    extension: 'webm',
    args: [
      ...picture(8),
      ...tone(8, 48_000),
      '-c:v',
      'libvpx-vp9',
      '-deadline',
      'realtime',
      '-cpu-used',
      '8',
      '-g',
      '50',
      '-b:v',
      '200k',
      '-c:a',
      'libopus',
      '-b:a',
      '48k',
    ],
  },
  opusInMp4: {
    extension: 'mp4',
    args: [...picture(8), ...tone(8, 48_000), ...H264_B, '-g', '50', '-c:a', 'libopus'],
  },
  flacInMp4: {
    extension: 'mp4',
    args: [...picture(6), ...tone(6), ...H264, '-g', '50', '-c:a', 'flac', '-strict', '-2'],
  },
  mp3InMp4: {
    extension: 'mp4',
    args: [...picture(6), ...tone(6), ...H264, '-g', '50', '-c:a', 'libmp3lame'],
  },
  flacInMkv: { extension: 'mkv', args: [...picture(6), ...tone(6), ...H264, '-g', '50', '-c:a', 'flac'] },
  lateSound: {
    extension: 'mp4',
    args: [...picture(10), '-itsoffset', '1.5', ...tone(8), ...H264_B, '-g', '50', ...AAC],
  },
  hevc: {
    extension: 'mp4',
    args: [
      ...picture(6),
      ...tone(6),
      '-c:v',
      'libx265',
      '-preset',
      'ultrafast',
      '-x265-params',
      'log-level=none:keyint=50:pools=1',
      ...AAC,
    ],
  },
  av1: {
    extension: 'mp4',
    args: [...picture(5), ...tone(5), '-c:v', 'libsvtav1', '-preset', '12', '-g', '50', ...AAC],
  },
  mpeg4: { extension: 'mp4', args: [...picture(2), '-c:v', 'mpeg4'] },
  high422: {
    extension: 'mp4',
    args: [...picture(2), '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv422p'],
  },
  pcmInMov: { extension: 'mov', args: [...picture(2), ...tone(2), ...H264, '-c:a', 'pcm_s16le'] },
} as const satisfies Readonly<Record<string, Recipe>>;

/** A video trimmed without encoding: its edit list hides the part before the cut. */
export async function makeTrimmed(of: Recipe, from: string, seconds: string): Promise<string> {
  const whole = await makeVideo(of);
  return makeVideo({
    extension: of.extension,
    args: ['-ss', from, '-i', whole, '-t', seconds, '-c', 'copy'],
  });
}
