/** How soon something is seen of a long film that no browser plays: its length does not matter, only how fast its beginning is encoded. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, readFileSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type MediaPipeline, makeVideo, openMediaPipeline } from '../../../../test/media/media-pipeline.ts';
import { findFfmpeg } from '../../../kernel/ffmpeg.ts';
import { cancelJob } from '../../database/jobs.ts';

const PROMISED_MS = 15_000;
const HOURS = 2;
const BARE = 'long.m2v';

let workshop: MediaPipeline;
beforeAll(async () => {
  workshop = await openMediaPipeline();
});
afterAll(() => workshop.close());

/** Hours of a minute that is repeated without encoding. */
function longFilm(name: string, args: readonly string[]): string {
  const minute = makeVideo(`minute-${name}`, [
    ...['-f', 'lavfi', '-i', 'testsrc=s=640x360:r=25:d=60', '-f', 'lavfi', '-i', 'sine=440:r=48000:d=60'],
    ...args,
  ]);
  if (name === BARE) return repeatBytes(minute, name);
  return makeVideo(name, ['-stream_loop', String(60 * HOURS - 1), '-i', minute, '-map', '0', '-c', 'copy']);
}

/** Pictures without a container follow each other as their bytes do. */
function repeatBytes(minute: string, name: string): string {
  const path = join(dirname(minute), name);
  const bytes = readFileSync(minute);
  rmSync(path, { force: true });
  for (let i = 0; i < 60 * HOURS; i++) appendFileSync(path, bytes);
  return path;
}

/** The first half minute at the lowest rung, as one would write it down. */
function encodeByHand(source: string): number {
  const output = join(tmpdir(), `tributary-first-picture-${process.pid}.mp4`);
  const started = performance.now();
  const { status, stderr } = spawnSync(
    findFfmpeg() ?? 'ffmpeg',
    [
      ...['-v', 'error', '-nostdin', '-y', '-threads', '1', '-t', '30', '-i', source, '-vf', 'scale=640:360'],
      ...['-c:v', 'libx264', '-threads', '1', '-preset', 'veryfast', '-crf', '23', '-c:a', 'aac', output],
    ],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr);
  return performance.now() - started;
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
  `${HOURS} hours of %s can be watched as soon as their beginning is encoded`,
  async (_, name, args) => {
    const source = longFilm(name, args);
    const beforeMs = encodeByHand(source);
    // Nothing else is converted meanwhile: this is about the length of the film.
    const started = performance.now();
    const video = await workshop.upload(source);
    let row = await workshop.find(video);
    while (row.revision === null && row.state !== 'failed') {
      await new Promise(done => setTimeout(done, 50));
      row = await workshop.find(video);
      if (performance.now() - started > 240_000) throw new Error(`still ${row.state}`);
    }
    expect(row.error_detail).toBeNull();
    await workshop.present(video, row.revision, async presentation => {
      const rung = presentation.renditions.find(({ kind }) => kind === 'video');
      expect(rung?.id).toBe('h264-360');
      expect((await presentation.file(`${rung?.id}/0.m4s`))?.body.length).toBeGreaterThan(1_000);
    });
    const firstPictureMs = performance.now() - started;
    // On a machine that grows busier the encoding by hand grows slower too: it is looked at before and after.
    const byHandMs = Math.max(beforeMs, encodeByHand(source));
    expect(firstPictureMs).toBeLessThan(PROMISED_MS + byHandMs);
    // It is a beginning: the whole of it is not there yet.
    const shown = JSON.parse(row.prepared ?? '{}') as { durationMs: number };
    expect(shown.durationMs).toBeLessThan(120_000);
    // The rest of it is not waited for; what was encoding ends within a while of its cancelling, and may still write.
    for (const { id } of await workshop.jobs(video)) await cancelJob(workshop.db, id);
    const directory = workshop.storage.directory(video);
    await rm(directory, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 });
    await rm(source);
  },
  300_000,
);
