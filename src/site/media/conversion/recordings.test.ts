/** Recordings whose clock restarts or jumps, or whose tracks begin at different times: nothing is lost, and sound stays with picture. */
import { readFileSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MediaPipeline, openMediaPipeline } from '../../../../test/media/media-pipeline.ts';
import { beeps, type DecodedMarks, decodePresentation, flashes } from '../../../../test/media/sync-marks.ts';
import { makeVideoSync } from '../../../../test/media/video-cache.ts';
import { makeTemporaryDirectory, removeDirectory } from '../../../../test/support/temporary-directory.ts';
import type { VideoRow } from '../../database/tables/schema.ts';

const RATE = 25;
const mpeg2 = ['-c:v', 'mpeg2video', '-bf', '2', '-g', '12', '-c:a', 'mp2'];
const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-g', '25', '-threads', '1'];
const part = (
  name: string,
  seconds: number,
  codecs: readonly string[],
  more: readonly string[] = [],
): Buffer => readFileSync(makeVideoSync(name, [...flashes(seconds), ...beeps(seconds), ...codecs, ...more]));

let pipeline: MediaPipeline;
let directory: string;
beforeAll(async () => {
  pipeline = await openMediaPipeline({ ladder: [{ codec: 'h264', lines: 120, kbps: 200 }] });
  directory = await makeTemporaryDirectory('recordings');
});
afterAll(async () => {
  await pipeline.close();
  await removeDirectory(directory);
});

interface Published {
  readonly row: VideoRow;
  readonly durationMs: number;
  readonly marks: DecodedMarks;
}

async function publish(name: string, bytes: Buffer): Promise<Published> {
  const path = join(directory, name);
  writeFileSync(path, bytes);
  const video = await pipeline.upload(path);
  const row = await pipeline.untilProcessed(video);
  expect([row.state, row.error_detail]).toEqual(['ready', null]);
  return pipeline.present(video, row.revision, async presentation => {
    const of = (kind: string) => presentation.renditions.find(rendition => rendition.kind === kind)?.id;
    const marks = await decodePresentation(presentation, { video: of('video'), audio: of('audio') });
    return { row, durationMs: presentation.timeline.durationMs, marks };
  });
}

/** Expects the record, the playlist and the decoded media to last equally long, within a frame of video or audio. */
function expectAgreement({ row, durationMs, marks }: Published): void {
  const record = JSON.parse(row.prepared ?? '{}').durationMs / 1_000;
  expect(record).toBe(durationMs / 1_000);
  const decoded = Math.max(marks.videoEnd, marks.audioEnd);
  expect(Math.abs(decoded - record)).toBeLessThan(1 / RATE + 0.01);
}

/** Expects each beep within a frame of its flash. */
function expectSync({ flashes, beeps }: DecodedMarks, count: number): void {
  expect(flashes).toHaveLength(count);
  expect(beeps).toHaveLength(count);
  for (const [i, flash] of flashes.entries()) expect(Math.abs((beeps[i] ?? 0) - flash)).toBeLessThan(0.045);
}

