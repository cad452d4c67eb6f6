/** `tributary worker`: separate processes on a site's database and storage; one is killed in the middle of a step. */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type MediaPipeline, openMediaPipeline } from '../../media/media-pipeline.ts';
import { makeVideoSync } from '../../media/video-cache.ts';
import { eventually } from '../../support/eventually.ts';
import { COMMAND } from '../../support/programs.ts';

const SECONDS = 100;
const workers: ChildProcess[] = [];
let pipeline: MediaPipeline;
beforeAll(async () => {
  pipeline = await openMediaPipeline({ withoutWorker: true });
});
afterAll(async () => {
  for (const worker of workers) worker.kill('SIGKILL');
  await pipeline.close();
});

it('workers share a video, and a killed one loses only its step', async () => {
  const { root } = pipeline.storage;
  const config = join(root, 'worker.toml');
  await writeFile(
    config,
    `[site]\nname = "Test"\nbaseUrl = "http://127.0.0.1:1"\nsourceAddress = "127.0.0.1:1"\n` +
      `dataDirectory = ${JSON.stringify(root)}\noperatorToken = "0123456789abcdef"\nlogLevel = "silent"\n`,
  );
  const source = makeVideoSync('shared.avi', [
    ...['-f', 'lavfi', '-i', `testsrc2=s=640x360:r=25:d=${SECONDS}`, '-c:v', 'mpeg4', '-q:v', '9'],
  ]);
  const video = await pipeline.upload(source);
  const start = (): ChildProcess => {
    const worker = spawn(process.execPath, [COMMAND, 'worker', '--config', config], { stdio: 'ignore' });
    workers.push(worker);
    return worker;
  };
  const victim = start();
  start();
  const owners = async (): Promise<readonly string[]> => {
    const leased = await pipeline.db
      .selectFrom('job_steps')
      .select('owner')
      .where('state', '=', 'leased')
      .execute();
    return [...new Set(leased.flatMap(({ owner }) => owner ?? []))];
  };
  await eventually('both are working', async () => (await owners()).length === 2 || undefined, 60_000);
  victim.kill('SIGKILL');
  const ready = await pipeline.untilProcessed(video, undefined, 150_000);
  expect([ready.state, ready.error_detail]).toEqual(['ready', null]);
  const steps = await pipeline.db.selectFrom('job_steps').select(['kind', 'attempts']).execute();
  const again = steps.filter(({ attempts }) => attempts > 1);
  expect(again).toHaveLength(1);
  await pipeline.present(video, ready.revision, async presentation => {
    expect(Math.abs(presentation.timeline.durationMs - SECONDS * 1_000)).toBeLessThan(300);
  });
});
