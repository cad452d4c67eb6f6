/** Colours keep their values through conversion, in renditions and in images, however the source stores and declares them. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { joinSegments } from '../../../../test/media/join-segments.ts';
import { type MediaPipeline, openMediaPipeline } from '../../../../test/media/media-pipeline.ts';
import { hasEncoder, makeVideoSync, requireFfmpeg } from '../../../../test/media/video-cache.ts';
import type { VideoRendition } from '../../../protocol/media/media.ts';
import { videoRangeOf } from '../../../protocol/media/media.ts';
import type { Presentation } from '../cut/cut.ts';
import { makeExtras } from './make-extras.ts';

/** An orange on which the matrices of BT.601 and BT.709 differ by more than 15 of 255. */
const ORANGE = [208, 96, 32] as const;
const TOLERANCE = 6;

let pipeline: MediaPipeline;
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-colours-'));
  pipeline = await openMediaPipeline({
    ladder: [
      { codec: 'h264', lines: 360, kbps: 900 },
      { codec: 'h264', lines: 180, kbps: 400 },
    ],
  });
});
afterAll(async () => {
  await pipeline.close();
  await rm(directory, { recursive: true, force: true });
});

const still = (size: string): readonly string[] => [
  ...['-f', 'lavfi', '-i', `color=0xD06020:s=${size}:r=10:d=3,format=gbrp`],
];
const x264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-qp', '12', '-g', '10'] as const;
const matrix = (name: string, range = 'tv'): readonly string[] => [
  '-vf',
  `scale=out_color_matrix=${name}:out_range=${range},format=${range === 'pc' ? 'yuvj420p' : 'yuv420p'},setparams=colorspace=unknown:color_primaries=unknown:color_trc=unknown`,
];
const tags = (name: string): readonly string[] => [
  ...['-colorspace', name, '-color_primaries', name, '-color_trc', name],
];

/** The mean colour of the middle of a frame, as red, green and blue, read as its tags say. */
function readColour(path: string): readonly number[] {
  const { stdout, stderr } = spawnSync(requireFfmpeg(), [
    ...['-v', 'error', '-i', path, '-frames:v', '1', '-vf', 'crop=48:48,scale=1:1:flags=area,format=rgb24'],
    ...['-f', 'rawvideo', '-'],
  ]);
  if (stdout.length < 3) throw new Error(stderr.toString());
  return [...stdout.subarray(0, 3)];
}

const expectOrange = (found: readonly number[], where: string): void => {
  const far = found.some((value, i) => Math.abs(value - (ORANGE[i] ?? 0)) > TOLERANCE);
  expect(far ? `${where}: ${found.join(' ')}` : '').toBe('');
};

async function writeImage(presentation: Presentation, name: string): Promise<string> {
  const target = join(directory, name);
  await writeFile(target, (await presentation.file(name))?.body ?? Buffer.alloc(0));
  return target;
}

const isVideo = (one: { readonly kind: string }): one is VideoRendition => one.kind === 'video';

/** Uploads, converts, makes the images, and returns the presentation's renditions and the paths of joined files. */
async function process(path: string) {
  const video = await pipeline.upload(path);
  const row = await pipeline.untilProcessed(video);
  expect([row.state, row.error_detail]).toEqual(['ready', null]);
  await makeExtras({ ...pipeline.workerOptions, onRecord: () => undefined }, row);
  const { revision } = await pipeline.find(video);
  return pipeline.present(video, revision, async presentation => {
    const renditions = presentation.renditions.filter(isVideo);
    const files = await Promise.all(
      renditions.map(async ({ id }) => ({
        id,
        path: await joinSegments(presentation, id, directory),
      })),
    );
    const images = [
      { id: 'poster', path: await writeImage(presentation, 'poster.jpg') },
      { id: 'storyboard', path: await writeImage(presentation, 'storyboard.jpg') },
    ];
    const multivariant = (await presentation.file('multivariant.m3u8'))?.body.toString() ?? '';
    const manifest = (await presentation.file('manifest.mpd'))?.body.toString() ?? '';
    return { renditions, files, images, multivariant, manifest };
  });
}

const BT_709 = { primaries: 1, transfer: 1, matrix: 1 };

describe('the colours of a source', () => {
  it.each([
    ['HD, tagged BT.709', 'hd.mp4', [...still('1280x720'), ...matrix('bt709'), ...tags('bt709'), ...x264]],
    [
      'HD without tags, which players take for BT.709',
      'hd-bare.mp4',
      [...still('1280x720'), ...matrix('bt709'), ...x264],
    ],
    [
      'HD, tagged BT.601',
      'hd-601.mp4',
      [...still('1280x720'), ...matrix('bt601'), ...tags('smpte170m'), ...x264],
    ],
    [
      'SD without tags, which players take for BT.601',
      'sd-bare.mp4',
      [...still('720x576'), ...matrix('bt601'), ...x264],
    ],
    ['SD, tagged BT.709', 'sd-709.mkv', [...still('720x576'), ...matrix('bt709'), ...tags('bt709'), ...x264]],
    ['full range', 'full.mp4', [...still('1280x720'), ...matrix('bt709', 'pc'), ...tags('bt709'), ...x264]],
    ['RGB', 'rgb.mov', [...still('1280x720'), '-c:v', 'png', '-pix_fmt', 'rgb24']],
    [
      'MPEG-2 in a transport stream',
      'sd.ts',
      [...still('720x576'), ...matrix('bt601'), '-c:v', 'mpeg2video', '-q:v', '2'],
    ],
  ])('%s stay the same in every rendition and image', async (_what, name, args) => {
    const { renditions, files, images } = await process(makeVideoSync(`colours-${name}`, args));
    const encoded = renditions.filter(({ id }) => !id.startsWith('source'));
    expect(encoded.length).toBeGreaterThan(0);
    for (const { colour } of encoded) expect(colour).toEqual(BT_709);
    for (const { id, path } of [...files.filter(file => !file.id.startsWith('source')), ...images]) {
      expectOrange(readColour(path), id);
    }
  });
});

