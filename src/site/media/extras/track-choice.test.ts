/** Of several tracks, the same one is the source, the ladder and the poster; tracks that cannot be decoded do not spoil the others. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MediaPipeline, openMediaPipeline } from '../../../../test/media/media-pipeline.ts';
import { makeVideo, requireFfmpeg } from '../../../../test/media/video-cache.ts';
import { makeTemporaryDirectory, removeDirectory } from '../../../../test/support/temporary-directory.ts';
import type { VideoId } from '../../../protocol/base/ids.ts';
import { parsePrepared } from '../record/record.ts';
import { makeExtras } from './make-extras.ts';

const colour = (name: string, size: string) => ['-f', 'lavfi', '-i', `color=${name}:s=${size}:r=10:d=3`];
const tone = ['-f', 'lavfi', '-i', 'sine=d=3:r=48000'];
const H264 = ['libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-threads', '1'];
const isDefault = (first: boolean, second: boolean) =>
  [first, second].flatMap((on, i) => [`-disposition:v:${i}`, on ? 'default' : '0']);
/** A small blue track, then the large red one that is meant. */
const blueAndRed = [
  ...colour('blue', '160x120'),
  ...colour('red', '320x240'),
  ...tone,
  ...['-map', '0:v', '-map', '1:v', '-map', '2:a'],
];
const videos = ['-c:v', ...H264, '-g', '10'];

let pipeline: MediaPipeline;
let directory: string;
beforeAll(async () => {
  directory = await makeTemporaryDirectory('tracks');
  pipeline = await openMediaPipeline({ ladder: [{ codec: 'h264', lines: 120, kbps: 200 }] });
});
afterAll(async () => {
  await pipeline.close();
  await removeDirectory(directory);
});

/** The mean colour of the first frame, as `red` or `blue`. */
async function colourOf(path: string): Promise<string> {
  const { stdout } = await promisify(execFile)(
    requireFfmpeg(),
    [
      '-v',
      'error',
      '-i',
      path,
      '-frames:v',
      '1',
      '-vf',
      'scale=1:1',
      '-f',
      'rawvideo',
      '-pix_fmt',
      'rgb24',
      '-',
    ],
    { encoding: 'buffer' },
  );
  const [red = 0, , blue = 0] = stdout;
  return red > 200 && blue < 60 ? 'red' : blue > 200 && red < 60 ? 'blue' : `red ${red}, blue ${blue}`;
}

async function publish(path: string): Promise<VideoId> {
  const video = await pipeline.upload(path);
  const row = await pipeline.untilProcessed(video);
  expect([row.state, row.error_detail]).toEqual(['ready', null]);
  expect((await pipeline.jobs(video)).map(({ state }) => state)).not.toContain('set-aside');
  return video;
}

const preparedOf = async (video: VideoId) => parsePrepared(await pipeline.find(video));

/** The colours of every video rendition, and of the poster if it is wanted. */
async function coloursOf(video: VideoId, withPoster = true): Promise<Readonly<Record<string, string>>> {
  const row = await pipeline.find(video);
  const colours: Record<string, string> = {};
  await pipeline.present(video, row.revision, async presentation => {
    for (const { id, kind } of presentation.renditions) {
      if (kind !== 'video') continue;
      const path = join(directory, `${video}-${id}.mp4`);
      const files = [await presentation.file(`${id}/init.mp4`), await presentation.file(`${id}/0.m4s`)];
      await writeFile(path, Buffer.concat(files.map(file => Buffer.from(file?.body ?? ''))));
      colours[id] = await colourOf(path);
    }
  });
  if (!withPoster) return colours;
  await makeExtras(pipeline.workerOptions, row);
  colours.poster = await colourOf(join(pipeline.storage.directory(video), 'pictures', 'poster.jpg'));
  return colours;
}

