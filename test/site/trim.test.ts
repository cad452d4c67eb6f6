/** Trimming: the first and last frames are exact, audio, captions and chapters are in place, and it can be changed and undone. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAccessGuard } from '../../src/kernel/access/access.ts';
import { BREAK_GLASS } from '../../src/kernel/access/authority.ts';
import { createHttp, type HttpServer } from '../../src/kernel/http/server.ts';
import { silentLog } from '../../src/kernel/log.ts';
import type { VideoId } from '../../src/protocol/base/ids.ts';
import { newRevisionId } from '../../src/protocol/base/ids.ts';
import { parseDownloadPlan } from '../../src/protocol/media/download-plan.ts';
import type { SiteVideo } from '../../src/protocol/site.ts';
import { changeExtras, parseExtras } from '../../src/site/database/extras.ts';
import { detailsColumns } from '../../src/site/database/tables/details.ts';
import { serveTrim } from '../../src/site/http/studio/trim.ts';
import { createDownloadFiles } from '../../src/site/media/cut/cut.ts';
import { addCaptions, writeCaptions } from '../../src/site/media/extras/extras.ts';
import { makeRecord } from '../../src/site/media/record/record.ts';
import { type MediaPipeline, openMediaPipeline } from '../media/media-pipeline.ts';
import { makeVideo, requireFfmpeg } from '../media/video-cache.ts';
import { recipes } from '../media/videos.ts';

const run = promisify(execFile);
const FPS = 25;
let pipeline: MediaPipeline;
let app: HttpServer;
let video: VideoId;
let source: string;
let whole: readonly string[];

/** The hash of every frame. */
async function framesOf(input: string): Promise<readonly string[]> {
  const args = ['-v', 'error', '-i', input, '-map', '0:v', '-fps_mode', 'passthrough', '-f', 'framemd5', '-'];
  const { stdout } = await run(requireFfmpeg(), args, { maxBuffer: 2 ** 26 });
  return stdout
    .split('\n')
    .filter(line => line && !line.startsWith('#'))
    .map(line => line.split(',').at(-1)?.trim() ?? '');
}

const CHAPTERS = [
  { startMs: 0, title: 'Opening' },
  { startMs: 2_000, title: 'First' },
  { startMs: 6_000, title: 'Second' },
  { startMs: 11_000, title: 'End' },
];

beforeAll(async () => {
  pipeline = await openMediaPipeline({ ladder: [] });
  const { db, storage } = pipeline;
  source = await makeVideo(recipes.mp4);
  whole = await framesOf(source);
  video = await pipeline.upload(source);
  await pipeline.untilProcessed(video);
  const cue = (startMs: number, endMs: number, text: string) => ({ startMs, endMs, settings: '', text });
  const track = await writeCaptions(storage.directory(video), {
    cues: [
      cue(0, 1_000, 'cut'),
      cue(2_500, 4_000, 'across the start'),
      cue(8_000, 8_500, 'inside'),
      cue(11_000, 11_900, 'after'),
    ],
    language: 'en',
    from: 'upload',
  });
  const deps = { storage, sourceAddress: '192.0.2.1:80' };
  await changeExtras(db, video, {
    change: before => addCaptions({ ...before, poster: 'pictures/poster.jpg' }, [track]),
    record: row => makeRecord(row, deps),
  });
  await db
    .updateTable('videos')
    .set(detailsColumns({ chapters: [...CHAPTERS] }))
    .where('id', '=', video)
    .execute();
  app = (await createHttp({ part: 'site', log: silentLog, ready: () => undefined })).app;
  serveTrim(app, {
    ...deps,
    db,
    siteId: () => undefined,
    guard: createAccessGuard({ authenticate: async () => BREAK_GLASS }),
    note: async () => {},
    onRecord: () => {},
    tokens: { forStudio: () => '' },
  } as unknown as Parameters<typeof serveTrim>[1]);
});
afterAll(async () => {
  await app.close();
  await pipeline.close();
});

async function trim(marks: { readonly startMs: number; readonly endMs: number } | null): Promise<SiteVideo> {
  const response = await app.inject({
    method: 'POST',
    url: `/api/videos/${video}/trim`,
    headers: { 'content-type': 'application/json' },
    payload: JSON.stringify(marks ?? { whole: true }),
  });
  expect(response.statusCode, response.body).toBe(200);
  return response.json();
}

