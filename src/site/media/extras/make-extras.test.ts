import { spawnSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { hasEncoder, makeVideo, requireFfmpeg } from '../../../../test/media/video-cache.ts';
import { createLog } from '../../../kernel/log.ts';
import { openDatabase } from '../../../kernel/sql/sql.ts';
import { newRevisionId, newVideoId, type RevisionId, type VideoId } from '../../../protocol/base/ids.ts';
import type { VideoDetails } from '../../../protocol/publication/details.ts';
import { recordSchema } from '../../../protocol/publication/record.ts';
import { changeExtras, listWithoutExtras } from '../../database/extras.ts';
import { changeVideo } from '../../database/publication/records.ts';
import { insertRevision, locateRevision } from '../../database/revisions.ts';
import { detailsColumns } from '../../database/tables/details.ts';
import { type SiteSchema, siteMigrations } from '../../database/tables/schema.ts';
import { findVideo, insertVideo, markChecking, type SiteDatabase } from '../../database/tables/videos.ts';
import { Presentation } from '../cut/cut.ts';
import { findMediaTools } from '../ffmpeg/ffmpeg.ts';
import { prepareSource } from '../index/source-index.ts';
import { makeRecord } from '../record/record.ts';
import { createStorage, type Storage } from '../storage/storage.ts';
import { addCaptions, writeCaptions } from './captions/tracks.ts';
import { fitInto } from './images.ts';
import { type ExtrasDeps, makeExtras } from './make-extras.ts';
import { startExtras } from './start-extras.ts';

const H264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-threads', '1', '-pix_fmt', 'yuv420p'];

let directory: string;
let db: SiteDatabase;
let storage: Storage;
let deps: ExtrasDeps;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-extras-'));
  db = await openDatabase<SiteSchema>(join(directory, 'site.sqlite'), siteMigrations);
  storage = createStorage(directory);
  deps = {
    db,
    storage,
    sourceAddress: '192.0.2.1:80',
    tools: (await findMediaTools())!,
    onRecord: () => undefined,
    log: createLog('site', 'silent'),
  };
  requireFfmpeg();
});
afterEach(async () => {
  await db.destroy();
  await rm(directory, { recursive: true, force: true });
});

/** Ten black seconds, then ten with detail; two audio tracks with a language each; captions inside. */
async function makeSubtitledVideo(): Promise<string> {
  const srt = join(directory, 'inside.srt');
  await writeFile(
    srt,
    '1\n00:00:01,000 --> 00:00:03,000\n<b>First</b> words\n\n2\n00:00:15,000 --> 00:00:17,000\nLast words\n',
  );
  const path = join(directory, 'video.mkv');
  await copyFile(
    await makeVideo({
      extension: 'mkv',
      args: [
        ...[
          '-f',
          'lavfi',
          '-i',
          'color=black:s=320x180:r=10:d=10',
          '-f',
          'lavfi',
          '-i',
          'testsrc2=s=320x180:r=10:d=10',
        ],
        ...[
          '-f',
          'lavfi',
          '-i',
          'sine=d=20',
          '-f',
          'lavfi',
          '-i',
          'sine=f=880:d=20',
          '-i',
          await copyToFixedPath(srt),
        ],
        ...[
          '-filter_complex',
          '[0:v][1:v]concat=n=2[v]',
          '-map',
          '[v]',
          '-map',
          '2',
          '-map',
          '3',
          '-map',
          '4',
        ],
        ...[...H264, '-g', '10', '-c:a', 'aac', '-c:s', 'srt'],
        ...[
          '-metadata:s:a:0',
          'language=chi',
          '-metadata:s:a:1',
          'language=eng',
          '-metadata:s:a:1',
          'title=Commentary',
        ],
        ...['-metadata:s:s:0', 'language=fre', '-metadata:s:s:0', 'title=<b>Mots</b>'],
      ],
    }),
    path,
  );
  return path;
}
/** Test videos are cached by their arguments, so their inputs need a fixed path. */
async function copyToFixedPath(path: string): Promise<string> {
  const folder = join(tmpdir(), 'tributary-test-inputs');
  await mkdir(folder, { recursive: true });
  const fixed = join(folder, 'extras-inside.srt');
  await copyFile(path, fixed);
  return fixed;
}

