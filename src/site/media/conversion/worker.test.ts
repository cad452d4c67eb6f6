/** Workers: starting, stopping, and a machine that temporarily lacks a resource. */
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { type MediaPipeline, openMediaPipeline } from '../../../../test/media/media-pipeline.ts';
import { makeVideoSync } from '../../../../test/media/video-cache.ts';
import { openDatabase } from '../../../kernel/sql/sql.ts';
import { listSteps } from '../../database/jobs.ts';
import { type SiteSchema, siteMigrations } from '../../database/tables/schema.ts';
import { startWorker } from './worker.ts';

const hasLimits = spawnSync('prlimit', ['--version']).status === 0;
/** Long enough for all attempts of a step, if these counted as attempts. */
const OUT_OF_FILES_S = 12;

let pipeline: MediaPipeline;
afterEach(() => pipeline.close());

describe.runIf(hasLimits)('a worker that cannot open more files', () => {
  it('lets no job fail, and does it as soon as it can', async () => {
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

    const warnings: string[] = [];
    const worker = await startWorker({
      ...pipeline.workerOptions,
      log: { ...pipeline.workerOptions.log, warn: (_fields, message) => void warnings.push(message) },
    });
    expect(await restored).toBe(0);
    expect(warnings.filter(message => message === 'step postponed').length).toBeGreaterThanOrEqual(2);
    const ready = await pipeline.untilProcessed(video);
    await worker.stop();
    expect(ready.state).toBe('ready');
  });
});

describe('a worker', () => {
  it('whose start fails leaves nothing running', async () => {
    pipeline = await openMediaPipeline({ withoutWorker: true });
    const closed = await openDatabase<SiteSchema>(':memory:', siteMigrations);
    await closed.destroy();
    const failures: unknown[] = [];
    const log = { ...pipeline.workerOptions.log, error: (fields: object) => void failures.push(fields) };
    const timersBefore = countTimers();
    await expect(startWorker({ ...pipeline.workerOptions, db: closed, log })).rejects.toThrow();
    await sleep(100);
    expect(failures).toEqual([]);
    expect(countTimers()).toBeLessThanOrEqual(timersBefore);
  });

  it('that is stopped kills ffmpeg, deletes the partial file and gives the step back', async () => {
    pipeline = await openMediaPipeline({ withoutWorker: true });
    const source = makeVideoSync('mpeg4-60.avi', [
      ...['-f', 'lavfi', '-i', 'testsrc2=s=1280x720:r=25:d=60'],
      ...['-c:v', 'mpeg4', '-q:v', '8'],
    ]);
    const video = await pipeline.upload(source);
    const directory = pipeline.storage.directory(video);
    const worker = await startWorker(pipeline.workerOptions);
    await expect.poll(() => listEncoders(directory), { timeout: 20_000 }).not.toEqual([]);
    await worker.stop();
    await expect.poll(() => listEncoders(directory)).toEqual([]);
    const [job] = await pipeline.jobs(video);
    const steps = await listSteps(pipeline.db, job?.id ?? '');
    expect(steps.every(({ state, owner }) => state !== 'leased' && owner === null)).toBe(true);
    expect(steps.filter(({ state }) => state === 'waiting').every(({ attempts }) => attempts === 0)).toBe(
      true,
    );
    const files = readdirSync(directory, { recursive: true, encoding: 'utf8' });
    expect(files.filter(name => name.includes('.part'))).toEqual([]);
  });
});

const countTimers = (): number =>
  process.getActiveResourcesInfo().filter(resource => resource === 'Timeout').length;

/** Command lines of processes that write to this directory. */
const listEncoders = (directory: string): readonly string[] =>
  readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(name => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'utf8');
      } catch {
        return '';
      }
    })
    .filter(commandLine => commandLine.includes(directory) && commandLine.includes('ffmpeg'));

/** This process's soft limit of open files, in the format of prlimit. */
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