describe('a source without timestamps, or with very few frames', () => {
  const picture = ['-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=10:d=3', '-pix_fmt', 'yuv420p'] as const;
  const short = [
    '-f',
    'lavfi',
    '-i',
    'testsrc2=s=160x120:r=25',
    '-frames:v',
    '3',
    '-pix_fmt',
    'yuv420p',
  ] as const;
  it.each([
    ['bare.h264', [...picture, '-c:v', 'libx264', '-preset', 'ultrafast']],
    ['bare.hevc', [...picture, '-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none']],
    ['bare.m2v', [...picture, '-r', '25', '-c:v', 'mpeg2video']],
    ['short.ts', [...short, '-c:v', 'libx264', '-preset', 'ultrafast']],
    ['short.mp4', [...short, '-c:v', 'libx264', '-preset', 'ultrafast']],
  ])('gets a poster and a storyboard (%s)', async (name, args) => {
    const { images } = await process(makeVideoSync(name, args));
    for (const { path } of images) expect(readColour(path)).toHaveLength(3);
  });
});

describe('HDR', () => {
  const hdr = (transfer: string): readonly string[] => [
    ...['-f', 'lavfi', '-i', 'testsrc2=s=640x360:r=10:d=3,format=yuv420p10le'],
    ...['-color_trc', transfer, '-color_primaries', 'bt2020', '-colorspace', 'bt2020nc'],
  ];
  const x265 = (transfer: string): readonly string[] => [
    ...['-c:v', 'libx265', '-preset', 'ultrafast', '-tag:v', 'hvc1', '-g', '10', '-x265-params'],
    `log-level=none:colorprim=bt2020:transfer=${transfer}:colormatrix=bt2020nc`,
  ];
  const vp9 = ['-c:v', 'libvpx-vp9', '-profile:v', '2', '-deadline', 'realtime', '-cpu-used', '8'] as const;

  it.each([
    ['PQ', 'HEVC in MP4', 'libx265', 16, [...hdr('smpte2084'), ...x265('smpte2084')], 'mp4'],
    ['HLG', 'HEVC in Matroska', 'libx265', 18, [...hdr('arib-std-b67'), ...x265('arib-std-b67')], 'mkv'],
    ['PQ', 'VP9, declared by WebM only', 'libvpx-vp9', 16, [...hdr('smpte2084'), ...vp9], 'webm'],
    ['HLG', 'VP9 in MP4', 'libvpx-vp9', 18, [...hdr('arib-std-b67'), ...vp9], 'mp4'],
  ] as const)(
    'as %s (%s) is declared in playlist and manifest, next to SDR',
    async (range, what, encoder, transfer, args, extension) => {
      if (!hasEncoder(encoder)) throw new Error(`this test needs ${encoder}`);
      const path = makeVideoSync(`hdr-${what.replaceAll(/\W+/g, '-')}.${extension}`, args);
      const { renditions, multivariant, manifest } = await process(path);
      const [source, ...encoded] = renditions;
      expect(source?.colour).toEqual({ primaries: 9, transfer, matrix: 9 });
      expect(encoded.map(videoRangeOf)).toEqual(encoded.map(() => 'SDR'));
      expect(encoded.length).toBeGreaterThan(0);
      const ranges = [...multivariant.matchAll(/#EXT-X-STREAM-INF:.*VIDEO-RANGE=(\w+).*\n([^\s#]+?)\//g)].map(
        ([, one, id]) => [id, one],
      );
      expect(Object.fromEntries(ranges)).toEqual({
        'source-video': range,
        ...Object.fromEntries(encoded.map(({ id }) => [id, 'SDR'])),
      });
      const sets = manifest.split('<AdaptationSet').filter(set => set.includes('contentType="video"'));
      const essential = `<EssentialProperty schemeIdUri="urn:mpeg:mpegB:cicp:TransferCharacteristics" value="${transfer}"/>`;
      expect(sets.map(set => [set.includes('source-video'), set.includes(essential)])).toEqual([
        [true, true],
        [false, false],
      ]);
      if (/^vp09/.test(source?.codec ?? ''))
        expect(source?.codec).toMatch(new RegExp(`\\.09\\.${transfer}\\.09\\.00$`));
    },
  );
});
