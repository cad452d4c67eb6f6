/** Encoded video: orientation, even sizes, every configured codec, and edit lists. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { joinSegments } from '../../../../test/media/join-segments.ts';
import { type MediaPipeline, openMediaPipeline } from '../../../../test/media/media-pipeline.ts';
import { writeRotated } from '../../../../test/media/rotate.ts';
import { hasEncoder, makeVideoSync } from '../../../../test/media/video-cache.ts';
import { findFfmpeg } from '../../../kernel/ffmpeg.ts';
import type { Rendition, VideoRendition } from '../../../protocol/media/media.ts';
import type { Presentation } from '../cut/cut.ts';

const SECONDS = 9;
const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '50'] as const;
const sound = ['-f', 'lavfi', '-i', `sine=440:r=48000:d=${SECONDS}`] as const;
/** Each corner has a different colour, so that a rotation or reflection shows. */
const corners = (size: string): readonly string[] => {
  const quarter = size
    .split('x')
    .map(side => Math.ceil(Number(side) / 2))
    .join('x');
  const [a, b, c, d] = ['red', 'lime', 'blue', 'white'].map(
    colour => `color=${colour}:s=${quarter}:r=25:d=${SECONDS}`,
  );
  return [
    '-f',
    'lavfi',
    '-i',
    `${a}[a];${b}[b];${c}[c];${d}[d];[a][b][c][d]xstack=inputs=4:layout=0_0|w0_0|0_h0|w0_h0,format=yuv444p,crop=${size.replace('x', ':')}:0:0`,
  ];
};

const isVideo = (rendition: Rendition): rendition is VideoRendition => rendition.kind === 'video';
let pipeline: MediaPipeline;
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-renditions-'));
  pipeline = await openMediaPipeline({
    ladder: [
      { codec: 'h264', lines: 240, kbps: 500 },
      { codec: 'hevc', lines: 240, kbps: 300 },
      { codec: 'av1', lines: 240, kbps: 250 },
    ],
  });
});
afterAll(async () => {
  await pipeline.close();
  await rm(directory, { recursive: true, force: true });
});

async function convert<T>(path: string, use: (presentation: Presentation) => Promise<T>): Promise<T> {
  const video = await pipeline.upload(path);
  const row = await pipeline.untilProcessed(video);
  expect([row.state, row.error_detail]).toEqual(['ready', null]);
  return pipeline.present(video, row.revision, use);
}

/** The middle of each quarter of the frame at one second, as displayed: whether red, green and blue are above half. */
function readCorners(path: string): readonly string[] {
  const pixels = raw([
    '-ss',
    '1',
    '-i',
    path,
    '-frames:v',
    '1',
    '-vf',
    'scale=4:4:flags=area',
    '-pix_fmt',
    'rgb24',
  ]);
  return [0, 3, 12, 15].map(at =>
    [0, 1, 2].map(channel => (pixels[at * 3 + channel]! > 127 ? 1 : 0)).join(''),
  );
}
function raw(args: readonly string[]): Buffer {
  const { stdout, stderr, status } = spawnSync(
    findFfmpeg(process.env) ?? 'ffmpeg',
    ['-v', 'error', ...args, '-f', 'rawvideo', '-'],
    { maxBuffer: 2 ** 26 },
  );
  if (status !== 0) throw new Error(stderr.toString());
  return stdout;
}
const countFrames = (path: string): number => raw(['-i', path, '-vf', 'scale=2:2,format=gray']).length / 4;

