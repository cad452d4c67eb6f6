/** How soon a long video that no browser plays can be watched: that depends on the encoding of its beginning, not on its length. */
import { appendFileSync, readFileSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type MediaPipeline, openMediaPipeline } from '../../../../test/media/media-pipeline.ts';
import { makeVideoSync } from '../../../../test/media/video-cache.ts';
import { cancelJob } from '../../database/jobs.ts';

const HOURS = 2;
const BARE = 'long.m2v';

let pipeline: MediaPipeline;
beforeAll(async () => {
  pipeline = await openMediaPipeline();
});
afterAll(() => pipeline.close());

/** A minute that is repeated for hours without encoding it again. */
function makeLongVideo(name: string, args: readonly string[]): string {
  const minute = makeVideoSync(`minute-${name}`, [
    ...['-f', 'lavfi', '-i', 'testsrc=s=640x360:r=25:d=60', '-f', 'lavfi', '-i', 'sine=440:r=48000:d=60'],
    ...args,
  ]);
  if (name === BARE) return repeatBytes(minute, name);
  return makeVideoSync(name, [
    '-stream_loop',
    String(60 * HOURS - 1),
    '-i',
    minute,
    '-map',
    '0',
    '-c',
    'copy',
  ]);
}

/** Elementary streams can be joined byte by byte. */
function repeatBytes(minute: string, name: string): string {
  const path = join(dirname(minute), name);
  const bytes = readFileSync(minute);
  rmSync(path, { force: true });
  for (let i = 0; i < 60 * HOURS; i++) appendFileSync(path, bytes);
  return path;
}

it.each([
  [
    'AVI (MPEG-4, MP3)',
    'long.avi',
    ['-c:v', 'mpeg4', '-q:v', '12', '-g', '250', '-c:a', 'libmp3lame', '-b:a', '32k'],
  ],
  [
    'a transport stream (MPEG-2, MP2)',
    'long.ts',
    ['-c:v', 'mpeg2video', '-q:v', '20', '-g', '50', '-c:a', 'mp2', '-b:a', '64k'],
  ],
  ['MPEG-2 video without a container', BARE, ['-map', '0', '-c:v', 'mpeg2video', '-q:v', '20', '-g', '50']],
])(
  `${HOURS} hours of %s can be watched as soon as the beginning is encoded`,
  async (_, name, args) => {
    const source = makeLongVideo(name, args);
    const started = performance.now();
    const video = await pipeline.upload(source);
    let row = await pipeline.find(video);
    while (row.revision === null && row.state !== 'failed') {
      await new Promise(done => setTimeout(done, 50));
      row = await pipeline.find(video);
      if (performance.now() - started > 240_000) throw new Error(`still ${row.state}`);
    }
    expect(row.error_detail).toBeNull();
    await pipeline.present(video, row.revision, async presentation => {
      const rendition = presentation.renditions.find(({ kind }) => kind === 'video');
      expect(rendition?.id).toBe('h264-360');
      expect((await presentation.file(`${rendition?.id}/0.m4s`))?.body.length).toBeGreaterThan(1_000);
    });
    // Only the beginning can be played so far. Seconds are not checked: they depend on what else the machine does.
    const shown = JSON.parse(row.prepared ?? '{}') as { durationMs: number };
    expect(shown.durationMs).toBeLessThan(120_000);
    // The test does not wait for the rest. A cancelled encoder may still write until it has ended.
    for (const { id } of await pipeline.jobs(video)) await cancelJob(pipeline.db, id);
    const directory = pipeline.storage.directory(video);
    await rm(directory, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 });
    await rm(source);
  },
  300_000,
);
