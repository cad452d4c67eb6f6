/**
 * Cuts segments of about 2 MB out of a two-hour video. Compares the time with the limit (reading the same bytes) and with
 * a cut that uses no index (`ffmpeg -ss … -c copy`). Where the system can drop files from its page cache, cold cuts are
 * also measured with the video and its index outside the cache. Runs are interleaved, medians count, and each ratio is the
 * other's time divided by ours. The packets of three segments are compared, byte for byte, with those that ffmpeg copies
 * from the video.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readSync } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findFfmpeg } from '../src/kernel/ffmpeg.ts';
import { Presentation } from '../src/site/media/cut/cut.ts';
import { prepareSource } from '../src/site/media/index/source-index.ts';

const RUNS = 41;
const CPU_RUNS = 300;
const VIDEO_SECONDS = 7_200;
const SEGMENT_SECONDS = 4;
/** Segment numbers that are measured; the video has about 1,800 segments. */
const SEGMENTS = 1_700;
/** A prime step: each run measures another segment, the same one for all contenders. */
const SEGMENT_STEP = 397;

/** The files that are measured, and the program that is compared. */
interface Sample {
  readonly ffmpeg: string;
  readonly video: string;
  readonly index: string;
}

interface Row {
  readonly what: string;
  readonly medianMs: number;
  readonly p95Ms: number;
}

export interface CutBench {
  readonly bench: 'cut';
  /** The other's time divided by ours: higher is better. */
  readonly ratios: Readonly<Record<string, number>>;
  readonly rows: readonly Row[];
}

