/** A worker on a machine that is out of something for a while. */
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { type MediaPipeline, openMediaPipeline } from '../../../../test/media/media-pipeline.ts';
import { makeVideoSync } from '../../../../test/media/video-cache.ts';
import { startWorker } from './worker.ts';

const hasLimits = spawnSync('prlimit', ['--version']).status === 0;
/** Long enough for all attempts that a step has, were they counted. */
const OUT_OF_FILES_S = 12;

let pipeline: MediaPipeline;
afterEach(() => pipeline.close());

describe.runIf(hasLimits)('a worker that may open no more files', () => {
  it('sets no job aside, and does it when it can', async () => {
    pipeline = await openMediaPipeline({ withoutWorker: true });
    const source = makeVideoSync('mpeg4-4.avi', [
      ...['-f', 'lavfi', '-i', 'testsrc2=s=320x240:r=10:d=4'],
      ...['-c:v', 'mpeg4', '-q:v', '8'],
    ]);
    const video = await pipeline.upload(source);
    while ((await pipeline.jobs(video)).length === 0) await sleep(50);
    expect(await pipeline.workerOptions.can('libx264')).toBe(true);

    const { pid } = process;
    const limit = (files: string): string => `prlimit --pid ${pid} --nofile=${files}:`;
    const before = readNoFile();
    const shell = `${limit(String(readdirSync('/proc/self/fd').length))} && echo out && sleep ${OUT_OF_FILES_S} && ${limit(before)}`;
    const helper = spawn('sh', ['-c', shell], { stdio: ['ignore', 'pipe', 'inherit'] });
    const restored = new Promise(resolve => helper.once('exit', resolve));
    await new Promise(resolve => helper.stdout.once('data', resolve));

    const said: string[] = [];
    const worker = await startWorker({
      ...pipeline.workerOptions,
      log: { ...pipeline.workerOptions.log, warn: (_fields, message) => void said.push(message) },
    });
    expect(await restored).toBe(0);
    expect(said.filter(message => message === 'step postponed').length).toBeGreaterThanOrEqual(2);
    const ready = await pipeline.untilProcessed(video);
    await worker.stop();
    expect(ready.state).toBe('ready');
  });
});

/** The soft limit of this process, as prlimit takes it. */
function readNoFile(): string {
  const { stdout } = spawnSync(
    'prlimit',
    ['--pid', String(process.pid), '--nofile', '--noheadings', '--output', 'SOFT'],
    {
      encoding: 'utf8',
    },
  );
  return stdout.trim();
}
