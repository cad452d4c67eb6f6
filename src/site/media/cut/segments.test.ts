/** Checks each served file: boxes, key frames, boundaries, playlists, and that segments decode. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decode } from '../../../../test/media/packets.ts';
import { writeRotated } from '../../../../test/media/rotate.ts';
import { makeVideo } from '../../../../test/media/video-cache.ts';
import { recipes } from '../../../../test/media/videos.ts';
import { renditionSchema } from '../../../protocol/media/media.ts';
import { findBox, listBoxes } from '../containers/isobmff/box.ts';
import { type PreparedSource, prepareSource } from '../index/source-index.ts';
import { Presentation } from './presentation.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-segments-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function withPresentation<T>(
  path: string,
  use: (presentation: Presentation, prepared: PreparedSource) => Promise<T>,
): Promise<T> {
  const indexPath = join(directory, 'source.index');
  const prepared = await prepareSource(path, indexPath);
  const presentation = await Presentation.open({ directory: dirname(path), indexes: [indexPath] });
  try {
    return await use(presentation, prepared);
  } finally {
    await presentation.close();
  }
}

async function readAll(presentation: Presentation, rendition: string): Promise<readonly Buffer[]> {
  const segments: Buffer[] = [];
  for (;;) {
    const file = await presentation.file(`${rendition}/${segments.length}.m4s`);
    if (!file) return segments;
    segments.push(file.body);
  }
}

const moofOf = (segment: Buffer) =>
  findBox(segment, { type: '', start: 0, body: 0, end: segment.length }, 'moof');
/** Reads the decode time of a segment and the flags of its first sample. */
function readStart(segment: Buffer): { decodeTime: number; flags: number } {
  const traf = findBox(segment, moofOf(segment), 'traf');
  const tfdt = findBox(segment, traf, 'tfdt')!;
  const trun = findBox(segment, traf, 'trun')!;
  return {
    decodeTime: Number(segment.readBigUInt64BE(tfdt.body + 4)),
    flags: segment.readUInt32BE(trun.body + 12 + 8),
  };
}