export async function run(): Promise<CutBench> {
  const ffmpeg = findFfmpeg(process.env);
  if (!ffmpeg) throw new Error('This benchmark needs ffmpeg. Set FFMPEG_PATH.');
  const directory = await mkdtemp(join(tmpdir(), 'tributary-bench-cut-'));
  try {
    const video = await makeVideo(ffmpeg, directory);
    const index = join(directory, 'source.index');
    const rssBefore = process.memoryUsage.rss();
    const [prepared, prepareMs] = await time(() => prepareSource(video, index));
    const extraRssMb = (process.memoryUsage.rss() - rssBefore) / 2 ** 20;
    console.log(
      `video: ${(prepared.durationMs / 3_600_000).toFixed(2)} h, ${(prepared.sizeBytes / 2 ** 30).toFixed(2)} GiB; ` +
        `prepared in ${prepareMs.toFixed(0)} ms with ${extraRssMb.toFixed(0)} MB of additional memory; ` +
        `index ${((await stat(index)).size / 2 ** 20).toFixed(1)} MiB`,
    );
    const sample: Sample = { ffmpeg, video, index };
    await comparePackets(sample);
    const cpu = await measureCpu(sample);
    return await measure(sample, cpu);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const openSample = ({ video, index }: Sample): Promise<Presentation> =>
  Presentation.open({ directory: dirname(video), indexes: [index] });

async function cutFile(presentation: Presentation, name: string): Promise<Buffer> {
  const file = await presentation.file(name);
  if (!file) throw new Error(`The presentation has no ${name}.`);
  return file.body;
}

/** Checks a segment at the beginning, in the middle and at the end: it must have the packets that ffmpeg copies from the video. */
async function comparePackets(sample: Sample): Promise<void> {
  const { ffmpeg, video } = sample;
  const presentation = await openSample(sample);
  const path = `${video}.segment.mp4`;
  const hashes = (args: readonly string[]): readonly (string | undefined)[] =>
    spawnSync(ffmpeg, ['-v', 'error', ...args, '-map', '0:v', '-c', 'copy', '-f', 'framemd5', '-'], {
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    })
      .stdout.split('\n')
      .filter(line => /^\d/.test(line))
      .map(line => line.split(',').at(-1)?.trim());
  try {
    const init = await cutFile(presentation, 'source-video/init.mp4');
    const playlist = (await cutFile(presentation, 'source-video/media.m3u8')).toString();
    const durations = [...playlist.matchAll(/#EXTINF:([\d.]+)/g)].map(match => Number(match[1]));
    for (const number of [0, Math.floor(durations.length / 2), durations.length - 1]) {
      const segment = await cutFile(presentation, `source-video/${number}.m4s`);
      await writeFile(path, Buffer.concat([init, segment]));
      const ours = hashes(['-i', path]);
      // ffmpeg seeks backwards to a key frame. A hundredth of a second more makes it find this one and not the one before.
      const seconds = durations.slice(0, number).reduce((sum, each) => sum + each, 0) + 0.01;
      const lengthSeconds = (durations[number] ?? 0) + 1;
      const theirs = hashes(['-ss', seconds.toFixed(3), '-i', video, '-t', String(lengthSeconds)]);
      if (ours.length === 0 || ours.some((hash, i) => hash !== theirs[i])) {
        throw new Error(`The packets of segment ${number} differ from those of the video.`);
      }
    }
    console.log('packets: identical to those that ffmpeg copies from the video (three segments)');
  } finally {
    await presentation.close();
    await rm(path, { force: true });
  }
}

interface CpuCost {
  readonly oursMs: number;
  readonly preadMs: number;
}

/** Measures the CPU time of a cut and of a pread, for all threads of this process. Other work on the machine hardly affects it. */
async function measureCpu(sample: Sample): Promise<CpuCost> {
  const presentation = await openSample(sample);
  const fd = openSync(sample.video, 'r');
  const cpuOf = async (act: (number: number) => Promise<unknown>): Promise<number> => {
    for (let i = 0; i < CPU_RUNS / 5; i++) await act(i);
    const before = process.cpuUsage();
    for (let i = 0; i < CPU_RUNS; i++) await act((i * SEGMENT_STEP) % SEGMENTS);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000 / CPU_RUNS;
  };
  try {
    const { length } = await cutFile(presentation, 'source-video/0.m4s');
    const oursMs = await cpuOf(number => presentation.file(`source-video/${number}.m4s`));
    const preadMs = await cpuOf(async number => readOnce(fd, number * 2 ** 21, length));
    console.log(`CPU time per segment: ours ${oursMs.toFixed(2)} ms, pread ${preadMs.toFixed(2)} ms`);
    return { oursMs, preadMs };
  } finally {
    closeSync(fd);
    await presentation.close();
  }
}

interface Times {
  readonly cold: number[];
  readonly warm: number[];
  readonly audio: number[];
  readonly pread: number[];
  readonly ffmpeg: number[];
  readonly uncached: number[];
  readonly preadUncached: number[];
}

async function measure(sample: Sample, cpu: CpuCost): Promise<CutBench> {
  const { times, bytes } = await measureTimes(sample);
  const row = (what: string, values: readonly number[]): Row => ({
    what,
    medianMs: quantile(values, 0.5),
    p95Ms: quantile(values, 0.95),
  });
  const warm = row('ours, warm (presentation open)', times.warm);
  const cold = row('ours, cold (open, cut, close)', times.cold);
  const pread = row('pread of the same bytes', times.pread);
  const ffmpeg = row(`ffmpeg -ss … -t ${SEGMENT_SECONDS} -c copy`, times.ffmpeg);
  const rows = [warm, cold, row('ours, warm, audio', times.audio), pread, ffmpeg];
  if (times.uncached.length > 0) {
    rows.push(row('ours, cold, outside the page cache', times.uncached));
    rows.push(row('pread, outside the page cache', times.preadUncached));
  }
  console.log(`\nsegments of up to ${(bytes / 2 ** 20).toFixed(2)} MiB, ${RUNS} runs`);
  for (const { what, medianMs, p95Ms } of rows) {
    console.log(
      `${what.padEnd(35)} median ${medianMs.toFixed(2).padStart(8)} ms   p95 ${p95Ms.toFixed(2).padStart(8)} ms`,
    );
  }
  const ratios = {
    'warm/pread': round(pread.medianMs / warm.medianMs),
    'cold/pread': round(pread.medianMs / cold.medianMs),
    'warm/ffmpeg': round(ffmpeg.medianMs / warm.medianMs),
    'cold/ffmpeg': round(ffmpeg.medianMs / cold.medianMs),
    'cpu/pread': round(cpu.preadMs / cpu.oursMs),
  };
  return { bench: 'cut', ratios, rows };
}

/** @returns all times in milliseconds, and the size of the largest segment in bytes */
async function measureTimes(sample: Sample): Promise<{ readonly times: Times; readonly bytes: number }> {
  const { ffmpeg, video, index } = sample;
  const times: Times = {
    ...{ cold: [], warm: [], audio: [], pread: [] },
    ...{ ffmpeg: [], uncached: [], preadUncached: [] },
  };
  const warm = await openSample(sample);
  const fd = openSync(video, 'r');
  let bytes = 0;
  try {
    // The first two runs warm up.
    for (let i = -2; i < RUNS; i++) {
      const number = ((i + 2) * SEGMENT_STEP) % SEGMENTS;
      const keep = (name: keyof Times, ms: number): void => {
        if (i >= 0) times[name].push(ms);
      };
      const name = `source-video/${number}.m4s`;
      const [file, warmMs] = await time(() => warm.file(name));
      const length = file?.body.length ?? 0;
      bytes = Math.max(bytes, length);
      keep('warm', warmMs);
      keep('audio', (await time(() => warm.file(`source-audio/${number}.m4s`)))[1]);
      keep('cold', (await time(() => cutOnce(sample, name)))[1]);
      keep('pread', (await time(async () => readOnce(fd, number * 2 ** 21, length)))[1]);
      if (i % 4 === 0 && dropFromCache([video, index])) {
        keep('uncached', (await time(() => cutOnce(sample, name)))[1]);
        dropFromCache([video]);
        keep('preadUncached', (await time(async () => readOnce(fd, number * 2 ** 21, length)))[1]);
      }
      const seconds = number * SEGMENT_SECONDS;
      if (i % 4 === 0) keep('ffmpeg', (await time(() => cutWithFfmpeg(ffmpeg, video, seconds)))[1]);
    }
  } finally {
    closeSync(fd);
    await warm.close();
  }
  return { times, bytes };
}

/** Drops the pages of files from the page cache with GNU dd, which needs no privileges. @returns false if the system cannot do that */
const dropFromCache = (paths: readonly string[]): boolean =>
  paths.every(
    path => spawnSync('dd', [`if=${path}`, 'iflag=nocache', 'count=0', 'status=none']).status === 0,
  );

async function cutOnce(sample: Sample, name: string): Promise<void> {
  const presentation = await openSample(sample);
  await presentation.file(name);
  await presentation.close();
}

function readOnce(fd: number, position: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafeSlow(length);
  readSync(fd, buffer, 0, length, position);
  return buffer;
}

async function cutWithFfmpeg(ffmpeg: string, video: string, seconds: number): Promise<void> {
  await execute(ffmpeg, [
    ...['-ss', String(seconds), '-i', video, '-t', String(SEGMENT_SECONDS), '-map', '0:v'],
    ...['-c', 'copy', '-f', 'mp4', '-movflags', 'frag_keyframe+empty_moov+default_base_moof', 'pipe:1'],
  ]);
}

/** Encodes a noisy minute at 4 Mbit/s and repeats it without encoding it again. */
async function makeVideo(ffmpeg: string, directory: string): Promise<string> {
  const minute = join(directory, 'minute.mp4');
  const video = join(directory, 'video.mp4');
  await execute(ffmpeg, [
    ...['-f', 'lavfi', '-i', 'testsrc2=s=960x540:r=30:d=60,noise=alls=20:allf=t'],
    ...['-f', 'lavfi', '-i', 'anoisesrc=d=60:r=48000:a=0.1'],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '60', '-bf', '2', '-pix_fmt', 'yuv420p'],
    ...['-b:v', '4M', '-maxrate', '4M', '-bufsize', '4M', '-c:a', 'aac', '-b:a', '128k', minute],
  ]);
  await execute(ffmpeg, [
    ...['-stream_loop', '-1', '-i', minute, '-t', String(VIDEO_SECONDS), '-c', 'copy', video],
  ]);
  await rm(minute);
  return video;
}

async function execute(ffmpeg: string, args: readonly string[]): Promise<void> {
  const child = spawn(ffmpeg, ['-v', 'error', '-nostdin', '-y', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout.resume();
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`ffmpeg exited with ${code}`);
}

async function time<T>(act: () => Promise<T>): Promise<[T, number]> {
  const start = performance.now();
  const result = await act();
  return [result, performance.now() - start];
}

function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

const round = (ratio: number): number => Number(ratio.toPrecision(3));
