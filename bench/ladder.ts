/**
 * What the ladder costs: CPU time of three rungs, encoded in chunks by a site's worker, against one hand-written ffmpeg command
 * that makes the same rungs from one decoding, and against one ffmpeg for each rung. And what a second worker brings on a
 * ten-minute film, beside what the machine itself gives to two encoders at once. Every ffmpeg has one thread in its decoder, its
 * filters and each encoder, so that one keeps one core busy. Rivals take turns, and of each the least time counts.
 * `BENCH_SECONDS` sets the length of the first video, `BENCH_VIDEO_SECONDS` that of the second, `BENCH_ROUNDS` the turns.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFfmpeg } from '../src/kernel/ffmpeg.ts';
import { type RunningWorker, startWorker } from '../src/site/media/conversion/conversion.ts';
import { chooseRenditions, DEFAULT_LADDER } from '../src/site/media/ladder/ladder.ts';
import { openMediaPipeline } from '../test/media/media-pipeline.ts';

const SECONDS = Number(process.env.BENCH_SECONDS ?? 40);
const VIDEO_SECONDS = Number(process.env.BENCH_VIDEO_SECONDS ?? 600);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 2);
const SOURCE_BPS = 20_000_000;
const LOOK_EVERY_MS = 250;
const X264 = ['-c:v', 'libx264', '-threads', '1', '-preset', 'veryfast'];

interface Cost {
  readonly cpuSeconds: number;
  readonly seconds: number;
}

export async function run(): Promise<{ bench: 'ladder'; ratios: Record<string, number> }> {
  const ffmpeg = findFfmpeg(process.env);
  if (!ffmpeg) throw new Error('this benchmark needs ffmpeg: set FFMPEG_PATH');
  const directory = await mkdtemp(join(tmpdir(), 'tributary-bench-ladder-'));
  try {
    return {
      bench: 'ladder',
      ratios: { ...(await compareCost(ffmpeg, directory)), ...(await compareWorkers(ffmpeg, directory)) },
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function compareCost(ffmpeg: string, directory: string): Promise<Record<string, number>> {
  const source = join(directory, 'source.mp4');
  makeFilm(ffmpeg, source, `testsrc2=s=1920x1080:r=30:d=${SECONDS},noise=alls=20:allf=t`, [
    ...['-g', '60', '-b:v', `${SOURCE_BPS}`, '-maxrate', `${SOURCE_BPS}`, '-bufsize', `${SOURCE_BPS}`],
  ]);
  const byHand = (rungs: readonly number[]) => async () => encodeByHand(ffmpeg, source, directory, rungs);
  const [ours, single, ...apart] = await takeTurns([
    () => encodeAsASite(source),
    byHand([0, 1, 2]),
    ...[0, 1, 2].map(rung => byHand([rung])),
  ]);
  const apartCost = apart.reduce((a, b) => ({
    cpuSeconds: a.cpuSeconds + b.cpuSeconds,
    seconds: a.seconds + b.seconds,
  }));
  console.log(`three rungs of ${SECONDS} s of noisy 1080p30        CPU seconds   cores in use`);
  for (const [what, { cpuSeconds, seconds }] of [
    ["a site's worker, in chunks", ours!],
    ['one ffmpeg, one decoding', single!],
    ['one ffmpeg for each rung', apartCost],
  ] as const) {
    console.log(
      `  ${what.padEnd(42)} ${cpuSeconds.toFixed(1).padStart(10)} ${(cpuSeconds / seconds).toFixed(2).padStart(14)}`,
    );
  }
  return {
    'cpu/one-command': round(single!.cpuSeconds / ours!.cpuSeconds),
    'cpu/one-per-rung': round(apartCost.cpuSeconds / ours!.cpuSeconds),
  };
}

async function compareWorkers(ffmpeg: string, directory: string): Promise<Record<string, number>> {
  const film = join(directory, 'film.mp4');
  makeFilm(ffmpeg, film, `testsrc2=s=640x400:r=25:d=${VIDEO_SECONDS}`, ['-g', '50']);
  const part = join(directory, 'part.mp4');
  makeFilm(ffmpeg, part, `testsrc2=s=640x400:r=25:d=${VIDEO_SECONDS / 8}`, ['-g', '50']);
  const [alone, together, one, two] = await takeTurns([
    () => work(film, 1),
    () => work(film, 2),
    () => encodeAtOnce(ffmpeg, part, 1),
    () => encodeAtOnce(ffmpeg, part, 2),
  ]);
  console.log(`a film of ${VIDEO_SECONDS} s, seconds on the clock`);
  console.log(`  one worker ${alone!.seconds.toFixed(1)}, two ${together!.seconds.toFixed(1)}`);
  console.log(
    `  an eighth of it by hand ${one!.seconds.toFixed(1)}, twice at once ${two!.seconds.toFixed(1)}`,
  );
  return {
    'two-workers/one': round(alone!.seconds / together!.seconds),
    'machine/two-encoders': round((2 * one!.seconds) / two!.seconds),
  };
}

/** There and back again, so that a machine that grows busier or hotter is fair to all. @returns the least of each */
async function takeTurns(rivals: readonly (() => Promise<Cost>)[]): Promise<readonly Cost[]> {
  const costs: Cost[][] = rivals.map(() => []);
  for (let turn = 0; turn < ROUNDS; turn++) {
    const order = [...rivals.keys()];
    for (const i of turn % 2 === 0 ? order : order.toReversed()) costs[i]!.push(await rivals[i]!());
  }
  return costs.map(each => ({
    cpuSeconds: Math.min(...each.map(({ cpuSeconds }) => cpuSeconds)),
    seconds: Math.min(...each.map(({ seconds }) => seconds)),
  }));
}

