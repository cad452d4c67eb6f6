/** Viewers see frames, never fields, whatever the container of the source. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { joinSegments } from '../../../../test/media/join-segments.ts';
import { type MediaPipeline, openMediaPipeline } from '../../../../test/media/media-pipeline.ts';
import { makeVideoSync, requireFfmpeg } from '../../../../test/media/video-cache.ts';

let pipeline: MediaPipeline;
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-interlaced-'));
  pipeline = await openMediaPipeline({ ladder: [{ codec: 'h264', lines: 288, kbps: 900 }] });
});
afterAll(async () => {
  await pipeline.close();
  await rm(directory, { recursive: true, force: true });
});

/** A bar that moves with each of 50 fields a second, two of them in each frame. */
const bar =
  "color=black:s=352x288:r=50:d=3[b];color=white:s=60x288:r=50:d=3[w];[b][w]overlay=x='mod(n*4,292)':shortest=1";
const fields = [
  ...['-f', 'lavfi', '-i', `${bar},interlace=lowpass=off`, '-pix_fmt', 'yuv420p'],
  ...['-flags', '+ilme+ildct', '-g', '25'],
];
const x264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-x264-params', 'interlaced=1:tff=1'] as const;

/** The frames that ffmpeg's detector takes for fields and for frames. */
function countCombed(path: string): { readonly combed: number; readonly progressive: number } {
  const { stderr } = spawnSync(requireFfmpeg(), ['-i', path, '-vf', 'idet', '-f', 'null', '-'], {
    encoding: 'utf8',
  });
  const [, tff, bff, progressive] =
    /Multi frame detection: TFF:\s*(\d+) BFF:\s*(\d+) Progressive:\s*(\d+)/.exec(stderr) ?? [];
  return { combed: Number(tff) + Number(bff), progressive: Number(progressive) };
}

async function process(path: string) {
  const video = await pipeline.upload(path);
  const row = await pipeline.untilProcessed(video);
  expect([row.state, row.error_detail]).toEqual(['ready', null]);
  return pipeline.present(video, row.revision, async presentation => {
    const videos = presentation.renditions.filter(({ kind }) => kind === 'video');
    const joined = await Promise.all(
      videos.map(async ({ id }) => {
        return { id, ...countCombed(await joinSegments(presentation, id, directory)) };
      }),
    );
    return joined;
  });
}

describe('an interlaced source', () => {
  it.each([
    ['interlaced.mp4', [...fields, ...x264]],
    ['interlaced.mov', [...fields, ...x264]],
    ['interlaced.mkv', [...fields, ...x264]],
    ['interlaced.ts', [...fields, ...x264]],
    ['interlaced-mpeg2.mov', [...fields, '-c:v', 'mpeg2video', '-q:v', '4']],
    ['interlaced-prores.mov', [...fields, '-c:v', 'prores_ks', '-profile:v', '0', '-pix_fmt', 'yuv422p10le']],
  ])('%s is published deinterlaced only', async (name, args) => {
    const path = makeVideoSync(name, args);
    expect(countCombed(path).combed).toBeGreaterThan(50);
    const renditions = await process(path);
    expect(renditions.map(({ id }) => id)).toEqual(['h264-288']);
    for (const { combed, progressive } of renditions) {
      expect(combed).toBe(0);
      expect(progressive).toBeGreaterThan(50);
    }
  });

  it('is published unchanged if only its headers permit fields', async () => {
    const args = ['-f', 'lavfi', '-i', 'testsrc2=s=352x288:r=25:d=3', '-pix_fmt', 'yuv420p', '-g', '25'];
    const path = makeVideoSync('fake-interlaced.mp4', [
      ...args,
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-x264-params', 'fake-interlaced=1'],
    ]);
    expect((await process(path)).map(({ id }) => id)).toContain('source-video');
  });
});
