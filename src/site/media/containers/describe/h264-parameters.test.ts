import { expect, it } from 'vitest';
import { makeVideo } from '../../../../../test/media/video-cache.ts';
import { indexContainer } from '../containers.ts';
import { FileBytes } from '../source/file-bytes.ts';
import { readH264Parameters } from './h264-parameters.ts';

const picture = ['-f', 'lavfi', '-i', 'testsrc2=s=320x240:r=10:d=1'];

it.each([
  ['progressive', 'high', [], false],
  ['interlaced', 'high', ['-flags', '+ilme+ildct', '-x264-params', 'interlaced=1'], true],
  ['interlaced, with scaling lists', 'high', ['-x264-params', 'interlaced=1:cqm=jvt'], true],
  ['progressive, with scaling lists', 'high', ['-x264-params', 'cqm=jvt'], false],
  ['interlaced', 'main', ['-x264-params', 'interlaced=1'], true],
  ['progressive', 'baseline', [], false],
  ['progressive in a stream that permits fields', 'main', ['-x264-params', 'fake-interlaced=1'], true],
  ['interlaced, 4:4:4', 'high444', ['-x264-params', 'interlaced=1', '-pix_fmt', 'yuv444p'], true],
])(
  'finds in the parameter set of %s video (%s) whether fields are permitted',
  async (_what, profile, args, expected) => {
    const path = await makeVideo({
      extension: 'mp4',
      args: [...picture, '-pix_fmt', 'yuv420p', ...args, '-c:v', 'libx264', '-profile:v', profile],
    });
    const avcC = await FileBytes.with(path, file =>
      Promise.resolve(indexContainer(file).tracks[0]?.configuration.get('avcC')),
    );
    expect(readH264Parameters(avcC ?? Buffer.alloc(0)).permitsFields).toBe(expected);
    // Cut off anywhere, it is malformed and never throws.
    for (let length = 0; length < (avcC?.length ?? 0); length++)
      readH264Parameters((avcC ?? Buffer.alloc(0)).subarray(0, length));
  },
);
