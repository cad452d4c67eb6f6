/** A site's conversions with the real parts: database, storage, ffmpeg. What comes out is looked at as it is served. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MediaPipeline, openMediaPipeline } from '../../../../test/media/media-pipeline.ts';
import { makeVideoSync } from '../../../../test/media/video-cache.ts';
import { findFfmpeg } from '../../../kernel/ffmpeg.ts';
import type { Rendition } from '../../../protocol/media/media.ts';
import type { VideoRow } from '../../database/tables/schema.ts';
import type { Presentation } from '../cut/cut.ts';

const videoInput = (seconds: number, size: string, rate = 10): readonly string[] => [
  ...['-f', 'lavfi', '-i', `testsrc2=s=${size}:r=${rate}:d=${seconds}`],
];
const audioInput = (seconds: number, layout = 'mono'): readonly string[] => [
  ...[
    '-f',
    'lavfi',
    '-i',
    `sine=440:r=44100:d=${seconds}`,
    '-ac',
    layout === '5.1' ? '6' : layout === 'stereo' ? '2' : '1',
  ],
];
const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'] as const;
const mpeg4 = ['-c:v', 'mpeg4', '-q:v', '8'] as const;

let pipeline: MediaPipeline;
beforeAll(async () => {
  pipeline = await openMediaPipeline({ oneByOne: true });
});
afterAll(() => pipeline.close());

const present = <T>(row: VideoRow, use: (presentation: Presentation) => Promise<T>): Promise<T> =>
  pipeline.present(row.id as never, row.revision, use);

/** Times of a rendition's frames in seconds, and the decoder's errors. */
async function decode(presentation: Presentation, { id }: Rendition) {
  const directory = await mkdtemp(join(tmpdir(), 'tributary-decode-'));
  try {
    const pieces = [await presentation.file(`${id}/init.mp4`)];
    for (let n = 0; ; n++) {
      const piece = await presentation.file(`${id}/${n}.m4s`);
      if (!piece) break;
      pieces.push(piece);
    }
    const path = join(directory, 'all.mp4');
    await writeFile(path, Buffer.concat(pieces.map(piece => piece?.body ?? Buffer.alloc(0))));
    const { stdout, stderr } = spawnSync(
      findFfmpeg(process.env) ?? 'ffmpeg',
      ['-v', 'warning', '-i', path, '-f', 'framemd5', '-'],
      { encoding: 'utf8', maxBuffer: 2 ** 28 },
    );
    const [, tick = 1] = /#tb 0: 1\/(\d+)/.exec(stdout)?.map(Number) ?? [];
    const frames = stdout
      .split('\n')
      .filter(line => /^0,/.test(line))
      .map(line => line.split(',').map(Number))
      .map(([, , pts = 0, duration = 0]) => ({ at: pts / tick, end: (pts + duration) / tick }));
    return { frames, errors: stderr.trim(), end: frames.at(-1)?.end ?? 0 };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

describe('a source that no browser can play', () => {
  it('is published while its first rendition grows, and then gets the rest of the ladder', async () => {
    const source = makeVideoSync('mpeg4-36.avi', [
      ...videoInput(36, '320x240'),
      ...audioInput(36),
      ...mpeg4,
      ...['-g', '60', '-c:a', 'mp2'],
    ]);
    const video = await pipeline.upload(source);
    const ready = await pipeline.untilProcessed(video);
    expect(ready.state).toBe('ready');
    const revisions = await pipeline.db
      .selectFrom('revisions')
      .select('id')
      .where('video_id', '=', video)
      .orderBy('id')
      .execute();
    expect(revisions).toHaveLength(2);
    // Viewers who have started the first revision can still play it.
    await pipeline.present(video, revisions[0]?.id ?? null, async old => {
      expect(old.timeline.durationMs).toBe(32_000);
      expect(await old.file('h264-240/7.m4s')).toBeDefined();
      expect(await old.file('h264-240/8.m4s')).toBeUndefined();
    });
    await present(ready, async whole => {
      expect(whole.renditions.map(({ id }) => id)).toEqual(['h264-240', 'aac-audio']);
      const [video, audio] = whole.renditions;
      const decodedVideo = await decode(whole, video!);
      expect(decodedVideo.errors).toBe('');
      expect(decodedVideo.frames).toHaveLength(360);
      expect(decodedVideo.frames.every(({ at }, i) => Math.abs(at - i / 10) < 0.001)).toBe(true);
      const decodedAudio = await decode(whole, audio!);
      expect(decodedAudio.errors).toBe('');
      // Joined without a gap: each frame of 1,024 samples follows the one before it.
      expect(
        decodedAudio.frames.every(
          ({ at }, i) => i === 0 || Math.abs(at - decodedAudio.frames[i - 1]!.end) < 1e-6,
        ),
      ).toBe(true);
      expect(decodedAudio.end).toBeCloseTo(36, 0);
    });
  });

  it.each<[string, () => string, readonly string[], Partial<VideoRow> | undefined]>([
    [
      'interlaced MPEG-2 in a program stream',
      () =>
        makeVideoSync('interlaced.mpg', [
          ...videoInput(6, '720x576', 25),
          ...audioInput(6),
          '-vf',
          'interlace,setsar=16/15',
          '-flags',
          '+ildct+ilme',
          '-c:v',
          'mpeg2video',
          '-q:v',
          '9',
          '-c:a',
          'mp2',
        ]),
      ['h264-576 768x576', 'h264-360 480x360', 'aac-audio 1'],
      undefined,
    ],
    [
      'MPEG-2 in a transport stream',
      () =>
        makeVideoSync('mpeg2.ts', [
          ...videoInput(6, '640x360', 25),
          ...audioInput(6),
          '-c:v',
          'mpeg2video',
          '-q:v',
          '9',
          '-c:a',
          'mp2',
        ]),
      ['h264-360 640x360', 'aac-audio 1'],
      undefined,
    ],
    [
      'WMV',
      () =>
        makeVideoSync('video.wmv', [
          ...videoInput(6, '321x241'),
          ...audioInput(6),
          '-c:v',
          'wmv2',
          '-q:v',
          '9',
          '-c:a',
          'wmav2',
        ]),
      ['h264-240 320x240', 'aac-audio 1'],
      undefined,
    ],
    [
      'FLV with MP3',
      () =>
        makeVideoSync('video.flv', [
          ...videoInput(6, '320x240'),
          ...audioInput(6),
          '-c:v',
          'flv',
          '-q:v',
          '9',
          '-c:a',
          'mp3',
          '-ar',
          '44100',
        ]),
      ['h264-240 320x240', 'aac-audio 1'],
      undefined,
    ],
    [
      '10-bit 4:2:2 H.264 with six channels',
      () =>
        makeVideoSync('professional.mov', [
          ...videoInput(6, '640x360'),
          ...audioInput(6, '5.1'),
          '-c:v',
          'libx264',
          '-preset',
          'ultrafast',
          '-pix_fmt',
          'yuv422p10le',
          '-c:a',
          'ac3',
        ]),
      ['h264-360 640x360', 'aac-audio 2'],
      undefined,
    ],
    [
      'HDR in ten bits',
      () =>
        makeVideoSync('hdr.mkv', [
          ...videoInput(4, '640x360'),
          '-c:v',
          'libx265',
          '-preset',
          'ultrafast',
          '-x265-params',
          'log-level=error:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc',
          '-pix_fmt',
          'yuv420p10le',
          '-color_trc',
          'smpte2084',
          '-color_primaries',
          'bt2020',
          '-colorspace',
          'bt2020nc',
        ]),
      ['source-video 640x360', 'h264-360 640x360'],
      undefined,
    ],
    [
      'audio only (MP3)',
      () => makeVideoSync('sound.mp3', [...audioInput(6), '-c:a', 'mp3']),
      ['aac-audio 1'],
      undefined,
    ],
    [
      'audio only (WAV)',
      () => makeVideoSync('sound.wav', [...audioInput(6, 'stereo')]),
      ['aac-audio 2'],
      undefined,
    ],
    [
      'video only (Theora)',
      () => makeVideoSync('silent.ogv', [...videoInput(6, '320x240'), '-c:v', 'libtheora', '-q:v', '4']),
      ['h264-240 320x240'],
      undefined,
    ],
    [
      'lossless upright video',
      () =>
        makeVideoSync('upright.avi', [...videoInput(2, '241x427'), '-c:v', 'ffv1', '-pix_fmt', 'yuv420p']),
      ['h264-240 240x426'],
      undefined,
    ],
    [
      'key frames two minutes apart',
      () =>
        makeVideoSync('sparse.mp4', [
          ...videoInput(130, '160x120', 5),
          ...h264,
          '-g',
          '9999',
          '-sc_threshold',
          '0',
        ]),
      ['h264-120 160x120'],
      undefined,
    ],
  ])('%s', async (_what, make, expected) => {
    const video = await pipeline.upload(make());
    const ready = await pipeline.untilProcessed(video);
    expect([ready.state, ready.error_detail]).toEqual(['ready', null]);
    await present(ready, async presentation => {
      expect(
        presentation.renditions.map(rendition =>
          rendition.kind === 'video'
            ? `${rendition.id} ${rendition.width}x${rendition.height}`
            : `${rendition.id} ${rendition.kind === 'audio' ? rendition.channels : ''}`,
        ),
      ).toEqual(expected);
      for (const rendition of presentation.renditions) {
        if (rendition.id.startsWith('source')) continue;
        const { errors, end, frames } = await decode(presentation, rendition);
        expect(errors).toBe('');
        expect(frames.length).toBeGreaterThan(5);
        expect(Math.abs(end - presentation.timeline.durationMs / 1_000)).toBeLessThan(0.3);
      }
    });
  });
});

describe('frames in a container that no browser plays', () => {
  it.each<[string, () => string, readonly string[]]>([
    [
      'a transport stream',
      () =>
        makeVideoSync('copy.ts', [
          ...videoInput(9, '320x240', 25),
          ...audioInput(9),
          ...h264,
          '-g',
          '50',
          '-bf',
          '2',
          '-c:a',
          'aac',
        ]),
      ['source-video', 'source-audio'],
    ],
    [
      'FLV',
      () =>
        makeVideoSync('copy.flv', [
          ...videoInput(9, '320x240', 25),
          ...audioInput(9),
          ...h264,
          '-g',
          '50',
          '-c:a',
          'aac',
        ]),
      ['source-video', 'source-audio'],
    ],
    [
      'H.264 with AC-3 audio',
      () =>
        makeVideoSync('ac3.mkv', [
          ...videoInput(9, '320x240', 25),
          ...audioInput(9),
          ...h264,
          '-g',
          '50',
          '-c:a',
          'ac3',
        ]),
      ['source-video', 'source-audio'],
    ],
    ['AAC only', () => makeVideoSync('bare.aac', [...audioInput(9), '-c:a', 'aac']), ['source-audio']],
  ])('of %s are copied instead of encoded', async (_what, make, expected) => {
    const video = await pipeline.upload(make());
    const ready = await pipeline.untilProcessed(video);
    expect([ready.state, ready.error_detail]).toEqual(['ready', null]);
    expect((await pipeline.jobs(video)).map(({ kind }) => kind)).toContain('remux');
    await present(ready, async presentation => {
      expect(presentation.renditions.map(({ id }) => id).filter(id => id.startsWith('source'))).toEqual(
        expected,
      );
      expect(presentation.timeline.durationMs).toBeGreaterThan(8_900);
    });
  });
});

describe('a published source', () => {
  it('gets smaller renditions whose segments start where its own do', async () => {
    const source = makeVideoSync('uneven.mp4', [
      ...videoInput(50, '640x400', 25),
      ...audioInput(50),
      ...['-vf', "select='lt(mod(n,50),30)'", '-fps_mode', 'vfr', ...h264, '-bf', '2'],
      ...['-force_key_frames', '3.1,7.7,11,16.3,19.9,30,33.3,37,41.5,46', '-g', '999', '-c:a', 'aac'],
    ]);
    const video = await pipeline.upload(source);
    const ready = await pipeline.untilProcessed(video);
    await present(ready, async presentation => {
      expect(presentation.renditions.map(({ id }) => id)).toEqual([
        'source-video',
        'source-audio',
        'h264-360',
      ]);
      const { renditions } = presentation.timeline;
      const starts = (id: string): readonly number[] => {
        const { runs = [], timescale = 1 } = renditions[id] ?? {};
        let at = 0;
        return runs.flatMap(([ticks, count]) =>
          Array.from({ length: count }, () => {
            const start = at / timescale;
            at += ticks;
            return start;
          }),
        );
      };
      const own = starts('source-video');
      const encoded = starts('h264-360');
      expect(own.length).toBeGreaterThan(8);
      expect(encoded).toHaveLength(own.length);
      for (const [i, start] of own.entries()) expect(Math.abs(start - encoded[i]!)).toBeLessThan(0.001);
      const { errors, frames } = await decode(presentation, presentation.renditions[2]!);
      expect(errors).toBe('');
      const original = await decode(presentation, presentation.renditions[0]!);
      expect(frames).toHaveLength(original.frames.length);
      for (const [i, { at }] of frames.entries())
        expect(Math.abs(at - original.frames[i]!.at)).toBeLessThan(0.001);
    });
  });
});