describe('of two video tracks', () => {
  const unchanged = { 'source-video': 'red', 'h264-120': 'red' };
  const withPoster = { ...unchanged, poster: 'red' };

  it.each([
    [
      'the enabled one, not the disabled one before it',
      {
        extension: 'mov',
        args: [
          ...blueAndRed,
          ...isDefault(false, true),
          '-c:v:0',
          'mjpeg',
          '-pix_fmt:v:0',
          'yuvj420p',
          '-c:v:1',
          ...H264,
          '-c:a',
          'aac',
        ],
      },
      withPoster,
    ],
    [
      'the default one in Matroska',
      { extension: 'mkv', args: [...blueAndRed, ...isDefault(false, true), ...videos, '-c:a', 'aac'] },
      unchanged,
    ],
    [
      'the largest of two defaults in MP4',
      { extension: 'mp4', args: [...blueAndRed, ...isDefault(true, true), ...videos, '-c:a', 'aac'] },
      unchanged,
    ],
    [
      'the largest in a transport stream',
      { extension: 'ts', args: [...blueAndRed, ...videos, '-c:a', 'aac'] },
      unchanged,
    ],
    [
      'the largest next to PCM',
      { extension: 'mov', args: [...blueAndRed, ...isDefault(true, true), ...videos, '-c:a', 'pcm_s16le'] },
      unchanged,
    ],
    [
      'the largest in AVI',
      { extension: 'avi', args: [...blueAndRed, '-c:v', 'mpeg4', '-c:a', 'libmp3lame'] },
      { 'h264-120': 'red', poster: 'red' },
    ],
    [
      'the largest without audio',
      { extension: 'mkv', args: [...blueAndRed.slice(0, -2), ...isDefault(false, false), ...videos] },
      unchanged,
    ],
  ] as const)('%s is shown', async (_, recipe, expected) => {
    const colours = await coloursOf(await publish(await makeVideo(recipe)), 'poster' in expected);
    expect(colours).toEqual(expected);
  });
});

/** A bitmap subtitle (PGS) as the bytes of a `.sup` file. */
const PGS = (() => {
  const segment = (ms: number, type: number, hex: string): string => {
    const body = hex.replaceAll(' ', '');
    const head = `5047${(ms * 90).toString(16).padStart(8, '0')}00000000${type.toString(16)}`;
    return head + (body.length / 2).toString(16).padStart(4, '0') + body;
  };
  const window = '01 00 0010 0010 0008 0002';
  const shown =
    segment(500, 0x16, '0140 00f0 10 0000 80 00 00 01 0000 00 00 0010 0010') +
    segment(500, 0x17, window) +
    segment(500, 0x14, '00 00 01 eb 80 80 ff') +
    segment(500, 0x15, '0000 00 c0 00000e 0008 0002 008801 0000 008801 0000') +
    segment(500, 0x80, '');
  const hidden = segment(1_500, 0x16, '0140 00f0 10 0001 00 00 00 00') + segment(1_500, 0x17, window);
  return `data:application/octet-stream;base64,${Buffer.from(shown + hidden + segment(1_500, 0x80, ''), 'hex').toString('base64')}`;
})();
const withBitmaps = [...colour('red', '320x240'), ...tone, '-f', 'sup', '-i', PGS];
const allMapped = ['-map', '0', '-map', '1', '-map', '2'];
const cover = (codec: string) => [
  ...tone,
  ...['-f', 'lavfi', '-i', 'color=red:s=64x64:d=0.1', '-map', '0', '-map', '1', '-frames:v', '1'],
  ...['-c:v', codec, '-disposition:v', 'attached_pic', '-c:a', 'libmp3lame'],
];

