/** The packets that players get over HTTP equal the packets that ffmpeg reads from the source. */
import { describe, it } from 'vitest';
import { expectSamePackets, readPackets } from '../../../../test/media/packets.ts';
import { withServedSource } from '../../../../test/media/serve-source.ts';
import { hasEncoder, makeVideo, type Recipe } from '../../../../test/media/video-cache.ts';
import { makeTrimmed, recipes } from '../../../../test/media/videos.ts';

const expectLossless = async (path: string): Promise<void> => {
  await withServedSource(path, async ({ multivariantUrl }) => {
    expectSamePackets(await readPackets(multivariantUrl), await readPackets(path));
  });
};

describe('served packets equal those of the upload', () => {
  const names: readonly (keyof typeof recipes)[] = [
    'mp4',
    'mp4IndexAtEnd',
    'mp4NoBFrames',
    'mov',
    'fragmented',
    'fragmentedOffsets',
    'negativeOffsets',
    'vfr',
    'silent',
    'soundOnly',
    'anamorphic',
    'twoLanguages',
    'opusInMp4',
    'flacInMp4',
    'lateSound',
    'mkv',
    'mkvNtsc',
    'webm',
    'soundOnlyWebm',
    'flacInMkv',
  ];
  it.each(names)('%s', async name => {
    await expectLossless(await makeVideo(recipes[name]));
  });

  it.each([
    ['hevc', 'libx265'],
    ['av1', 'libsvtav1'],
  ] as const)('%s', async (name, encoder) => {
    // Without the encoder, there is no video to test with.
    if (hasEncoder(encoder)) await expectLossless(await makeVideo(recipes[name]));
  });

  it.each([
    ['between key frames', recipes.mp4, '3.3', '5'],
    ['on a key frame', recipes.mp4, '4', '5'],
    ['near the end', recipes.mp4IndexAtEnd, '9.1', '2'],
    ['audio only', recipes.soundOnly, '2.345', '5'],
    ['MOV', recipes.mov, '1.5', '6'],
    ['Matroska', recipes.mkv, '3.3', '6'],
  ] as readonly (readonly [string, Recipe, string, string])[])(
    'trimmed by an edit list, %s',
    async (_where, recipe, from, seconds) => {
      await expectLossless(await makeTrimmed(recipe, from, seconds));
    },
  );
});
