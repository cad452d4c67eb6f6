/** A conversion that ends early: players must learn that the video will not grow any more. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type MediaPipeline, openMediaPipeline } from '../../../../test/media/media-pipeline.ts';
import { makeVideoSync } from '../../../../test/media/video-cache.ts';
import { createAccessGuard } from '../../../kernel/access/access.ts';
import { BREAK_GLASS } from '../../../kernel/access/authority.ts';
import { createHttp } from '../../../kernel/http/server.ts';
import { silentLog } from '../../../kernel/log.ts';
import type { VideoRecord } from '../../../protocol/publication/record.ts';
import { serveJobs } from './jobs.ts';
import { watchStudio } from './lists/watch-changes.ts';

let pipeline: MediaPipeline;
beforeAll(async () => {
  pipeline = await openMediaPipeline({ oneByOne: true });
});
afterAll(() => pipeline.close());

it('a video whose conversion is cancelled half-way is published as far as it was converted, and grows no more', async () => {
  const { db, storage } = pipeline;
  const { app } = await createHttp({ part: 'site', log: silentLog, ready: () => undefined });
  let records = 0;
  const watch = watchStudio(db, silentLog);
  serveJobs(app, {
    db,
    watch,
    storage,
    sourceAddress: '192.0.2.1:80',
    siteId: () => undefined,
    guard: createAccessGuard({ authenticate: async () => BREAK_GLASS }),
    note: async () => {},
    onJob: () => {},
    onRecord: () => records++,
  });
  const source = makeVideoSync('five-minutes.avi', [
    ...['-f', 'lavfi', '-i', 'testsrc2=s=480x360:r=25:d=300', '-c:v', 'mpeg4', '-q:v', '9'],
  ]);
  const video = await pipeline.upload(source);
  const readRecord = async (): Promise<VideoRecord | undefined> => {
    const row = await db
      .selectFrom('records')
      .select('body')
      .where('video_id', '=', video)
      .orderBy('change', 'desc')
      .executeTakeFirst();
    return row && (JSON.parse(row.body) as VideoRecord);
  };
  await expect.poll(readRecord, { timeout: 50_000, interval: 20 }).toMatchObject({ isGrowing: true });
  const [job] = await pipeline.jobs(video);
  const cancelled = await app.inject({ method: 'POST', url: `/api/jobs/${job?.id}/cancel` });
  expect(cancelled.statusCode).toBe(200);
  const row = await pipeline.untilProcessed(video);
  expect([row.state, row.error_code]).toEqual(['ready', 'conversion-incomplete']);
  const record = await readRecord();
  expect(record?.isGrowing).toBeUndefined();
  expect(record?.revision).toBe(row.revision);
  expect(record?.durationMs).toBeLessThan(290_000);
  expect(records).toBe(1);
  await watch.stop();
  await app.close();
});
