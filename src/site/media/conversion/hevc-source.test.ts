/** HEVC with AAC: only the picture needs a rendition that every browser plays. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MediaPipeline, openMediaPipeline } from '../../../../test/media/media-pipeline.ts';
import { readMultivariant } from '../../../../test/media/strict-hls.ts';
import { checkMpd } from '../../../../test/media/strict-mpd.ts';
import { hasEncoder, makeVideoSync } from '../../../../test/media/video-cache.ts';

describe.skipIf(!hasEncoder('libx265'))('a source in HEVC', () => {
  let pipeline: MediaPipeline;
  beforeAll(async () => {
    pipeline = await openMediaPipeline({ ladder: [{ codec: 'h264', lines: 180, kbps: 300 }] });
  });
  afterAll(() => pipeline.close());

  const makeHevc = (name: string, audio: readonly string[]): string =>
    makeVideoSync(name, [
      ...['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=25:d=6', '-f', 'lavfi', '-i', 'sine=440:r=48000:d=6'],
      ...['-c:v', 'libx265', '-preset', 'ultrafast', '-tag:v', 'hvc1', '-pix_fmt', 'yuv420p'],
      ...['-x265-params', 'keyint=50:log-level=error', ...audio],
    ]);

  it.each([
    ['AAC', ['-c:a', 'aac'], ['source-audio']],
    [
      'FLAC, which gets an alternative in AAC',
      ['-c:a', 'flac', '-strict', '-2'],
      ['source-audio', 'aac-audio'],
    ],
  ])('lists each audio track once for each variant: %s', async (name, args, audios) => {
    const video = await pipeline.upload(makeHevc(`hevc-${name.slice(0, 4)}.mp4`, args));
    const { revision } = await pipeline.untilProcessed(video);
    const read = (file: string) =>
      pipeline.present(video, revision, async presentation =>
        String((await presentation.file(file))?.body ?? ''),
      );
    const playlist = await read('multivariant.m3u8');
    const { variants, media } = readMultivariant(playlist);
    expect(variants).toHaveLength(2);
    expect(media).toEqual(audios.map(id => `${id}/media.m3u8`));
    const groups = [...playlist.matchAll(/TYPE=AUDIO,GROUP-ID="([^"]+)"/g)].map(([, group]) => group);
    expect(new Set(groups).size).toBe(audios.length);
    const manifest = await read('manifest.mpd');
    const ids = [...checkMpd(manifest).keys()].filter(id => id.endsWith('-audio'));
    expect(ids).toEqual(audios.slice(-1));
  });
});