describe('a stream that may not be decoded does not spoil the others', () => {
  it.each([
    [
      'PGS and AC-3 in Matroska',
      { extension: 'mkv', args: [...withBitmaps, ...allMapped, ...videos, '-c:a', 'ac3', '-c:s', 'copy'] },
    ],
    [
      'PGS and AAC in Matroska',
      { extension: 'mkv', args: [...withBitmaps, ...allMapped, ...videos, '-c:a', 'aac', '-c:s', 'copy'] },
    ],
    [
      'DVD subtitles in a program stream',
      {
        extension: 'vob',
        args: [...withBitmaps, ...allMapped, '-c:v', 'mpeg2video', '-c:a', 'ac3', '-c:s', 'dvdsub'],
      },
    ],
    [
      'DVB subtitles in a transport stream',
      { extension: 'ts', args: [...withBitmaps, ...allMapped, ...videos, '-c:a', 'aac', '-c:s', 'dvbsub'] },
    ],
  ] as const)('%s', async (name, recipe) => {
    // The poster takes seconds, so two of these suffice.
    const withPoster = name.includes('AAC');
    const colours = await coloursOf(await publish(await makeVideo(recipe)), withPoster);
    expect(colours).toMatchObject({ 'h264-120': 'red', ...(withPoster ? { poster: 'red' } : {}) });
  });

  it.each(['gif', 'tiff'])('a cover in %s', async codec => {
    const video = await publish(await makeVideo({ extension: 'mp3', args: cover(codec) }));
    expect((await preparedOf(video))?.renditions.map(({ id }) => id)).toEqual(['aac-audio']);
  });

  it('closed captions in MP4', async () => {
    const srt = `data:application/octet-stream;base64,${Buffer.from('1\n00:00:00,000 --> 00:00:02,000\nhello\n').toString('base64')}`;
    const made = await makeVideo({
      extension: 'mp4',
      args: [
        ...colour('red', '320x240'),
        ...tone,
        '-f',
        'srt',
        '-i',
        srt,
        ...allMapped,
        ...videos,
        '-c:a',
        'aac',
        '-c:s',
        'mov_text',
      ],
    });
    const path = join(directory, 'c608.mp4');
    const bytes = (await readFile(made)).toString('latin1').replace('tx3g', 'c608').replace('sbtl', 'clcp');
    await writeFile(path, bytes, 'latin1');
    expect(await coloursOf(await publish(path))).toMatchObject({ 'h264-120': 'red', poster: 'red' });
  });

  it('an audio track that nothing can decode is left out, with a note', async () => {
    const made = await makeVideo({
      extension: 'mp4',
      args: [
        ...[...colour('red', '320x240'), ...tone, ...tone, ...allMapped],
        ...[
          '-c:v',
          'libx265',
          '-preset',
          'ultrafast',
          '-x265-params',
          'log-level=none:pools=1:open-gop=0',
          '-tag:v',
          'hvc1',
          '-c:a',
          'aac',
        ],
      ],
    });
    const bytes = await readFile(made);
    const at = bytes.lastIndexOf('mp4a');
    bytes.write('apac', at);
    bytes.write('dapa', bytes.indexOf('esds', at));
    const path = join(directory, 'apac.mp4');
    await writeFile(path, bytes);
    const { renditions, notes } = (await preparedOf(await publish(path))) ?? {};
    expect(renditions?.map(({ id }) => id)).toEqual(['source-video', 'source-audio', 'h264-120']);
    expect(notes?.join()).toMatch(/^A further audio track was left out: it is Apple spatial audio/);
  });

  it('a video in a codec that is not decoded is refused by its name, whatever its container is', async () => {
    for (const extension of ['avi', 'mkv', 'mov']) {
      const path = await makeVideo({
        extension,
        args: [
          ...colour('red', '64x64'),
          ...tone,
          '-c:v',
          'magicyuv',
          '-c:a',
          'pcm_s16le',
          ...(extension === 'mov' ? ['-strict', '-2'] : []),
        ],
      }).catch(() => undefined);
      if (!path) continue;
      const row = await pipeline.untilProcessed(await pipeline.upload(path));
      expect([row.state, row.error_code]).toEqual(['failed', 'codec-unsupported']);
      expect(row.error_detail).toMatch(/convert/i);
    }
  });
});

describe('audio tracks', () => {
  const two = [...colour('red', '320x240'), ...tone, ...tone, ...allMapped];
  const titles = [
    '-metadata:s:a:0',
    'title=Commentary',
    '-metadata:s:a:1',
    'title=Main',
    '-metadata:s:a:1',
    'language=fra',
  ];
  const secondIsDefault = ['-disposition:a:0', '0', '-disposition:a:1', 'default'];

  it.each([
    ['unchanged in Matroska', 'mkv', [...videos, '-c:a', 'aac']],
    ['unchanged in MP4', 'mp4', [...videos, '-c:a', 'aac']],
    ['copied with encoded audio', 'mkv', [...videos, '-c:a', 'ac3']],
    ['encoded', 'mkv', ['-c:v', 'mpeg4', '-c:a', 'ac3']],
  ] as const)('keep their names, and the default one comes first: %s', async (_, extension, codecs) => {
    const video = await publish(
      await makeVideo({ extension, args: [...two, ...titles, ...secondIsDefault, ...codecs] }),
    );
    const audio = (await preparedOf(video))?.renditions.filter(({ kind }) => kind === 'audio');
    expect(audio).toMatchObject([{ name: 'Main', language: 'fr' }, { name: 'Commentary' }]);
  });

  it('beyond the limit are left out with a note', async () => {
    const args = [
      '-f',
      'lavfi',
      '-i',
      'sine=d=1:r=8000',
      ...Array.from({ length: 40 }, () => ['-map', '0']).flat(),
    ];
    const unchanged = await preparedOf(
      await publish(await makeVideo({ extension: 'mkv', args: [...args, '-c:a', 'aac'] })),
    );
    expect(unchanged?.renditions).toHaveLength(31);
    expect(unchanged?.notes).toHaveLength(9);
    const converted = await preparedOf(
      await publish(await makeVideo({ extension: 'mkv', args: [...args, '-c:a', 'ac3', '-ar', '32000'] })),
    );
    expect(converted?.renditions).toHaveLength(16);
    expect(converted?.notes).toHaveLength(24);
  });
});
