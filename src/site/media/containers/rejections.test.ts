/** Every upload that cannot be published is rejected with a clear message. None crashes or stalls the indexer. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mutate, seededRandom } from '../../../../test/media/mutate.ts';
import { makeVideo, type Recipe } from '../../../../test/media/video-cache.ts';
import { recipes } from '../../../../test/media/videos.ts';
import { formatBox, formatFullBox, u32 } from '../containers/isobmff/box.ts';
import { formatElement } from '../containers/matroska/ebml.ts';
import { Presentation } from '../cut/cut.ts';
import { type PreparedSource, prepareSource } from '../index/source-index.ts';
import { SourceRejected } from '../source-rejected.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-rejections-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** Returns the rejection of these bytes, or else their description; then every kind of file can be made from them. */
async function prepareBytes(bytes: Buffer): Promise<SourceRejected | PreparedSource> {
  const sourcePath = join(directory, 'source');
  const indexPath = join(directory, 'source.index');
  await writeFile(sourcePath, bytes);
  try {
    const prepared = await prepareSource(sourcePath, indexPath);
    const { renditions } = prepared;
    const presentation = await Presentation.open({ directory: dirname(sourcePath), indexes: [indexPath] });
    try {
      for (const { id } of renditions) {
        for (const name of ['init.mp4', 'media.m3u8', '0.m4s'])
          expect(await presentation.file(`${id}/${name}`)).toBeDefined();
      }
    } finally {
      await presentation.close();
    }
    return prepared;
  } catch (error) {
    if (!(error instanceof SourceRejected)) throw error;
    expect(error.message).toMatch(/^(The|This|Checking) [^\n]+\.$/);
    expect((await readdir(directory)).filter(name => name.endsWith('.new'))).toEqual([]);
    return error;
  } finally {
    await rm(indexPath, { force: true });
  }
}

async function findRejection(bytes: Buffer): Promise<SourceRejected | undefined> {
  const result = await prepareBytes(bytes);
  return result instanceof SourceRejected ? result : undefined;
}

describe('a recording that is cut off', () => {
  it.each(['mp4', 'fragmented', 'mkv', 'webm'] as const)('at any point: %s', async name => {
    const whole = await readFile(await makeVideo(recipes[name]));
    const complete = await prepareBytes(whole);
    if (complete instanceof SourceRejected) throw complete;
    expect(complete.notes).toEqual([]);
    for (let i = 1; i <= 40; i++) {
      const size = Math.min(Math.floor((whole.length * i) / 40), whole.length - 1);
      const result = await prepareBytes(whole.subarray(0, size));
      if (result instanceof SourceRejected) {
        // Less than its headers and a frame.
        expect(i, `${i}/40`).toBeLessThan(12);
        expect(result.code).toMatch(/^(truncated|not-media)$/);
        continue;
      }
      expect(result.durationMs).toBeLessThanOrEqual(complete.durationMs + 1);
      // The bytes per second vary.
      expect(result.durationMs / complete.durationMs, `${i}/40`).toBeGreaterThan((i / 40) * 0.6 - 0.1);
      // A fragmented video that ends between two fragments is complete.
      if (name !== 'fragmented') expect(result.notes.join()).toContain('The end of the file is missing.');
    }
  });

  it('by the last byte of the last sample loses only that sample', async () => {
    const whole = await readFile(await makeVideo(recipes.mp4));
    const result = await prepareBytes(whole.subarray(0, -1));
    if (result instanceof SourceRejected) throw result;
    expect(result.notes.join()).toContain('The end of the file is missing.');
    expect(result.durationMs).toBeGreaterThan(11_800);
  });

  it('in the middle of its index is damaged, not published as its first frame', async () => {
    const bytes = Buffer.from(await readFile(await makeVideo(recipes.mp4)));
    const at = bytes.indexOf('stco');
    bytes.writeUInt32BE(0x7fffffff, at + 16);
    expect((await findRejection(bytes))?.code).toBe('damaged');
  });
});

