/**
 * Cutting segments of about 2 MB out of a two-hour film, against the limit (reading the same bytes) and against what
 * one would do without an index (`ffmpeg -ss … -c copy`). Cold also counts with film and index out of the page cache, where
 * the system lets them be put out of it. Runs are interleaved; medians count; ratios are theirs/ours. The packets of what was cut are
 * compared, byte for byte, with those that ffmpeg takes out of the film.
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
const FILM_SECONDS = 7_200;

interface Row {
  readonly what: string;
  readonly medianMs: number;
  readonly p95Ms: number;
}

export async function run(): Promise<{
  bench: 'cut';
  ratios: Record<string, number>;
  rows: readonly Row[];
}> {
  const ffmpeg = findFfmpeg(process.env);
  if (!ffmpeg) throw new Error('this benchmark needs ffmpeg: set FFMPEG_PATH');
  const directory = await mkdtemp(join(tmpdir(), 'tributary-bench-cut-'));
  try {
    const film = await makeFilm(ffmpeg, directory);
    const index = join(directory, 'source.index');
    const rssBefore = process.memoryUsage.rss();
    const [prepared, prepareMs] = await time(() => prepareSource(film, index));
    const extraRssMb = (process.memoryUsage.rss() - rssBefore) / 2 ** 20;
    console.log(
      `film: ${(prepared.durationMs / 3_600_000).toFixed(2)} h, ${(prepared.sizeBytes / 2 ** 30).toFixed(2)} GiB; ` +
        `prepared in ${prepareMs.toFixed(0)} ms with ${extraRssMb.toFixed(0)} MB more; ` +
        `index ${((await stat(index)).size / 2 ** 20).toFixed(1)} MiB`,
    );
    await comparePackets(ffmpeg, film, index);
    const cpu = await measureCpu(film, index);
    return await measure(ffmpeg, film, index, cpu);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Segments from the beginning, the middle and the end: the same packets as ffmpeg takes out of the film itself. */
