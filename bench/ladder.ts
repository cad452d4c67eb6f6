/**
 * Measures the cost of a ladder: the CPU time of three renditions that a site's worker encodes in chunks, compared with one
 * hand-written ffmpeg command that makes the same renditions from one decoding, and with one ffmpeg per rendition. Also
 * measures the speed-up of a second worker on a ten-minute video, compared with two independent encoders on the same
 * machine. Every ffmpeg has one thread in its decoder, its filters and each encoder, so each of them keeps one core busy.
 * The contenders alternate, and the lowest value of each one counts.
 * `BENCH_SECONDS` sets the duration of the first video, `BENCH_VIDEO_SECONDS` that of the second, `BENCH_ROUNDS` the rounds.
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
const POLL_MS = 250;
const X264 = ['-c:v', 'libx264', '-threads', '1', '-preset', 'veryfast'];

interface Cost {
  readonly cpuSeconds: number;
  readonly seconds: number;
}

/** Every measured cost is lower. */
const UNMEASURED: Cost = { cpuSeconds: Number.POSITIVE_INFINITY, seconds: Number.POSITIVE_INFINITY };

export async function run(): Promise<{ bench: 'ladder'; ratios: Record<string, number> }> {
  const ffmpeg = findFfmpeg(process.env);
  if (!ffmpeg) throw new Error('This benchmark needs ffmpeg. Set FFMPEG_PATH.');
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
  makeVideo(ffmpeg, source, `testsrc2=s=1920x1080:r=30:d=${SECONDS},noise=alls=20:allf=t`, [
    ...['-g', '60', '-b:v', `${SOURCE_BPS}`, '-maxrate', `${SOURCE_BPS}`, '-bufsize', `${SOURCE_BPS}`],
  ]);
  const byHand = (renditions: readonly number[]) => () => encodeByHand(ffmpeg, source, directory, renditions);
  const costs = await alternate({
    ours: () => encodeAsSite(source),
    single: byHand([0, 1, 2]),
    first: byHand([0]),
    second: byHand([1]),
    third: byHand([2]),
  });
  const { ours, single } = costs;
  const onePerRendition = [costs.first, costs.second, costs.third].reduce((a, b) => ({
    cpuSeconds: a.cpuSeconds + b.cpuSeconds,
    seconds: a.seconds + b.seconds,
  }));
  console.log(`three renditions of ${SECONDS} s of noisy 1080p30   CPU seconds   cores in use`);
  for (const [what, { cpuSeconds, seconds }] of [
    ["a site's worker, in chunks", ours],
    ['one ffmpeg, one decoding', single],
    ['one ffmpeg per rendition', onePerRendition],
  ] as const) {
    console.log(
      `  ${what.padEnd(42)} ${cpuSeconds.toFixed(1).padStart(10)} ${(cpuSeconds / seconds).toFixed(2).padStart(14)}`,
    );
  }
  return {
    'cpu/one-command': round(single.cpuSeconds / ours.cpuSeconds),
    'cpu/one-per-rendition': round(onePerRendition.cpuSeconds / ours.cpuSeconds),
  };
}

async function compareWorkers(ffmpeg: string, directory: string): Promise<Record<string, number>> {
  const video = join(directory, 'video.mp4');
  makeVideo(ffmpeg, video, `testsrc2=s=640x400:r=25:d=${VIDEO_SECONDS}`, ['-g', '50']);
  const eighth = join(directory, 'eighth.mp4');
  makeVideo(ffmpeg, eighth, `testsrc2=s=640x400:r=25:d=${VIDEO_SECONDS / 8}`, ['-g', '50']);
  const { oneWorker, twoWorkers, oneEncoder, twoEncoders } = await alternate({
    oneWorker: () => encodeWithWorkers(video, 1),
    twoWorkers: () => encodeWithWorkers(video, 2),
    oneEncoder: () => encodeConcurrently(ffmpeg, eighth, 1),
    twoEncoders: () => encodeConcurrently(ffmpeg, eighth, 2),
  });
  console.log(`a video of ${VIDEO_SECONDS} s, elapsed seconds`);
  console.log(`  one worker ${oneWorker.seconds.toFixed(1)}, two ${twoWorkers.seconds.toFixed(1)}`);
  console.log(
    `  an eighth of it by hand ${oneEncoder.seconds.toFixed(1)}, twice concurrently ${twoEncoders.seconds.toFixed(1)}`,
  );
  return {
    'two-workers/one': round(oneWorker.seconds / twoWorkers.seconds),
    'machine/two-encoders': round((2 * oneEncoder.seconds) / twoEncoders.seconds),
  };
}