describe('a recording whose clock restarts or jumps', () => {
  const far = ['-output_ts_offset', '600'];
  it.each([
    ['parts of a DVD', 'cat.vob', () => Array(2).fill(part('dvd.vob', 2, mpeg2, ['-f', 'dvd'])), 4],
    ['MPEG-2 transport streams', 'cat.ts', () => Array(3).fill(part('mpeg2.ts', 2, mpeg2)), 6],
    [
      'H.264 and AAC, which are copied',
      'cat-h264.ts',
      () => Array(2).fill(part('h264.ts', 2, [...h264, '-c:a', 'aac'])),
      4,
    ],
    ['H.264 and AC-3', 'cat-ac3.ts', () => Array(2).fill(part('ac3.ts', 2, [...h264, '-c:a', 'ac3'])), 4],
    [
      'ten minutes forward',
      'forward.ts',
      () => [part('mpeg2.ts', 2, mpeg2), part('far.ts', 2, mpeg2, far)],
      4,
    ],
    ['back to zero', 'back.ts', () => [part('far.ts', 2, mpeg2, far), part('mpeg2.ts', 2, mpeg2)], 4],
    [
      'forward and back',
      'both.ts',
      () => [part('mpeg2.ts', 2, mpeg2), part('far.ts', 2, mpeg2, far), part('mpeg2.ts', 2, mpeg2)],
      6,
    ],
    [
      'near the end of the 33-bit clock',
      'wrap.ts',
      () => [part('wrap.ts', 4, mpeg2, ['-output_ts_offset', '95440'])],
      4,
    ],
  ] as const)('%s: every frame is published, in sync', async (_, name, parts, seconds) => {
    const published = await publish(name, Buffer.concat(parts()));
    expect(published.marks.frames).toHaveLength(seconds * RATE);
    expectSync(published.marks, seconds);
    expectAgreement(published);
    // Files that were made for the conversion only have been deleted.
    const files = await readdir(pipeline.storage.directory(published.row.id as never));
    expect(files.filter(file => /\.(ts|mkv)$/.test(file))).toEqual([]);
  });

  it('keeps video without audio, and audio without video', async () => {
    const video = readFileSync(makeVideoSync('video.ts', [...flashes(2), ...mpeg2.slice(0, 6)]));
    const silent = await publish('silent.ts', Buffer.concat([video, video]));
    expect(silent.marks.flashes).toHaveLength(4);
    expectAgreement(silent);
    const audio = readFileSync(makeVideoSync('audio.ts', [...beeps(2), '-c:a', 'mp2']));
    const radio = await publish('radio.ts', Buffer.concat([audio, audio]));
    expect(radio.marks.beeps).toHaveLength(4);
    expectAgreement(radio);
  });

  it('is refused with a clear sentence if the clock jumps all the time', async () => {
    const short = part('short.ts', 1, mpeg2);
    const path = join(directory, 'jumps.ts');
    writeFileSync(path, Buffer.concat(Array(102).fill(short)));
    const row = await pipeline.untilProcessed(await pipeline.upload(path));
    expect(row.error_code).toBe('structure-unsupported');
    expect(row.error_detail).toMatch(/^The clock of this recording jumps more than 100 times/);
  });
});

describe('a recording that changes in the middle', () => {
  const start = (): Buffer => part('start.ts', 3, mpeg2);
  const later = ['-output_ts_offset', '3'];
  it.each([
    [
      'the size of its frames',
      () => {
        const small = [...flashes(3, RATE, '128x96'), ...beeps(3), ...mpeg2, ...later];
        return readFileSync(makeVideoSync('small.ts', small));
      },
    ],
    [
      'the layout of its audio',
      () => part('surround.ts', 3, [...mpeg2.slice(0, 6), '-c:a', 'ac3', '-ac', '6'], later),
    ],
    ['the rate of its audio', () => part('rate.ts', 3, [...mpeg2, '-ar', '44100'], later)],
  ] as const)('%s: sound stays with picture', async (what, end) => {
    const isAc3 = what.includes('layout');
    const first = isAc3 ? part('stereo.ts', 3, [...mpeg2.slice(0, 6), '-c:a', 'ac3', '-ac', '2']) : start();
    const published = await publish('changes.ts', Buffer.concat([first, end()]));
    expect(Math.abs(published.marks.frames.length - 6 * RATE)).toBeLessThanOrEqual(1);
    expect(published.marks.flashes).toHaveLength(6);
    // The sound of the moment of the change may be lost.
    const { beeps: tones, flashes: whites } = published.marks;
    expect(tones).toHaveLength(6);
    for (const [i, flash] of whites.entries())
      expect(Math.abs((tones[i] ?? 0) - flash)).toBeLessThan(i === 3 ? 0.1 : 0.075);
    expectAgreement(published);
  });
});