it('uncompressed audio of many hours does not count against the limit of frames', async () => {
  const bytes = Buffer.from(await readFile(await makeVideo(recipes.pcmInMov)));
  const at = bytes.lastIndexOf('stsz');
  expect(bytes.readUInt32BE(at + 8)).toBeGreaterThan(0);
  bytes.writeUInt32BE(48_000 * 3_600 * 3, at + 12);
  expect(await findRejection(bytes)).toMatchObject({
    code: 'codec-unsupported',
    message: expect.stringContaining('The audio track is uncompressed PCM'),
  });
});

describe('an upload that cannot be published', () => {
  it.each([
    [recipes.mpeg4, 'codec-unsupported', 'The video is MPEG-4 Part 2, which browsers cannot play.'],
    [recipes.high422, 'codec-unsupported', 'The video is H.264 in a professional profile (4:2:2), which'],
    [
      recipes.pcmInMov,
      'codec-unsupported',
      'The audio track is uncompressed PCM, which browsers cannot play.',
    ],
    [
      recipes.mp3InMp4,
      'codec-unsupported',
      'The audio track is MP3, which not all browsers can play in segments.',
    ],
    [{ extension: 'avi', args: recipes.mpeg4.args }, 'container-unsupported', 'This file is an AVI video,'],
    [
      { extension: 'ts', args: recipes.silent.args },
      'container-unsupported',
      'This file is an MPEG transport stream',
    ],
    [{ extension: 'flv', args: recipes.silent.args }, 'container-unsupported', 'This file is a Flash video'],
    [
      { extension: 'mkv', args: ['-f', 'lavfi', '-i', 'testsrc2=d=1', '-c:v', 'libvpx', '-b:v', '100k'] },
      'codec-unsupported',
      'The video is VP8, which browsers cannot play.',
    ],
  ] as readonly (readonly [Recipe, string, string])[])('$0.extension: $2', async (recipe, code, sentence) => {
    const rejection = await findRejection(await readFile(await makeVideo(recipe)));
    expect(rejection?.code).toBe(code);
    expect(rejection?.message).toContain(sentence);
  });

  it.each([
    ['nothing', Buffer.alloc(0), 'empty'],
    ['a page', Buffer.from('<!DOCTYPE html><html><body>404</body></html>'), 'not-media'],
    [
      'an SVG drawing',
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
      'not-media',
    ],
    ['a playlist', Buffer.from('#EXTM3U\n#EXTINF:1,\n/etc/passwd\n#EXT-X-ENDLIST\n'), 'not-media'],
    ['a concat list', Buffer.from("ffconcat version 1.0\nfile '/etc/passwd'\n"), 'not-media'],
    ['noise', Buffer.from(Array.from({ length: 5_000 }, (_, i) => (i * 7919) % 251)), 'not-media'],
    ['only one box', formatBox('ftyp', Buffer.from('isom'), u32(0)), 'damaged'],
    ['a video without tracks', movie(), 'no-tracks'],
    ['a million boxes within boxes', deepBoxes(1_000_000), 'damaged'],
    ['a million boxes in a row', Buffer.concat(Array(1_100_000).fill(formatBox('free'))), 'damaged'],
    [
      'a box of 2^63 bytes',
      Buffer.concat([ftyp(), Buffer.from('0000000166726565ffffffffffffffff', 'hex')]),
      'truncated',
    ],
    [
      'only a Matroska header',
      formatElement(0x1a45dfa3, formatElement(0x4282, Buffer.from('webm'))),
      'truncated',
    ],
    ['Matroska without tracks', matroska(), 'no-tracks'],
    [
      'a Matroska track list of 2^50 bytes',
      matroska(Buffer.from('1654ae6b01040000000000', 'hex')),
      'truncated',
    ],
    [
      'EBML of another document type',
      formatElement(0x1a45dfa3, formatElement(0x4282, Buffer.from('other'))),
      'not-media',
    ],
    ['a cluster before the tracks', matroska(cluster(Buffer.from([0x81, 0, 0, 0x80, 1]))), 'damaged'],
    [
      'a number of nine bytes',
      matroska(formatElement(0x1549a966, formatElement(0x2ad7b1, Buffer.alloc(9, 255)))),
      'damaged',
    ],
  ])('%s', async (_what, bytes, code) => {
    expect((await findRejection(bytes))?.code).toBe(code);
  });

  it.each(['stsz', 'stts', 'stsc', 'stco', 'ctts', 'stss', 'elst'])('a count of 2^32-1 in %s', async type => {
    const bytes = Buffer.from(await readFile(await makeVideo(recipes.mp4)));
    const at = bytes.indexOf(type);
    bytes.writeUInt32BE(0xffffffff, at + (type === 'stsz' ? 12 : 8));
    expect((await findRejection(bytes))?.code).toMatch(/^(damaged|structure-unsupported)$/);
  });

  it('millions of samples of one constant size', async () => {
    const bytes = Buffer.from(await readFile(await makeVideo(recipes.mp4)));
    const at = bytes.indexOf('stsz');
    bytes.writeUInt32BE(0, at + 8);
    bytes.writeUInt32BE(3_999_999, at + 12);
    expect((await findRejection(bytes))?.code).toBe('damaged');
    bytes.writeUInt32BE(1_000_000_000, at + 8);
    expect((await findRejection(bytes))?.code).toBe('truncated');
  });

  it('a video that is stored in another file', async () => {
    const bytes = Buffer.from(await readFile(await makeVideo(recipes.mp4)));
    const at = bytes.indexOf('url \0\0\0\x01');
    bytes[at + 7] = 0;
    const rejection = await findRejection(bytes);
    expect(rejection?.message).toContain('The video or audio of this file is stored in another file');
  });

  it('an index at the end that is cut off at any point', async () => {
    const whole = await readFile(await makeVideo(recipes.mp4IndexAtEnd));
    for (let i = 1; i <= 40; i++) {
      const rejection = await findRejection(
        whole.subarray(0, Math.min(Math.floor((whole.length * i) / 40), whole.length - 1)),
      );
      expect(rejection?.code, `${i}/40`).toBe('truncated');
      expect(rejection?.message).toContain('The file is incomplete: ');
    }
  });

  it.each([
    ['mp4', 0, 6_000],
    ['mp4IndexAtEnd', -9_000, 9_000],
    ['fragmented', 0, 3_000],
    ['mkv', 0, 1_500],
    ['webm', 0, 1_500],
  ] as const)('%s damaged in a hundred ways', async (name, from, length) => {
    const whole = await readFile(await makeVideo(recipes[name]));
    const start = from < 0 ? whole.length + from : from;
    const random = seededRandom(0x5eed);
    const outcomes = { rejected: 0, published: 0 };
    for (let i = 0; i < 100; i++) {
      const started = performance.now();
      const rejection = await findRejection(mutate(whole, random, { from: start, to: start + length }));
      expect(performance.now() - started).toBeLessThan(5_000);
      outcomes[rejection ? 'rejected' : 'published']++;
    }
    expect(outcomes.rejected).toBeGreaterThan(10);
  });
});

function ftyp(): Buffer {
  return formatBox('ftyp', Buffer.from('isom'), u32(0));
}

function movie(...traks: readonly Buffer[]): Buffer {
  const mvhd = formatFullBox('mvhd', 0, 0, u32(0, 0, 1_000, 0), Buffer.alloc(80));
  return Buffer.concat([ftyp(), formatBox('moov', mvhd, ...traks)]);
}

/** Boxes of a type that readers open, each in the one before. */
function deepBoxes(depth: number): Buffer {
  const deep = Buffer.alloc(depth * 8);
  for (let i = 0; i < depth; i++) {
    deep.writeUInt32BE((depth - i) * 8, i * 8);
    deep.write(i === 0 ? 'moov' : 'trak', i * 8 + 4, 'latin1');
  }
  return Buffer.concat([ftyp(), deep]);
}

function matroska(...children: readonly Buffer[]): Buffer {
  return Buffer.concat([
    formatElement(0x1a45dfa3, formatElement(0x4282, Buffer.from('matroska'))),
    formatElement(0x18538067, ...children),
  ]);
}

function cluster(block: Buffer): Buffer {
  return formatElement(0x1f43b675, formatElement(0xa3, block));
}