async function publish(source: string): Promise<VideoId> {
  const id = newVideoId();
  await mkdir(storage.directory(id), { recursive: true });
  await copyFile(source, storage.source(id));
  const fresh = {
    id,
    name: 'A video',
    description: '',
    language: undefined,
    fileName: undefined,
    sizeBytes: 9,
  };
  await insertVideo(db, fresh);
  await markChecking(db, id, '0'.repeat(64));
  const prepared = await prepareSource(storage.source(id), storage.index(id));
  const revision = newRevisionId();
  await insertRevision(db, revision, id, [storage.indexName]);
  await changeVideo(db, id, {
    onlyFrom: ['checking'],
    changes: { state: 'ready', revision, prepared: JSON.stringify(prepared) },
    record: video => makeRecord(video, deps),
  });
  return id;
}

const current = async (id: VideoId): Promise<RevisionId> => (await findVideo(db, id))!.revision as RevisionId;
async function open(id: VideoId, revision: RevisionId): Promise<Presentation> {
  const found = await locateRevision(db, id, revision);
  if (typeof found !== 'object') throw new Error('no such revision');
  return Presentation.open({ directory: storage.directory(id), ...found });
}
async function readFiles(id: VideoId, revision: RevisionId, paths: readonly string[]) {
  const presentation = await open(id, revision);
  try {
    return await Promise.all(paths.map(async path => (await presentation.file(path))?.body));
  } finally {
    await presentation.close();
  }
}
const recordOf = async (id: VideoId) => {
  const { body } = await db
    .selectFrom('records')
    .select('body')
    .where('video_id', '=', id)
    .executeTakeFirstOrThrow();
  const record = recordSchema.parse({ ...JSON.parse(body), version: 1 });
  if (record.kind !== 'video') throw new Error('a tombstone');
  return record;
};