/** The current revision as a downloaded file. */
async function download(rendition = 'source-video'): Promise<string> {
  const { revision } = await pipeline.find(video);
  const bytes = await pipeline.present(video, revision, async presentation => {
    const files = createDownloadFiles();
    const request = (name: string) => ({ video, revision: newRevisionId(), file: `${rendition}/${name}` });
    const plan = parseDownloadPlan(
      (await files.ofRendition(request('download.bin'), presentation))?.body ?? Buffer.alloc(0),
    );
    const head = await files.ofRendition(request('head.bin'), presentation);
    const parts: Buffer[] = [];
    for (let i = 0; i < plan.partCount; i++) {
      const { file, start, end } = plan.partAt(i);
      const body = file.endsWith('head.bin') ? head?.body : (await presentation.file(file))?.body;
      parts.push((body ?? Buffer.alloc(0)).subarray(start, end));
    }
    return Buffer.concat(parts);
  });
  const path = join(pipeline.storage.root, `${revision}.mp4`);
  await writeFile(path, bytes);
  return path;
}

const currentFile = async (file: string): Promise<string> => {
  const { revision } = await pipeline.find(video);
  return pipeline.present(video, revision, async presentation =>
    String((await presentation.file(file))?.body),
  );
};
const samplesOf = async (input: string): Promise<Int16Array> => {
  const args = ['-v', 'error', '-i', input, '-map', '0:a', '-ac', '1', '-ar', '44100', '-f', 's16le', '-'];
  const { stdout } = await run(requireFfmpeg(), args, { encoding: 'buffer', maxBuffer: 2 ** 26 });
  return new Int16Array(stdout.buffer, stdout.byteOffset, stdout.length >> 1);
};

it.each([
  [3_160, 9_240],
  [4_000, 7_000],
  [5_040, 5_280],
])('is exact from %i to %i ms, and undone', async (startMs, endMs) => {
  const { durationMs } = await trim({ startMs, endMs });
  expect(durationMs).toBe(endMs - startMs);
  const path = await download();
  expect(await framesOf(path)).toEqual(whole.slice((startMs * FPS) / 1_000, (endMs * FPS) / 1_000));
  // The tone has the same phase as in the source at this time.
  const [trimmed, original] = [await samplesOf(path), await samplesOf(source)];
  const offsetMs = findOffset(trimmed, original, startMs);
  expect(Math.abs(offsetMs)).toBeLessThan(20);
  const playlist = await currentFile('source-video/media.m3u8');
  const seconds = [...playlist.matchAll(/EXTINF:([\d.]+)/g)].reduce(
    (sum, [, value]) => sum + Number(value),
    0,
  );
  expect(seconds).toBeCloseTo((endMs - startMs) / 1_000, 3);
  const row = await trim(null);
  expect([row.durationMs, row.trim]).toEqual([12_000, undefined]);
});

/** How many milliseconds the audio is late, by its envelope: the tone of the recipe is constant, so only its length is compared. */
function findOffset(trimmed: Int16Array, original: Int16Array, startMs: number): number {
  const from = Math.round((startMs * 44_100) / 1_000) + 4_410;
  const window = 4_410;
  let best = 0;
  let bestError = Number.POSITIVE_INFINITY;
  // One period of 440 Hz is 100 samples: a shift is found within half a period.
  for (let shift = -50; shift <= 50; shift++) {
    let error = 0;
    for (let i = 0; i < window; i++)
      error += Math.abs((trimmed[i + 4_410] ?? 0) - (original[from + i + shift] ?? 0));
    if (error < bestError) {
      bestError = error;
      best = shift;
    }
  }
  return (best * 1_000) / 44_100;
}

it('moves captions and chapters, can be trimmed further, and gives everything back', async () => {
  const before = await pipeline.find(video);
  const first = await trim({ startMs: 3_160, endMs: 9_240 });
  expect(first.trim).toEqual({ startMs: 3_160, fullDurationMs: 12_000 });
  expect(first.chapters).toEqual([
    { startMs: 0, title: 'First' },
    { startMs: 2_840, title: 'Second' },
  ]);
  const captions = await currentFile('captions-en/captions.vtt');
  expect(captions).toContain('00:00:00.000 --> 00:00:00.840\nacross the start');
  expect(captions).toContain('00:00:04.840 --> 00:00:05.340\ninside');
  expect(captions).not.toMatch(/cut|after/);
  // The image may show a part that is cut.
  expect(first.hasPoster).toBe(false);
  const second = await trim({ startMs: 1_000, endMs: 60_000 });
  expect(second.trim?.startMs).toBe(4_160);
  expect(second.durationMs).toBe(5_080);
  expect(await framesOf(await download())).toEqual(whole.slice(104, 231));
  const restored = await trim(null);
  expect(restored.chapters).toEqual(CHAPTERS);
  const after = await pipeline.find(video);
  expect(parseExtras(after.extras)).toEqual(parseExtras(before.extras));
  expect(after.prepared).toBe(before.prepared);
});

it('refuses marks with nothing between them', async () => {
  for (const marks of [
    { startMs: 5_000, endMs: 5_000 },
    { startMs: 20_000, endMs: 21_000 },
  ]) {
    const response = await app.inject({ method: 'POST', url: `/api/videos/${video}/trim`, payload: marks });
    expect([400, 422]).toContain(response.statusCode);
  }
});
