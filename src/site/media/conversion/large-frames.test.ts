/** The largest frames that a site converts, and larger ones. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MediaPipeline, openMediaPipeline } from '../../../../test/media/media-pipeline.ts';
import { makeVideo } from '../../../../test/media/video-cache.ts';
import { parsePrepared } from '../record/record.ts';

let pipeline: MediaPipeline;
beforeAll(async () => {
  pipeline = await openMediaPipeline({ ladder: [{ codec: 'h264', lines: 120, kbps: 200 }] });
});
afterAll(() => pipeline.close());

const frames = (size: string) => ['-f', 'lavfi', '-i', `color=red:s=${size}:r=2:d=0.5`];
const H264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'];

async function process(extension: string, args: readonly string[]) {
  const video = await pipeline.upload(await makeVideo({ extension, args }));
  const row = await pipeline.untilProcessed(video);
  const jobs = (await pipeline.jobs(video)).map(({ state }) => state);
  return { row, jobs, prepared: parsePrepared(row) };
}

describe('a video with large frames', () => {
  it('of 8192 × 4608 pixels gets a ladder', async () => {
    const { row, jobs, prepared } = await process('mp4', [...frames('8192x4608'), ...H264]);
    expect([row.state, jobs]).toEqual(['ready', ['done', 'done']]);
    expect(prepared?.renditions.map(({ id }) => id)).toEqual(['source-video', 'h264-120']);
    expect(prepared?.notes).toEqual([]);
  });

  it('of more pixels stays as it is, with a note', async () => {
    const { row, jobs, prepared } = await process('mp4', [...frames('8192x8192'), ...H264]);
    expect([row.state, jobs]).toEqual(['ready', ['done']]);
    expect(prepared?.renditions.map(({ id }) => id)).toEqual(['source-video']);
    expect(prepared?.notes.join()).toMatch(/^No further renditions were made\. .*8192 × 4608 pixels/);
  });

  it('of more pixels is refused by its size if browsers cannot play it', async () => {
    const { row } = await process('mp4', [...frames('8192x8192'), ...H264.slice(0, -1), 'yuv422p']);
    expect([row.state, row.error_code]).toEqual(['failed', 'codec-unsupported']);
    expect(row.error_detail).toContain('larger than a site converts (8192 × 4608 pixels)');
  });
});