async function measure(act: () => void | Promise<void>): Promise<Cost> {
  const [cpu, started] = [cpuSeconds(), performance.now()];
  await act();
  return { cpuSeconds: cpuSeconds() - cpu, seconds: (performance.now() - started) / 1_000 };
}

/** Everything a site does for the ladder: looking, chunks, stitching, publishing; and its own CPU time with its ffmpegs'. */
async function encodeAsASite(source: string): Promise<Cost> {
  // Of what runs in a room of its own the system does not tell the CPU time to who started it.
  const pipeline = await openMediaPipeline({
    withoutWorker: true,
    isolation: 'none',
    pollMs: LOOK_EVERY_MS,
  });
  try {
    const video = await pipeline.upload(source);
    await pipeline.untilProcessed(video, undefined, 60_000, true);
    return await measure(async () => {
      const worker = await startWorker({ ...pipeline.workerOptions, hasExpress: false });
      await pipeline.untilProcessed(video, undefined, 3_600_000);
      await worker.stop();
    });
  } finally {
    await pipeline.close();
  }
}

async function work(source: string, count: number): Promise<Cost> {
  const pipeline = await openMediaPipeline({ withoutWorker: true, pollMs: LOOK_EVERY_MS });
  try {
    const video = await pipeline.upload(source);
    await pipeline.untilProcessed(video, undefined, 60_000, true);
    let workers: readonly RunningWorker[] = [];
    const cost = await measure(async () => {
      workers = await Promise.all(
        Array.from({ length: count }, (_, i) =>
          startWorker({ ...pipeline.workerOptions, owner: `worker-${i}`, hasExpress: false }),
        ),
      );
      await pipeline.untilProcessed(video, undefined, 3_600_000);
    });
    await Promise.all(workers.map(worker => worker.stop()));
    return cost;
  } finally {
    await pipeline.close();
  }
}

/** What this machine gives to encoders that know nothing of each other. */
const encodeAtOnce = (ffmpeg: string, source: string, count: number): Promise<Cost> =>
  measure(async () => {
    const args = [
      '-v',
      'error',
      '-nostdin',
      '-threads',
      '1',
      '-i',
      source,
      ...X264,
      '-crf',
      '23',
      '-f',
      'null',
      '-',
    ];
    const codes = await Promise.all(
      Array.from(
        { length: count },
        async () => (await once(spawn(ffmpeg, args, { stdio: 'inherit' }), 'close'))[0],
      ),
    );
    if (codes.some(code => code !== 0)) throw new Error(`ffmpeg ended with ${codes.join()}`);
  });

/** By hand: the same rungs, the same settings, key frames every four seconds. */
function encodeByHand(
  ffmpeg: string,
  source: string,
  directory: string,
  which: readonly number[],
): Promise<Cost> {
  const rungs = chooseRenditions(DEFAULT_LADDER, {
    width: 1_920,
    height: 1_080,
    published: { isH264: true, averageBps: SOURCE_BPS },
  }).filter((_, index) => which.includes(index));
  const splits = rungs.map((_, i) => `[s${i}]`).join('');
  const scales = rungs.map(({ width, height }, i) => `[s${i}]scale=${width}:${height}:flags=bicubic[v${i}]`);
  const args = [
    ...['-threads', '1', '-filter_complex_threads', '1', '-i', source],
    ...['-filter_complex', [`[0:v]split=${rungs.length}${splits}`, ...scales].join(';')],
    ...rungs.flatMap(({ kbps }, i) => [
      ...['-map', `[v${i}]`, ...X264, '-crf', '23'],
      ...['-profile:v', 'high', '-maxrate', `${kbps}k`, '-bufsize', `${2 * kbps}k`],
      ...['-g', '300', '-force_key_frames', 'expr:gte(t,n_forced*4)', join(directory, `by-hand-${i}.mp4`)],
    ]),
  ];
  return measure(() => runFfmpeg(ffmpeg, args));
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