describe('a video of a telephone', () => {
  it('that was held upright, with a variable frame rate, keeps its orientation and frames', async () => {
    const stored = makeVideoSync('landscape.mp4', [
      ...corners('480x320'),
      ...sound,
      ...['-vf', "select='not(mod(n,3))+lt(mod(n,50),20)'", '-fps_mode', 'vfr', ...h264, '-c:a', 'aac'],
    ]);
    const path = join(directory, 'upright.mp4');
    await writeRotated(await readFile(stored), path);
    // The lower left corner of the stored frame is displayed in the upper left.
    expect(readCorners(path)).toEqual(['001', '100', '111', '010']);
    await convert(path, async presentation => {
      const videos = presentation.renditions.filter(isVideo);
      expect(videos.map(({ id, width, height }) => `${id} ${width}x${height}`)).toEqual([
        'source-video 320x480',
        'h264-240 240x360',
        'hevc-240 240x360',
        'av1-240 240x360',
      ]);
      const frames = countFrames(path);
      for (const video of videos) {
        const whole = await joinSegments(presentation, video.id, directory);
        expect([video.id, readCorners(whole)]).toEqual([video.id, readCorners(path)]);
        expect([video.id, countFrames(whole)]).toEqual([video.id, frames]);
      }
    });
  });
});

describe('renditions in every codec', () => {
  it('of an unplayable video with odd dimensions have even dimensions, the same segment starts and correct CODECS', async () => {
    const source = makeVideoSync('odd.avi', [
      ...corners('427x321'),
      ...sound,
      ...['-c:v', 'ffv1', '-pix_fmt', 'yuv444p', '-c:a', 'mp2'],
    ]);
    await convert(source, async presentation => {
      const videos = presentation.renditions.filter(isVideo);
      const codecs = [
        'h264',
        ...(hasEncoder('libx265') ? ['hevc'] : []),
        ...(hasEncoder('libaom-av1') ? ['av1'] : []),
      ];
      expect(videos.map(({ id }) => id).sort()).toEqual(codecs.map(codec => `${codec}-240`).sort());
      const codecOf = { h264: /^avc1\.64/, hevc: /^hvc1\.1\./, av1: /^av01\.0\./ };
      const { renditions } = presentation.timeline;
      const instants = ({ id }: Rendition): readonly number[] =>
        renditions[id]!.runs.flatMap(([ticks, count]) =>
          Array<number>(count).fill(ticks / renditions[id]!.timescale),
        );
      for (const video of videos) {
        const codec = video.id.split('-')[0] as keyof typeof codecOf;
        expect(video.codec).toMatch(codecOf[codec]);
        expect([video.width, video.height]).toEqual([318, 240]);
        expect(instants(video)).toEqual(instants(videos[0]!));
        expect(instants(video)).toHaveLength(3);
        const whole = await joinSegments(presentation, video.id, directory);
        expect([video.id, readCorners(whole)]).toEqual([video.id, ['100', '010', '001', '111']]);
        expect([video.id, countFrames(whole)]).toEqual([video.id, SECONDS * 25]);
      }
      const playlist = (await presentation.file('multivariant.m3u8'))!.body.toString();
      for (const { codec } of videos) expect(playlist).toContain(`CODECS="${codec},mp4a.40.2"`);
    });
  });
});

describe('an edit list that begins within a group of pictures', () => {
  it('is applied: every rendition shows only what the author kept', async () => {
    const whole = makeVideoSync('uncut.mp4', [...corners('480x320'), ...sound, ...h264, '-c:a', 'aac']);
    // There is a key frame every two seconds: 3.3 s is 1.3 s after the last one.
    const trimmed = makeVideoSync('cut.mp4', ['-ss', '3.3', '-i', whole, '-c', 'copy']);
    await convert(trimmed, async presentation => {
      const videos = presentation.renditions.filter(isVideo);
      expect(videos.map(({ id }) => id)).not.toContain('source-video');
      const frames = Math.round((SECONDS - 3.3) * 25);
      for (const video of videos) {
        const shown = countFrames(await joinSegments(presentation, video.id, directory));
        expect([video.id, Math.abs(shown - frames) <= 1]).toEqual([video.id, true]);
      }
      expect(Math.abs(presentation.timeline.durationMs / 1_000 - (SECONDS - 3.3))).toBeLessThan(0.06);
    });
    await convert(whole, async presentation => {
      expect(presentation.renditions.map(({ id }) => id)).toContain('source-video');
    });
  });
});