const readDurations = (playlist: string): readonly number[] =>
  [...playlist.matchAll(/#EXTINF:([\d.]+),/g)].map(match => Number(match[1]));

describe('files of a revision', () => {
  it.each(['mp4', 'webm', 'mkv', 'vfr', 'twoLanguages'] as const)(
    '%s: segments decode separately and together',
    async name => {
      await withPresentation(await makeVideo(recipes[name]), async (presentation, prepared) => {
        for (const { id } of prepared.renditions) {
          const init = (await presentation.file(`${id}/init.mp4`))!.body;
          const segments = await readAll(presentation, id);
          for (const pieces of [...segments.map(segment => [segment]), segments]) {
            const path = join(directory, 'piece.mp4');
            await writeFile(path, Buffer.concat([init, ...pieces]));
            expect(await decode(path)).toBe('');
          }
        }
      });
    },
  );

  it.each(['mp4', 'webm', 'mkv', 'vfr'] as const)(
    '%s: video segments begin with a sync sample, audio segments within a frame of them',
    async name => {
      await withPresentation(await makeVideo(recipes[name]), async (presentation, prepared) => {
        const [video, audio] = prepared.renditions;
        for (const segment of await readAll(presentation, video!.id))
          expect(readStart(segment).flags).toBe(0x200_0000);
        const starts = async (id: string): Promise<readonly number[]> => {
          const durations = readDurations((await presentation.file(`${id}/media.m3u8`))!.body.toString());
          return durations.map((_, i) => durations.slice(0, i).reduce((sum, d) => sum + d, 0));
        };
        const [videoStarts, audioStarts] = [await starts(video!.id), await starts(audio!.id)];
        expect(audioStarts).toHaveLength(videoStarts.length);
        for (const [i, start] of audioStarts.entries())
          expect(Math.abs(start - videoStarts[i]!)).toBeLessThan(0.04);
      });
    },
  );

  it('consist of complete boxes without gaps in decode time', async () => {
    await withPresentation(await makeVideo(recipes.mp4), async (presentation, prepared) => {
      for (const { id } of prepared.renditions) {
        let next = 0;
        for (const [number, segment] of (await readAll(presentation, id)).entries()) {
          expect([...listBoxes(segment)].map(box => box.type)).toEqual(['styp', 'moof', 'mdat']);
          const { decodeTime } = readStart(segment);
          expect(decodeTime).toBe(next);
          const moof = moofOf(segment);
          const mfhd = findBox(segment, moof, 'mfhd')!;
          expect(segment.readUInt32BE(mfhd.body + 4)).toBe(number + 1);
          const trun = findBox(segment, moof, 'traf', 'trun')!;
          const count = segment.readUInt32BE(trun.body + 4);
          const stride = (trun.end - trun.body - 12) / count;
          for (let i = 0; i < count; i++) next += segment.readUInt32BE(trun.body + 12 + i * stride);
        }
      }
    });
  });

  it('are listed in valid playlists', async () => {
    await withPresentation(await makeVideo(recipes.twoLanguages), async (presentation, prepared) => {
      expect(prepared.renditions.map(({ id }) => id)).toEqual([
        'source-video',
        'source-audio',
        'source-audio-2',
      ]);
      for (const rendition of prepared.renditions) {
        expect(renditionSchema.parse(rendition)).toEqual(rendition);
        expect(rendition.bandwidthBps).toBeGreaterThanOrEqual(rendition.averageBandwidthBps);
      }
      const multivariant = (await presentation.file('multivariant.m3u8'))!;
      expect(multivariant.contentType).toBe('application/vnd.apple.mpegurl');
      const text = multivariant.body.toString();
      expect(text).toContain('\nsource-video/media.m3u8\n');
      expect(text).toMatch(/LANGUAGE="en".*URI="source-audio\/media.m3u8"/);
      expect(text).toMatch(/LANGUAGE="fr".*URI="source-audio-2\/media.m3u8"/);
      expect(text).toContain('CODECS="avc1.64000c,mp4a.40.2"');
      expect(text).toContain('RESOLUTION=320x180,FRAME-RATE=25.000');
      const media = (await presentation.file('source-video/media.m3u8'))!.body.toString();
      expect(media.split('\n')).toEqual([
        '#EXTM3U',
        '#EXT-X-VERSION:7',
        '#EXT-X-TARGETDURATION:4',
        '#EXT-X-MEDIA-SEQUENCE:0',
        '#EXT-X-PLAYLIST-TYPE:VOD',
        '#EXT-X-INDEPENDENT-SEGMENTS',
        '#EXT-X-MAP:URI="init.mp4"',
        '#EXTINF:4.000000,',
        '0.m4s',
        '#EXTINF:4.000000,',
        '1.m4s',
        '#EXTINF:2.000000,',
        '2.m4s',
        '#EXT-X-ENDLIST',
        '',
      ]);
    });
  });

  it('stay within the bandwidth of their rendition', async () => {
    await withPresentation(await makeVideo(recipes.vfr), async (presentation, prepared) => {
      for (const { id, bandwidthBps } of prepared.renditions) {
        const durations = readDurations((await presentation.file(`${id}/media.m3u8`))!.body.toString());
        for (const [i, segment] of (await readAll(presentation, id)).entries()) {
          if (durations[i]! >= 2.5)
            expect((segment.length * 8) / durations[i]!).toBeLessThanOrEqual(bandwidthBps);
        }
      }
    });
  });

  it('keep rotation and pixel aspect ratio', async () => {
    const rotated = join(directory, 'rotated.mp4');
    await writeRotated(await readFile(await makeVideo(recipes.mp4)), rotated);
    await withPresentation(rotated, async (presentation, prepared) => {
      expect(prepared).toMatchObject({ width: 180, height: 320 });
      const init = (await presentation.file('source-video/init.mp4'))!.body;
      const tkhd = init.indexOf('tkhd') + 4;
      expect(Array.from({ length: 9 }, (_, i) => init.readInt32BE(tkhd + 40 + i * 4))).toEqual([
        0,
        0x1_0000,
        0,
        -0x1_0000,
        0,
        0,
        180 * 0x1_0000,
        0,
        0x4000_0000,
      ]);
    });
    await withPresentation(await makeVideo(recipes.anamorphic), async (presentation, prepared) => {
      expect(prepared).toMatchObject({ width: 427, height: 180 });
      expect((await presentation.file('source-video/init.mp4'))!.body.includes('pasp')).toBe(true);
    });
  });

  it('do not exist under other names', async () => {
    await withPresentation(await makeVideo(recipes.mp4), async presentation => {
      for (const path of [
        '',
        'source-video',
        'source-video/',
        'source-video/3.m4s',
        'source-video/00.m4s',
        'source-video/-1.m4s',
        'source-video/1e3.m4s',
        'source-video/99999999999.m4s',
        'source-video/0.m4s/x',
        'source-audio-2/media.m3u8',
        '../source.index',
        '__proto__/init.mp4',
      ]) {
        expect(await presentation.file(path), path).toBeUndefined();
      }
    });
  });

  it('fail if the source is no longer the file that was indexed', async () => {
    const path = join(directory, 'changed.mp4');
    const bytes = await readFile(await makeVideo(recipes.mp4));
    await writeFile(path, bytes);
    const indexPath = join(directory, 'changed.index');
    await prepareSource(path, indexPath);
    await writeFile(path, bytes.subarray(0, -1));
    await expect(Presentation.open({ directory: dirname(path), indexes: [indexPath] })).rejects.toThrow(
      /but its index was made from a file of/,
    );
  });
});
