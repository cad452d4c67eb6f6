/** Compares rare forms of Matroska with the packets that ffmpeg reads from the same frames in the usual form. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rewriteMatroska, type Variant } from '../../../../../test/media/matroska-writer.ts';
import { expectSamePackets, readPackets } from '../../../../../test/media/packets.ts';
import { withServedSource } from '../../../../../test/media/serve-source.ts';
import { makeVideo } from '../../../../../test/media/video-cache.ts';
import { recipes } from '../../../../../test/media/videos.ts';
import { prepareSource } from '../../index/source-index.ts';
import { formatElement } from './ebml.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-matroska-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('rare forms of Matroska', () => {
  it.each([
    ['rewritten', 'mkv', {}],
    ['unknown sizes', 'mkv', { unknownSizes: true }],
    ['block groups', 'mkv', { blockGroups: true }],
    ['Xiph lacing', 'mkv', { lacing: 1 }],
    ['EBML lacing', 'mkv', { lacing: 3 }],
    ['fixed lacing', 'soundOnlyWebm', { lacing: 2 }],
    ['laced Opus', 'soundOnlyWebm', { lacing: 1 }],
    ['header stripping', 'soundOnlyWebm', { stripHeader: true }],
    ['header stripping and lacing', 'soundOnlyWebm', { stripHeader: true, lacing: 3, unknownSizes: true }],
  ] as readonly (readonly [string, 'mkv' | 'soundOnlyWebm', Variant])[])(
    '%s',
    async (_what, name, variant) => {
      const path = join(directory, 'video.mkv');
      const plain = await makeVideo(recipes[name]);
      await writeFile(path, await rewriteMatroska(plain, variant));
      await withServedSource(path, async ({ multivariantUrl }) => {
        // The comparison is with the plain file because ffmpeg reads no times from laced AAC.
        expectSamePackets(await readPackets(multivariantUrl), await readPackets(plain));
      });
    },
  );

  it.each([
    [
      'structure-unsupported',
      'compressed inside Matroska',
      formatElement(0x6240, formatElement(0x5034, formatElement(0x4254, Buffer.from([0])))),
    ],
    ['protected', 'encrypted', formatElement(0x6240, formatElement(0x5033, Buffer.from([1])))],
  ])('rejects transformed frames: %s', async (code, sentence, encoding) => {
    const path = join(directory, 'transformed.mkv');
    await writeFile(path, await rewriteMatroska(await makeVideo(recipes.mkv), { encoding }));
    await expect(prepareSource(path, join(directory, 'x.index'))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(sentence),
    });
  });
});