async function comparePackets(ffmpeg: string, film: string, index: string): Promise<void> {
  const presentation = await Presentation.open({ directory: dirname(film), indexes: [index] });
  const path = `${film}.segment.mp4`;
  const hashes = (args: readonly string[]): readonly string[] =>
    spawnSync(ffmpeg, ['-v', 'error', ...args, '-map', '0:v', '-c', 'copy', '-f', 'framemd5', '-'], {
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    })
      .stdout.split('\n')
      .filter(line => /^\d/.test(line))
      .map(line => line.split(',').at(-1)!.trim());
  try {
    const init = (await presentation.file('source-video/init.mp4'))!.body;
    const playlist = (await presentation.file('source-video/media.m3u8'))!.body.toString();
    const durations = [...playlist.matchAll(/#EXTINF:([\d.]+)/g)].map(match => Number(match[1]));
    for (const number of [0, Math.floor(durations.length / 2), durations.length - 1]) {
      const segment = (await presentation.file(`source-video/${number}.m4s`))!.body;
      await writeFile(path, Buffer.concat([init, segment]));
      const ours = hashes(['-i', path]);
      // A hundredth in, so that seeking to what is before comes to this key frame and to no earlier one.
      const seconds = durations.slice(0, number).reduce((sum, each) => sum + each, 0) + 0.01;
      const theirs = hashes(['-ss', seconds.toFixed(3), '-i', film, '-t', String(durations[number]! + 1)]);
      if (ours.length === 0 || ours.some((hash, i) => hash !== theirs[i])) {
        throw new Error(`segment ${number} has other packets than the film`);
      }
    }
    console.log('packets: byte for byte those that ffmpeg takes out of the film (three segments)');
  } finally {
    await presentation.close();
    await rm(path, { force: true });
  }
}

interface CpuCost {
  readonly oursMs: number;
  readonly preadMs: number;
}

/** CPU time of one cut and of one pread, all threads of this process counted: it hardly depends on what else the machine does. */
async function measureCpu(film: string, index: string): Promise<CpuCost> {
  const presentation = await Presentation.open({ directory: dirname(film), indexes: [index] });
  const fd = openSync(film, 'r');
  const cpuOf = async (act: (number: number) => Promise<unknown>): Promise<number> => {
    for (let i = 0; i < CPU_RUNS / 5; i++) await act(i);
    const before = process.cpuUsage();
    for (let i = 0; i < CPU_RUNS; i++) await act((i * 397) % 1_700);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000 / CPU_RUNS;
  };
  try {
    const { length } = (await presentation.file('source-video/0.m4s'))!.body;
    const oursMs = await cpuOf(number => presentation.file(`source-video/${number}.m4s`));
    const preadMs = await cpuOf(async number => readOnce(fd, number * 2 ** 21, length));
    console.log(`CPU time of one segment: ours ${oursMs.toFixed(2)} ms, pread ${preadMs.toFixed(2)} ms`);
    return { oursMs, preadMs };
  } finally {
    closeSync(fd);
    await presentation.close();
  }
}

async function measure(ffmpeg: string, film: string, index: string, cpu: CpuCost): ReturnType<typeof run> {
  const times = {
    cold: [],
    warm: [],
    sound: [],
    pread: [],
    ffmpeg: [],
    uncached: [],
    preadUncached: [],
  } as Record<string, number[]>;
  const warm = await Presentation.open({ directory: dirname(film), indexes: [index] });
  const fd = openSync(film, 'r');
  let bytes = 0;
  try {
    for (let i = -2; i < RUNS; i++) {
      // A prime step: every run another place, the same for all rivals.
      const number = ((i + 2) * 397) % 1_700;
      const keep = (name: string, ms: number): void => {
        if (i >= 0) times[name]!.push(ms);
      };
      const name = `source-video/${number}.m4s`;
      const [file, warmMs] = await time(() => warm.file(name));
      const length = file?.body.length ?? 0;
      bytes = Math.max(bytes, length);
      keep('warm', warmMs);
      keep('sound', (await time(() => warm.file(`source-audio/${number}.m4s`)))[1]);
      keep('cold', (await time(() => cutOnce(film, index, name)))[1]);
      keep('pread', (await time(async () => readOnce(fd, number * 2 ** 21, length)))[1]);
      if (i % 4 === 0 && dropFromCache([film, index])) {
        keep('uncached', (await time(() => cutOnce(film, index, name)))[1]);
        dropFromCache([film]);
        keep('preadUncached', (await time(async () => readOnce(fd, number * 2 ** 21, length)))[1]);
      }
      if (i % 4 === 0) keep('ffmpeg', (await time(() => cutWithFfmpeg(ffmpeg, film, number * 4)))[1]);
    }
  } finally {
    closeSync(fd);
    await warm.close();
  }
  const row = (what: string, name: string): Row => ({
    what,
    medianMs: quantile(times[name]!, 0.5),
    p95Ms: quantile(times[name]!, 0.95),
  });
  const rows = [
    row('ours, warm (presentation open)', 'warm'),
    row('ours, cold (open, cut, close)', 'cold'),
    row('ours, warm, sound', 'sound'),
    row('pread of the same bytes', 'pread'),
    row('ffmpeg -ss … -t 4 -c copy', 'ffmpeg'),
    ...(times.uncached!.length > 0
      ? [
          row('ours, cold, out of the page cache', 'uncached'),
          row('pread, out of the page cache', 'preadUncached'),
        ]
      : []),
  ];
  console.log(`\nsegments of up to ${(bytes / 2 ** 20).toFixed(2)} MiB, ${RUNS} runs`);
  for (const { what, medianMs, p95Ms } of rows) {
    console.log(
      `${what.padEnd(34)} median ${medianMs.toFixed(2).padStart(8)} ms   p95 ${p95Ms.toFixed(2).padStart(8)} ms`,
    );
  }
  const [ours, cold, , pread, theirs] = rows.map(({ medianMs }) => medianMs) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const ratios = {
    'warm/pread': round(pread / ours),
    'cold/pread': round(pread / cold),
    'warm/ffmpeg': round(theirs / ours),
    'cold/ffmpeg': round(theirs / cold),
    'cpu/pread': round(cpu.preadMs / cpu.oursMs),
  };
  return { bench: 'cut', ratios, rows };
}

/** GNU dd asks the system to forget a file's pages; no rights are needed. @returns false where it cannot */
const dropFromCache = (paths: readonly string[]): boolean =>
  paths.every(
    path => spawnSync('dd', [`if=${path}`, 'iflag=nocache', 'count=0', 'status=none']).status === 0,
  );

async function cutOnce(film: string, index: string, name: string): Promise<void> {
  const presentation = await Presentation.open({ directory: dirname(film), indexes: [index] });
  await presentation.file(name);
  await presentation.close();
}

function readOnce(fd: number, position: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafeSlow(length);
  readSync(fd, buffer, 0, length, position);
  return buffer;
}

async function cutWithFfmpeg(ffmpeg: string, film: string, seconds: number): Promise<void> {
  await execute(ffmpeg, [
    ...['-ss', String(seconds), '-i', film, '-t', '4', '-map', '0:v', '-c', 'copy', '-f', 'mp4'],
    ...['-movflags', 'frag_keyframe+empty_moov+default_base_moof', 'pipe:1'],
  ]);
}

/** A noisy minute of 4 Mbit/s, repeated without encoding. */
async function makeFilm(ffmpeg: string, directory: string): Promise<string> {
  const minute = join(directory, 'minute.mp4');
  const film = join(directory, 'film.mp4');
  await execute(ffmpeg, [
    ...['-f', 'lavfi', '-i', 'testsrc2=s=960x540:r=30:d=60,noise=alls=20:allf=t'],
    ...['-f', 'lavfi', '-i', 'anoisesrc=d=60:r=48000:a=0.1'],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '60', '-bf', '2', '-pix_fmt', 'yuv420p'],
    ...['-b:v', '4M', '-maxrate', '4M', '-bufsize', '4M', '-c:a', 'aac', '-b:a', '128k', minute],
  ]);
  await execute(ffmpeg, ['-stream_loop', '-1', '-i', minute, '-t', String(FILM_SECONDS), '-c', 'copy', film]);
  await rm(minute);
  return film;
}

async function execute(ffmpeg: string, args: readonly string[]): Promise<void> {
  const child = spawn(ffmpeg, ['-v', 'error', '-nostdin', '-y', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout.resume();
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`ffmpeg ended with ${code}`);
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
