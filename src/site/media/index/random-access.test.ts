/** Segments begin only at frames at which a decoder can begin, whatever the container marks as a sync sample. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasEncoder, makeVideo, requireFfmpeg } from '../../../../test/media/video-cache.ts';
import { makeTemporaryDirectory, removeDirectory } from '../../../../test/support/temporary-directory.ts';
import { Presentation } from '../cut/cut.ts';
import { prepareSource } from './prepare.ts';

let directory: string;
beforeAll(async () => {
  directory = await makeTemporaryDirectory('random-access');
});
afterAll(() => removeDirectory(directory));

const RATE = 10;
const picture = (seconds: number): readonly string[] => [
  ...[
    '-f',
    'lavfi',
    '-i',
    `testsrc2=s=160x120:r=${RATE}:d=${seconds}`,
    '-pix_fmt',
    'yuv420p',
    '-threads',
    '1',
  ],
];
const h264 = (params: string): readonly string[] => [
  ...['-c:v', 'libx264', '-forced-idr', '1', '-x264-params', `bframes=3:scenecut=0:${params}`],
];
const hevc = (params: string): readonly string[] => [
  ...['-c:v', 'libx265', '-preset', 'ultrafast', '-forced-idr', '1'],
  ...['-x265-params', `log-level=error:bframes=3:scenecut=0:${params}`],
];
/** Open groups of one second, and closed ones at 4 and 8 s. */
const mixed = ['-force_key_frames', '4,8'];

/** How many frames a decoder finds in each segment if it gets no other. */
async function decodeEach(path: string): Promise<readonly number[]> {
  const index = join(directory, `${path.split('/').at(-1)}.index`);
  await prepareSource(path, index);
  const presentation = await Presentation.open({
    directory: dirname(path),
    indexes: [relative(dirname(path), index)],
  });
  try {
    const init = await presentation.file('source-video/init.mp4');
    const counts: number[] = [];
    for (let n = 0; ; n++) {
      const segment = await presentation.file(`source-video/${n}.m4s`);
      if (!segment || !init) return counts;
      const file = join(directory, 'one.mp4');
      writeFileSync(file, Buffer.concat([init.body, segment.body]));
      const { stdout, stderr } = spawnSync(
        requireFfmpeg(),
        ['-v', 'error', '-flags', '-output_corrupt', '-i', file, '-f', 'framemd5', '-'],
        { encoding: 'utf8' },
      );
      expect(stderr).toBe('');
      counts.push(stdout.split('\n').filter(line => /^0,/.test(line)).length);
    }
  } finally {
    await presentation.close();
  }
}

describe('segments of a source with open and closed groups of pictures', () => {
  it.each([
    ['H.264 in MP4', 'mp4', h264('open-gop=1:keyint=10')],
    [
      'H.264 in fragmented MP4',
      'mp4',
      [...h264('open-gop=1:keyint=10'), '-movflags', 'frag_keyframe+empty_moov'],
    ],
    ['H.264 in Matroska', 'mkv', h264('open-gop=1:keyint=10')],
    ['HEVC in MP4', 'mp4', [...hevc('keyint=10'), '-tag:v', 'hvc1']],
    ['HEVC in Matroska', 'mkv', hevc('keyint=10')],
    ['H.264 with closed groups', 'mp4', h264('keyint=40')],
  ] as const)('can be decoded one by one: %s', async (_, extension, codec) => {
    if (codec.includes('libx265') && !hasEncoder('libx265')) return;
    const path = await makeVideo({ extension, args: [...picture(10), ...codec, ...mixed] });
    expect(await decodeEach(path)).toEqual([4 * RATE, 4 * RATE, 2 * RATE]);
  });

  it.each([
    ['VP9', 'webm', ['-c:v', 'libvpx-vp9', '-cpu-used', '8', '-g', '40'], 'libvpx-vp9'],
    ['AV1', 'mp4', ['-c:v', 'libaom-av1', '-usage', 'realtime', '-cpu-used', '8', '-g', '40'], 'libaom-av1'],
  ] as const)('begin at the key frames of %s', async (_, extension, codec, encoder) => {
    if (!hasEncoder(encoder)) return;
    const path = await makeVideo({ extension, args: [...picture(10), ...codec] });
    expect(await decodeEach(path)).toEqual([4 * RATE, 4 * RATE, 2 * RATE]);
  });
});

describe('a source whose groups of pictures are all open', () => {
  const prepare = async (extension: string, args: readonly string[]) =>
    prepareSource(await makeVideo({ extension, args }), join(directory, 'open.index'));

  it.each([
    ['H.264', 'mp4', h264('open-gop=1:keyint=20')],
    ['H.264 in Matroska', 'mkv', h264('open-gop=1:keyint=20')],
    ['HEVC as x265 makes it by default', 'mp4', [...hevc('keyint=20'), '-tag:v', 'hvc1']],
  ] as const)('is not served as it is: %s', async (_, extension, codec) => {
    if (codec.includes('libx265') && !hasEncoder('libx265')) return;
    expect((await prepare(extension, [...picture(16), ...codec])).hasLongSegments).toBe(true);
  });

  it('is converted if it does not even begin with a frame that can be decoded', async () => {
    const whole = await makeVideo({
      extension: 'ts',
      args: [...picture(8), ...h264('open-gop=1:keyint=20')],
    });
    const cut = ['-ss', '3', '-i', whole, '-c', 'copy'];
    await expect(prepare('mkv', cut)).rejects.toMatchObject({ code: 'codec-unsupported' });
  });
});
