/** Elementary streams have no timestamps. They are wrapped into a container first, so that many workers can encode them. */
import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MediaPipeline, openMediaPipeline } from '../../../../test/media/media-pipeline.ts';
import { makeVideoSync } from '../../../../test/media/video-cache.ts';

const SECONDS = 70;
const RATE = 10;

let pipeline: MediaPipeline;
beforeAll(async () => {
  pipeline = await openMediaPipeline({ ladder: [{ codec: 'h264', lines: 120, kbps: 200 }] });
});
afterAll(() => pipeline.close());

const videoInput = [
  '-f',
  'lavfi',
  '-i',
  `testsrc2=s=160x120:r=25:d=${SECONDS}`,
  '-pix_fmt',
  'yuv420p',
] as const;

describe('an elementary stream', () => {
  it.each([
    ['bare-70.m2v', ['-c:v', 'mpeg2video', '-bf', '2', '-g', '15', '-r', '25'], 'mpegvideo', 25],
    ['bare-70.h264', ['-c:v', 'libx264', '-bf', '3', '-g', '50', '-r', String(RATE)], 'h264', RATE],
  ] as const)('%s is encoded in chunks, each frame once', async (name, args, demuxer, rate) => {
    const video = await pipeline.upload(makeVideoSync(name, [...videoInput, ...args]));
    const row = await pipeline.untilProcessed(video);
    expect([row.state, row.error_detail]).toEqual(['ready', null]);
    const jobs = await pipeline.db
      .selectFrom('jobs')
      .select(['kind', 'plan'])
      .where('video_id', '=', video)
      .orderBy('id')
      .execute();
    const [wrap, encode] = jobs.map(({ kind, plan }) => ({ kind, plan: JSON.parse(plan) }));
    expect(wrap).toMatchObject({ kind: 'remux', plan: { isWrapped: true, demuxer } });
    expect(encode).toMatchObject({
      kind: 'first-rendition',
      plan: { demuxer: 'matroska', chunks: [0, 32, 64] },
    });
    // Files that were made for the conversion only have been deleted.
    const files = await readdir(pipeline.storage.directory(video));
    expect(files).toContain('source');
    expect(files.filter(file => file.endsWith('.mkv'))).toEqual([]);
    await pipeline.present(video, row.revision, async presentation => {
      expect(presentation.timeline.durationMs).toBeGreaterThan((SECONDS - 0.3) * 1_000);
      expect(presentation.timeline.durationMs).toBeLessThan((SECONDS + 0.3) * 1_000);
      const [rendition] = presentation.renditions;
      // The frame rate follows from the number of frames: none is lost or doubled between chunks.
      expect(rendition).toMatchObject({ kind: 'video' });
      expect((rendition as { frameRate: number }).frameRate).toBeCloseTo(rate, 0);
    });
    expect(JSON.parse(row.prepared ?? '{}')).toMatchObject({
      container: demuxer === 'h264' ? 'H.264 video' : 'MPEG video',
    });
  });
});