describe('a file whose container only estimates its duration', () => {
  const mpeg4 = ['-c:v', 'mpeg4', '-c:a', 'mp2'];
  const piped = (format: string, seconds: number): readonly string[] => [
    ...[...flashes(seconds), ...beeps(seconds), ...mpeg4],
    // Like a pipe, this output cannot be completed at the end.
    ...['-f', format, ...(format === 'matroska' ? ['-live', '1'] : []), '-seekable', '0'],
  ];
  it.each([
    [
      'MP3 without a length header',
      'song.mp3',
      [...beeps(40), '-c:a', 'libmp3lame', '-q:a', '7', '-write_xing', '0'],
      40,
    ],
    ['AVI written to a pipe', 'piped.avi', piped('avi', 3), 3],
    ['Matroska written live', 'live.mkv', piped('matroska', 3), 3],
  ] as const)('%s: the record states the decoded duration', async (_, name, args, seconds) => {
    const published = await publish(name, readFileSync(makeVideoSync(name, args)));
    expect(published.marks.beeps).toHaveLength(seconds);
    expect(Math.abs(published.durationMs / 1_000 - seconds)).toBeLessThan(0.07);
    expectAgreement(published);
  });
});

describe('a video with a varying frame rate', () => {
  it('keeps its frames: none is repeated, and the last one is shown as long as in the source', async () => {
    const picture = ['-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=120:d=4'];
    const sparse = ['-vf', "select='lt(n,30)+not(mod(n,20))'", '-fps_mode', 'vfr', '-c:v', 'mpeg4'];
    const path = makeVideoSync('sparse.mkv', [...picture, ...sparse]);
    const { marks, durationMs } = await publish('sparse.mkv', readFileSync(path));
    // Of the first 30 frames, half remain at 60 frames per second; after them, one frame each sixth of a second.
    expect(marks.frames.length).toBeGreaterThan(30);
    expect(marks.frames.length).toBeLessThan(40);
    expect(Math.abs(marks.videoEnd - durationMs / 1_000)).toBeLessThan(0.02);
    expect(durationMs).toBeLessThanOrEqual(4_000);
  });
});

describe('a transport stream', () => {
  it.each([
    ['late.ts', [...mpeg2]],
    ['late-h264.ts', [...h264, '-c:a', 'aac']],
  ])('%s: audio that begins two seconds after the video stays there', async (name, codecs) => {
    const source = makeVideoSync(name, [
      ...flashes(5),
      ...['-itsoffset', '2'],
      ...beeps(3),
      ...['-map', '0:v', '-map', '1:a', ...codecs],
    ]);
    const published = await publish(name, readFileSync(source));
    expect(published.marks.flashes).toHaveLength(5);
    expect(published.marks.beeps.map(at => Math.round(at))).toEqual([2, 3, 4]);
    expectAgreement(published);
  });

  it('with dozens of programmes or audio tracks is published whole, with the audio of its programme', async () => {
    const few = ['-c:a', 'mp2', '-b:a', '32k', '-ac', '1', '-muxrate', '8M'];
    const repeated = (count: number, args: (i: number) => readonly string[]): string[] =>
      Array.from({ length: count }, (_, i) => args(i)).flat();
    const programmes = makeVideoSync('programmes.ts', [
      ...[...flashes(2), ...beeps(2)],
      ...repeated(17, () => ['-map', '0:v', '-map', '1:a']),
      ...repeated(17, i => ['-program', `st=${2 * i}:st=${2 * i + 1}`]),
      ...['-c:v', 'mpeg2video', ...few],
    ]);
    const tracks = makeVideoSync('tracks.ts', [
      ...[...flashes(2), ...beeps(2), '-map', '0:v'],
      ...repeated(33, () => ['-map', '1:a']),
      ...['-c:v', 'mpeg2video', ...few],
    ]);
    const [one, many] = [
      await publish('programmes.ts', readFileSync(programmes)),
      await publish('tracks.ts', readFileSync(tracks)),
    ];
    expectSync(one.marks, 2);
    expectSync(many.marks, 2);
    const audioOf = ({ row }: Published): number =>
      JSON.parse(row.prepared ?? '{}').renditions.filter((r: { kind: string }) => r.kind === 'audio').length;
    expect(audioOf(one)).toBe(1);
    expect(audioOf(many)).toBeGreaterThan(1);
  });
});
