/** What becomes of sources that are cut off, scratched or empty: what can be decoded is published with a note, the rest refused. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MediaPipeline, openMediaPipeline } from '../../../../test/media/media-pipeline.ts';
import { seededRandom } from '../../../../test/media/mutate.ts';
import { makeVideo, type Recipe } from '../../../../test/media/video-cache.ts';
import { makeTemporaryDirectory, removeDirectory } from '../../../../test/support/temporary-directory.ts';
import { parsePrepared } from '../record/record.ts';

const SECONDS = 8;
const picture = ['-f', 'lavfi', '-i', `testsrc2=s=160x120:r=25:d=${SECONDS}`];
const sound = ['-f', 'lavfi', '-i', `sine=r=48000:d=${SECONDS}`];
const H264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '25', '-threads', '1'];
const AAC = ['-c:a', 'aac'];
const recipes = {
  mkv: { extension: 'mkv', args: [...picture, ...sound, ...H264, ...AAC] },
  mp4: { extension: 'mp4', args: [...picture, ...sound, ...H264, ...AAC, '-movflags', '+faststart'] },
  fragmented: {
    extension: 'mp4',
    args: [...picture, ...sound, ...H264, ...AAC, '-movflags', '+frag_keyframe+empty_moov'],
  },
  mpeg4: { extension: 'mkv', args: [...picture, ...sound, '-c:v', 'mpeg4', '-c:a', 'ac3'] },
  mpeg4InMov: {
    extension: 'mov',
    args: [...picture, ...sound, '-c:v', 'mpeg4', '-c:a', 'pcm_s16le', '-movflags', '+faststart'],
  },
  avi: { extension: 'avi', args: [...picture, ...sound, '-c:v', 'mpeg4', '-c:a', 'libmp3lame'] },
  audio: { extension: 'm4a', args: [...sound, ...AAC] },
} as const satisfies Readonly<Record<string, Recipe>>;

let pipeline: MediaPipeline;
let directory: string;
beforeAll(async () => {
  directory = await makeTemporaryDirectory('damaged');
  pipeline = await openMediaPipeline({ ladder: [{ codec: 'h264', lines: 120, kbps: 200 }] });
});
afterAll(async () => {
  await pipeline.close();
  await removeDirectory(directory);
});

async function process(bytes: Buffer) {
  const path = join(directory, 'source');
  await writeFile(path, bytes);
  const video = await pipeline.upload(path);
  // A refused source never has a revision, not even for a moment.
  const revisions = new Set<string | null>();
  const row = await pipeline.untilProcessed(video, ({ revision }) => void revisions.add(revision));
  const jobs = (await pipeline.jobs(video)).map(({ state }) => state);
  return { row, revisions, jobs, prepared: parsePrepared(row) };
}

const cut = (bytes: Buffer, part: number): Buffer => bytes.subarray(0, Math.floor(bytes.length * part));
const NOTE = /The end of the file is missing|The file is damaged or incomplete/;

describe('a recording that was cut off is published as far as it goes', () => {
  it.each(['mkv', 'mp4', 'fragmented', 'mpeg4', 'mpeg4InMov'] as const)('%s', async name => {
    const { row, prepared, jobs } = await process(cut(await readFile(await makeVideo(recipes[name])), 0.7));
    expect([row.state, row.error_detail]).toEqual(['ready', null]);
    expect(prepared?.durationMs).toBeGreaterThan(SECONDS * 1_000 * 0.5);
    expect(prepared?.durationMs).toBeLessThan(SECONDS * 1_000 * 0.85);
    expect(prepared?.notes.join()).toMatch(NOTE);
    expect(jobs).not.toContain('set-aside');
  });

  it('Matroska from a pipe, whose headers declare no size', async () => {
    const live = { extension: 'mkv', args: [...recipes.mkv.args, '-live', '1'] };
    const { row, prepared } = await process(cut(await readFile(await makeVideo(live)), 0.7));
    expect([row.state, row.error_detail]).toEqual(['ready', null]);
    expect(prepared?.durationMs).toBeLessThan(SECONDS * 1_000 * 0.85);
  });

  it('but not if it has no index', async () => {
    const { args } = recipes.mp4;
    const indexAtEnd = { extension: 'mp4', args: args.slice(0, -2) };
    const { row } = await process(cut(await readFile(await makeVideo(indexAtEnd)), 0.9));
    expect([row.state, row.error_code]).toEqual(['failed', 'truncated']);
    expect(row.error_detail).toContain('it ends before the index');
  });
});

describe('a scratched recording is published as far as it can be decoded', () => {
  it.each(['mkv', 'mp4', 'fragmented'] as const)('%s', async name => {
    const bytes = Buffer.from(await readFile(await makeVideo(recipes[name])));
    const random = seededRandom(7);
    for (let i = 0; i < 8; i++) {
      const at = Math.floor(bytes.length * (0.2 + 0.7 * random()));
      for (let j = 0; j < 1_000; j++) bytes[at + j] = Math.floor(random() * 256);
    }
    const { row, prepared, jobs } = await process(bytes);
    expect([row.state, row.error_detail]).toEqual(['ready', null]);
    expect(prepared?.durationMs).toBeGreaterThan(SECONDS * 1_000 - 500);
    expect(jobs).not.toContain('set-aside');
  });
});

describe('a source of which nothing can be decoded is refused before it is published', () => {
  it.each([
    ['mp4', 'mdat', 'none of its pictures can be decoded'],
    ['mkv', '\x1f\x43\xb6\x75', ''],
    ['avi', 'movi', ''],
    ['audio', 'mdat', 'none of its audio can be decoded'],
  ] as const)('%s', async (name, marker, reason) => {
    const bytes = Buffer.from(await readFile(await makeVideo(recipes[name])));
    const from = bytes.indexOf(Buffer.from(marker, 'latin1')) + 4;
    const index = bytes.lastIndexOf('moov');
    bytes.fill(0, from, index > from ? index - 4 : bytes.length);
    const { row, revisions, jobs } = await process(bytes);
    expect([row.state, row.error_code]).toEqual([
      'failed',
      expect.stringMatching(/^(damaged|truncated|no-tracks)$/),
    ]);
    expect(row.error_detail).toContain(reason);
    expect([...revisions]).toEqual([null]);
    expect(jobs).toEqual([]);
  });

  it('but a source that begins with a defect is published', async () => {
    const bytes = Buffer.from(await readFile(await makeVideo(recipes.mp4)));
    const from = bytes.indexOf('mdat') + 4;
    bytes.fill(0, from, from + Math.floor((bytes.length - from) * 0.2));
    const { row } = await process(bytes);
    expect([row.state, row.error_detail]).toEqual(['ready', null]);
  });
});