describe('extras', () => {
  it('take another poster at a chosen time, in a new revision; the earlier poster and the storyboard stay', async () => {
    const id = await publish(await makeSubtitledVideo());
    const work = async (): Promise<void> => {
      const [video] = await listWithoutExtras(db, 3, 1);
      await makeExtras(deps, video!);
    };
    await work();
    const paths = ['poster.jpg', 'storyboard.jpg'];
    const before = await current(id);
    const [automatic, board] = await readFiles(id, before, paths);
    const choose = async (details: VideoDetails): Promise<readonly (Buffer | undefined)[]> => {
      const changes = { ...detailsColumns(details), extras_made: 0 };
      await changeVideo(db, id, { onlyFrom: ['ready'], changes, record: row => makeRecord(row, deps) });
      await work();
      expect(await listWithoutExtras(db, 3, 1)).toEqual([]);
      return readFiles(id, await current(id), paths);
    };
    const [black, sameBoard] = await choose({ poster: { atMs: 2_000 } });
    expect(await current(id)).not.toBe(before);
    // The first ten seconds are black, which is tiny as JPEG.
    expect(black!.length).toBeLessThan(automatic!.length / 2);
    expect([sameBoard, await readFiles(id, before, paths)]).toEqual([board, [automatic, board]]);
    expect(await recordOf(id)).toMatchObject({ poster: { atMs: 2_000 }, revision: await current(id) });
    const [again] = await choose({});
    expect(again!.length).toBeGreaterThan(8_000);
    expect(await recordOf(id)).not.toHaveProperty('poster');
  });

  it('are a new revision with poster, storyboard and captions; the old revision stays unchanged', async () => {
    const id = await publish(await makeSubtitledVideo());
    const before = await current(id);
    const paths = ['multivariant.m3u8', 'poster.jpg', 'storyboard.vtt', 'storyboard.jpg'];
    const bare = await readFiles(id, before, paths);
    const [video] = await listWithoutExtras(db, 3, 1);
    await makeExtras(deps, video!);

    const after = await current(id);
    expect(after).not.toBe(before);
    expect(await readFiles(id, before, paths)).toEqual(bare);
    expect(bare.slice(1)).toEqual([undefined, undefined, undefined]);

    const [playlist, poster, board, sprite] = await readFiles(id, after, paths);
    expect(poster?.subarray(0, 3).toString('hex')).toBe('ffd8ff');
    expect(sprite?.subarray(0, 3).toString('hex')).toBe('ffd8ff');
    expect(board?.toString()).toContain('storyboard.jpg#xywh=1120,90,160,90');
    // Not one of the black frames, which are tiny as JPEG.
    expect(poster!.length).toBeGreaterThan(8_000);
    const text = playlist!.toString();
    expect(text).toContain(
      '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="captions-0",NAME="<b>Mots</b> (1)",LANGUAGE="fr",DEFAULT=NO,FORCED=NO,URI="captions-fr/media.m3u8",AUTOSELECT=YES',
    );
    expect(text).toMatch(/#EXT-X-STREAM-INF:.*SUBTITLES="captions-0"/);
    expect(text).toMatch(/TYPE=AUDIO.*LANGUAGE="zh"/);
    expect(text).toMatch(/TYPE=AUDIO.*NAME="Commentary \(2\)",LANGUAGE="en"/);
    expect(await recordOf(id)).toMatchObject({
      revision: after,
      pictures: { poster: true, storyboard: true },
    });
    expect((await recordOf(id)).renditions.map(({ kind }) => kind)).toEqual([
      'video',
      'audio',
      'audio',
      'captions',
    ]);
    expect(await listWithoutExtras(db, 3, 1)).toEqual([]);

    const [media, whole, first, beyond, manifest] = await readFiles(id, after, [
      'captions-fr/media.m3u8',
      'captions-fr/captions.vtt',
      'captions-fr/0.vtt',
      'captions-fr/1.vtt',
      'manifest.mpd',
    ]);
    expect(media?.toString()).toContain('#EXT-X-TARGETDURATION:20\n');
    expect(whole?.toString()).toBe(first?.toString());
    expect(first?.toString()).toMatch(/00:00:01\.0\d\d --> 00:00:03\.0\d\d\n<b>First<\/b> words\n/);
    expect(first?.toString()).toMatch(/00:00:15\.0\d\d --> 00:00:17\.0\d\d\nLast words\n/);
    expect(beyond).toBeUndefined();
    expect(manifest?.toString()).toContain('<BaseURL>captions-fr/captions.vtt</BaseURL>');
    expect(manifest?.toString()).toContain('<Label>&lt;b&gt;Mots&lt;/b&gt;</Label>');
  });

  it('are kept when a new set of renditions is published', async () => {
    const id = await publish(
      await makeVideo({
        extension: 'mp4',
        args: ['-f', 'lavfi', '-i', 'testsrc2=s=64x64:r=10:d=2', ...H264],
      }),
    );
    const track = await writeCaptions(storage.directory(id), {
      cues: [{ startMs: 0, endMs: 500, settings: '', text: 'Hello' }],
      language: 'zh-Hans',
      from: 'upload',
    });
    await changeExtras(db, id, {
      change: extras => addCaptions(extras, [track, track]),
      record: video => makeRecord(video, deps),
    });
    const revision = newRevisionId();
    await insertRevision(db, revision, id, [storage.indexName]);
    await changeVideo(db, id, {
      onlyFrom: ['ready'],
      changes: { revision },
      record: video => makeRecord(video, deps),
    });
    const [playlist, first, second] = await readFiles(id, revision, [
      'multivariant.m3u8',
      'captions-zh-hans/0.vtt',
      'captions-zh-hans-2/0.vtt',
    ]);
    expect(playlist?.toString()).toContain('URI="captions-zh-hans-2/media.m3u8"');
    expect(first?.toString()).toContain('Hello');
    expect(second).toEqual(first);
    expect((await recordOf(id)).renditions.map(({ id }) => id)).toEqual([
      'source-video',
      'captions-zh-hans',
      'captions-zh-hans-2',
    ]);
  });

  it('are missing if ffmpeg cannot read the video, which stays published', async () => {
    const source = await makeVideo({
      extension: 'mp4',
      args: ['-f', 'lavfi', '-i', 'testsrc2=s=64x64:r=10:d=2', ...H264],
    });
    const id = await publish(source);
    const before = await current(id);
    const bytes = await readFile(storage.source(id));
    // The samples cannot be decoded, but the index is still valid.
    const at = bytes.indexOf('mdat') + 4;
    bytes.fill(0, at, bytes.indexOf('moov') - 4);
    await writeFile(storage.source(id), bytes);
    const [video] = await listWithoutExtras(db, 3, 1);
    await makeExtras(deps, video!);
    expect(await current(id)).toBe(before);
    expect(await listWithoutExtras(db, 3, 1)).toEqual([]);
  });

  it.skipIf(!hasEncoder('libx265'))('are tone-mapped if the video is HDR', async () => {
    // Middle grey in PQ is bright. Without a tone map it would look dull.
    const source = await makeVideo({
      extension: 'mp4',
      args: [
        ...['-f', 'lavfi', '-i', 'color=0xa0a0a0:s=320x180:r=10:d=4', '-vf', 'format=yuv420p10le'],
        ...['-c:v', 'libx265', '-preset', 'ultrafast', '-tag:v', 'hvc1', '-g', '10', '-x265-params'],
        'log-level=error:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc',
        ...['-color_trc', 'smpte2084', '-color_primaries', 'bt2020', '-colorspace', 'bt2020nc'],
      ],
    });
    const id = await publish(source);
    await makeExtras(deps, (await findVideo(db, id))!);
    const presentation = await open(id, await current(id));
    try {
      for (const name of ['poster.jpg', 'storyboard.jpg']) {
        const path = join(directory, name);
        await writeFile(path, (await presentation.file(name))!.body);
        const args = [
          '-v',
          'error',
          '-i',
          path,
          '-vf',
          'crop=64:64:0:0,extractplanes=y',
          '-f',
          'rawvideo',
          '-',
        ];
        const { stdout } = spawnSync(requireFfmpeg(), args);
        // 213 is the result of the same mapping, computed by hand.
        expect(Math.abs(stdout[0]! - 213)).toBeLessThan(5);
      }
    } finally {
      await presentation.close();
    }
  });

  it('leave no file behind if they cannot be recorded', async () => {
    const id = await publish(await makeSubtitledVideo());
    const [video] = await listWithoutExtras(db, 3, 1);
    const invalid = { ...deps, sourceAddress: '' };
    await expect(makeExtras(invalid, video!)).rejects.toThrow();
    expect(await readdir(join(storage.directory(id), 'captions'))).toEqual([]);
    expect(await readdir(storage.directory(id))).not.toContain('extras.new');
  });

  it('are given up by a stop, which leaves no file and counts no attempt', async () => {
    const id = await publish(await makeSubtitledVideo());
    const loop = startExtras(deps);
    await vi.waitUntil(async () => (await readdir(storage.directory(id))).includes('extras.new'), {
      timeout: 10_000,
    });
    await loop.stop();
    expect(await readdir(storage.directory(id))).not.toContain('extras.new');
    expect(await findVideo(db, id)).toMatchObject({ extras_attempts: 0, extras_made: 0 });
  });

  it('of audio have no images', async () => {
    const id = await publish(
      await makeVideo({ extension: 'm4a', args: ['-f', 'lavfi', '-i', 'sine=d=2', '-c:a', 'aac'] }),
    );
    const [video] = await listWithoutExtras(db, 3, 1);
    await makeExtras(deps, video!);
    expect(await readFiles(id, await current(id), ['poster.jpg'])).toEqual([undefined]);
  });

  it('keep the aspect ratio in even numbers of pixels, and are never enlarged', () => {
    expect(fitInto(1_280, 1_920, 1_080)).toEqual({ width: 1_280, height: 720 });
    expect(fitInto(160, 1_080, 1_920)).toEqual({ width: 90, height: 160 });
    expect(fitInto(160, 64, 33)).toEqual({ width: 64, height: 34 });
    expect(fitInto(160, 16_000, 2)).toEqual({ width: 160, height: 2 });
  });
});
