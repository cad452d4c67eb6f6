/**
 * What the ladder costs: CPU time of three rungs, encoded in chunks by a site's worker, against one hand-written ffmpeg command
 * that makes the same rungs from one decoding, and against one ffmpeg for each rung. And what a second worker brings on a
 * ten-minute film. `BENCH_SECONDS` sets the length of the first film, `BENCH_FILM_SECONDS` that of the second.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFfmpeg } from '../src/kernel/ffmpeg.ts';
import { chooseRungs, DEFAULT_LADDER } from '../src/site/origin/ladder.ts';
import { startWorker } from '../src/site/origin/worker.ts';
import { openWorkshop } from '../test/media/workshop.ts';

const SECONDS = Number(process.env.BENCH_SECONDS ?? 64);
const FILM_SECONDS = Number(process.env.BENCH_FILM_SECONDS ?? 600);
const SOURCE_BPS = 20_000_000;

export async function run(): Promise<{ bench: 'ladder'; ratios: Record<string, number> }> {
  const ffmpeg = findFfmpeg();
  if (!ffmpeg) throw new Error('this benchmark needs ffmpeg: set FFMPEG_PATH');
  const directory = await mkdtemp(join(tmpdir(), 'tributary-bench-ladder-'));
  try {
    const source = join(directory, 'source.mp4');
    makeFilm(ffmpeg, source, `testsrc2=s=1920x1080:r=30:d=${SECONDS},noise=alls=20:allf=t`, [
      ...['-g', '60', '-b:v', `${SOURCE_BPS}`, '-maxrate', `${SOURCE_BPS}`, '-bufsize', `${SOURCE_BPS}`],
    ]);
    const ours = await measureOurs(source);
    const single = measureCommand(ffmpeg, source, directory, [0, 1, 2]);
    const apart = [0, 1, 2].reduce((sum, rung) => sum + measureCommand(ffmpeg, source, directory, [rung]), 0);
    console.log(`three rungs of ${SECONDS} s of noisy 1080p30, CPU seconds`);
    console.log(`  a site's worker, in chunks          ${ours.toFixed(1)}`);
    console.log(`  one ffmpeg, one decoding            ${single.toFixed(1)}`);
    console.log(`  one ffmpeg for each rung            ${apart.toFixed(1)}`);

    const film = join(directory, 'film.mp4');
    makeFilm(ffmpeg, film, `testsrc2=s=640x400:r=25:d=${FILM_SECONDS}`, ['-g', '50']);
    const alone = await measureWorkers(film, 1);
    const together = await measureWorkers(film, 2);
    console.log(
      `a film of ${FILM_SECONDS} s, seconds on the clock: one worker ${alone.toFixed(1)}, two ${together.toFixed(1)}`,
    );
    return {
      bench: 'ladder',
      ratios: {
        'cpu/one-command': round(single / ours),
        'cpu/one-per-rung': round(apart / ours),
        'two-workers/one': round(alone / together),
      },
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Everything a site does for the ladder: looking, chunks, stitching, publishing; and its own CPU time with its ffmpegs'. */
async function measureOurs(source: string): Promise<number> {
  // Of what runs in a room of its own the system does not tell the CPU time to who started it.
  const workshop = await openWorkshop({ withoutWorker: true, isolation: 'none' });
  try {
    const video = await workshop.upload(source);
    await workshop.settle(video, undefined, 60_000, true);
    const before = cpuSeconds();
    const worker = await startWorker({ ...workshop.workerOptions, hasExpress: false });
    await workshop.settle(video, undefined, 3_600_000);
    await worker.stop();
    return cpuSeconds() - before;
  } finally {
    await workshop.close();
  }
}

async function measureWorkers(source: string, count: number): Promise<number> {
  const workshop = await openWorkshop({ withoutWorker: true });
  try {
    const video = await workshop.upload(source);
    await workshop.settle(video, undefined, 60_000, true);
    const started = performance.now();
    const workers = await Promise.all(
      Array.from({ length: count }, (_, i) =>
        startWorker({ ...workshop.workerOptions, owner: `worker-${i}`, hasExpress: false }),
      ),
    );
    await workshop.settle(video, undefined, 3_600_000);
    const seconds = (performance.now() - started) / 1_000;
    await Promise.all(workers.map(worker => worker.stop()));
    return seconds;
  } finally {
    await workshop.close();
  }
}

/** By hand: the same rungs, the same settings, key frames every four seconds. */
function measureCommand(ffmpeg: string, source: string, directory: string, which: readonly number[]): number {
  const rungs = chooseRungs(DEFAULT_LADDER, {
    width: 1_920,
    height: 1_080,
    published: { isH264: true, averageBps: SOURCE_BPS },
  }).filter((_, index) => which.includes(index));
  const splits = rungs.map((_, i) => `[s${i}]`).join('');
  const scales = rungs.map(({ width, height }, i) => `[s${i}]scale=${width}:${height}:flags=bicubic[v${i}]`);
  const before = cpuSeconds();
  runFfmpeg(ffmpeg, [
    ...['-threads', '1', '-filter_complex_threads', '1', '-i', source],
    ...['-filter_complex', [`[0:v]split=${rungs.length}${splits}`, ...scales].join(';')],
    ...rungs.flatMap(({ kbps }, i) => [
      ...['-map', `[v${i}]`, '-c:v', 'libx264', '-threads', '1', '-preset', 'veryfast', '-crf', '23'],
      ...['-profile:v', 'high', '-maxrate', `${kbps}k`, '-bufsize', `${2 * kbps}k`],
      ...['-g', '300', '-force_key_frames', 'expr:gte(t,n_forced*4)', join(directory, `by-hand-${i}.mp4`)],
    ]),
  ]);
  return cpuSeconds() - before;
}

function makeFilm(ffmpeg: string, path: string, picture: string, options: readonly string[]): void {
  runFfmpeg(ffmpeg, [
    ...['-f', 'lavfi', '-i', picture, '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'],
    ...[...options, path],
  ]);
}

function runFfmpeg(ffmpeg: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(ffmpeg, ['-v', 'error', '-nostdin', '-y', ...args], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`ffmpeg: ${stderr}`);
}

const TICKS_PER_SECOND = 100;

/** Of this process and of all that it started and that has ended (proc(5): utime, stime, cutime, cstime). */
function cpuSeconds(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)!.split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_SECOND;
}

const round = (ratio: number): number => Number(ratio.toPrecision(3));