/**
 * Measures the contenders in order and then in reverse order, so that a machine that becomes busier or hotter affects all
 * of them equally. @returns the lowest cost of each contender
 */
async function alternate<Name extends string>(
  contenders: Readonly<Record<Name, () => Promise<Cost>>>,
): Promise<Readonly<Record<Name, Cost>>> {
  const names = Object.keys(contenders) as Name[];
  const lowest = Object.fromEntries(names.map(name => [name, UNMEASURED])) as Record<Name, Cost>;
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const cost = await contenders[name]();
      lowest[name] = {
        cpuSeconds: Math.min(lowest[name].cpuSeconds, cost.cpuSeconds),
        seconds: Math.min(lowest[name].seconds, cost.seconds),
      };
    }
  }
  return lowest;
}

async function measure(act: () => void | Promise<void>): Promise<Cost> {
  const [cpu, started] = [readCpuSeconds(), performance.now()];
  await act();
  return { cpuSeconds: readCpuSeconds() - cpu, seconds: (performance.now() - started) / 1_000 };
}

/** Does everything that a site does for the ladder: polling, chunks, stitching, publishing. The cost includes its ffmpeg processes. */
async function encodeAsSite(source: string): Promise<Cost> {
  // The system does not add the CPU time of sandboxed processes to that of the process that started them.
  const pipeline = await openMediaPipeline({ withoutWorker: true, isolation: 'none', pollMs: POLL_MS });
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

async function encodeWithWorkers(source: string, count: number): Promise<Cost> {
  const pipeline = await openMediaPipeline({ withoutWorker: true, pollMs: POLL_MS });
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

/** Runs independent encoders: the limit of this machine. */
const encodeConcurrently = (ffmpeg: string, source: string, count: number): Promise<Cost> =>
  measure(async () => {
    const args = [
      ...['-v', 'error', '-nostdin', '-threads', '1', '-i', source],
      ...[...X264, '-crf', '23', '-f', 'null', '-'],
    ];
    const codes = await Promise.all(
      Array.from(
        { length: count },
        async () => (await once(spawn(ffmpeg, args, { stdio: 'inherit' }), 'close'))[0],
      ),
    );
    if (codes.some(code => code !== 0)) throw new Error(`ffmpeg exited with ${codes.join()}`);
  });

/** Encodes some renditions of the ladder by hand, with the same settings and a key frame every four seconds. */
function encodeByHand(
  ffmpeg: string,
  source: string,
  directory: string,
  which: readonly number[],
): Promise<Cost> {
  const renditions = chooseRenditions(DEFAULT_LADDER, {
    width: 1_920,
    height: 1_080,
    published: { isH264: true, averageBps: SOURCE_BPS },
  }).filter((_, index) => which.includes(index));
  const splits = renditions.map((_, i) => `[s${i}]`).join('');
  const scales = renditions.map(
    ({ width, height }, i) => `[s${i}]scale=${width}:${height}:flags=bicubic[v${i}]`,
  );
  const args = [
    ...['-threads', '1', '-filter_complex_threads', '1', '-i', source],
    ...['-filter_complex', [`[0:v]split=${renditions.length}${splits}`, ...scales].join(';')],
    ...renditions.flatMap(({ kbps }, i) => [
      ...['-map', `[v${i}]`, ...X264, '-crf', '23'],
      ...['-profile:v', 'high', '-maxrate', `${kbps}k`, '-bufsize', `${2 * kbps}k`],
      ...['-g', '300', '-force_key_frames', 'expr:gte(t,n_forced*4)', join(directory, `by-hand-${i}.mp4`)],
    ]),
  ];
  return measure(() => runFfmpeg(ffmpeg, args));
}

function makeVideo(ffmpeg: string, path: string, filter: string, options: readonly string[]): void {
  runFfmpeg(ffmpeg, [
    ...['-f', 'lavfi', '-i', filter, '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'],
    ...[...options, path],
  ]);
}

function runFfmpeg(ffmpeg: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(ffmpeg, ['-v', 'error', '-nostdin', '-y', ...args], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`ffmpeg failed: ${stderr}`);
}

const TICKS_PER_SECOND = 100;

/** CPU time of this process and of all its children that have ended (proc(5): utime, stime, cutime, cstime). */
function readCpuSeconds(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_SECOND;
}

const round = (ratio: number): number => Number(ratio.toPrecision(3));
