/**
 * A source that flashes and beeps in the first tenth of each second, and the times at which a decoder shows and plays these marks.
 * They prove that picture and sound are complete and in sync, whatever a container says.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Presentation } from '../../src/site/media/cut/cut.ts';
import { joinSegments } from './join-segments.ts';
import { requireFfmpeg } from './video-cache.ts';

/** Input arguments: black frames with a white flash for 0.1 s in each second. */
export const flashes = (seconds: number, rate = 25, size = '160x120'): readonly string[] => [
  ...['-f', 'lavfi', '-i'],
  `color=black:s=${size}:r=${rate}:d=${seconds},drawbox=t=fill:c=white:enable='lt(mod(t+0.001,1),0.1)',format=yuv420p`,
];

/** Input arguments: silence with a tone for 0.1 s in each second. */
export const beeps = (seconds: number, hertz = 880): readonly string[] => [
  ...['-f', 'lavfi', '-i'],
  `aevalsrc='if(lt(mod(t,1),0.1),0.7*sin(${hertz}*2*PI*t),0)':s=48000:d=${seconds}`,
];

/** What a decoder makes of a file. All times are seconds. */
export interface DecodedMarks {
  /** The start of each frame. */
  readonly frames: readonly number[];
  /** The end of the last frame, as the container states it. */
  readonly videoEnd: number;
  readonly flashes: readonly number[];
  readonly beeps: readonly number[];
  /** The end of the last audio sample. */
  readonly audioEnd: number;
}

const AUDIO_RATE_HZ = 8_000;
const WINDOW_SAMPLES = 40;

function run(args: readonly string[]): { readonly stdout: Buffer; readonly stderr: string } {
  const { stdout, stderr } = spawnSync(requireFfmpeg(), ['-hide_banner', '-nostdin', ...args], {
    maxBuffer: 2 ** 28,
  });
  return { stdout, stderr: stderr.toString() };
}

/** The times at which a signal rises above half of its range. */
function risesOf(levels: readonly number[], timeOf: (i: number) => number, threshold: number): number[] {
  return levels.flatMap((level, i) =>
    level > threshold && !((levels[i - 1] ?? 0) > threshold) ? [timeOf(i)] : [],
  );
}

/** Decodes the video and audio of files, which may be one file twice. */
function decodeMarks(files: { readonly video?: string; readonly audio?: string }): DecodedMarks {
  const frames: number[] = [];
  let videoEnd = 0;
  let flashTimes: number[] = [];
  if (files.video) {
    const times = run([
      '-v',
      'error',
      '-copyts',
      '-i',
      files.video,
      '-map',
      '0:v:0',
      '-f',
      'framecrc',
      '-',
    ]).stdout.toString();
    const [, numerator = 1, denominator = 1] = /#tb 0: (\d+)\/(\d+)/.exec(times)?.map(Number) ?? [];
    for (const line of times.split('\n')) {
      if (!/^0,/.test(line)) continue;
      const [, , pts = 0, duration = 0] = line.split(',').map(Number);
      frames.push((pts * numerator) / denominator);
      videoEnd = ((pts + duration) * numerator) / denominator;
    }
    const { stdout } = run([
      ...['-v', 'error', '-i', files.video, '-map', '0:v:0', '-fps_mode', 'passthrough'],
      ...['-vf', 'scale=1:1:flags=area,format=gray', '-f', 'rawvideo', '-'],
    ]);
    flashTimes = risesOf([...stdout], i => frames[i] ?? Number.NaN, 110);
  }
  let beepTimes: number[] = [];
  let audioEnd = 0;
  if (files.audio) {
    const { stdout } = run([
      ...[
        '-v',
        'error',
        '-copyts',
        '-i',
        files.audio,
        '-map',
        '0:a:0',
        '-ac',
        '1',
        '-ar',
        String(AUDIO_RATE_HZ),
      ],
      ...['-af', 'aresample=async=1:first_pts=0', '-f', 's16le', '-'],
    ]);
    const levels: number[] = [];
    for (let at = 0; at + WINDOW_SAMPLES * 2 <= stdout.length; at += WINDOW_SAMPLES * 2) {
      let peak = 0;
      for (let i = 0; i < WINDOW_SAMPLES; i++)
        peak = Math.max(peak, Math.abs(stdout.readInt16LE(at + i * 2)));
      // A beep is not interrupted by the zero crossings of a low tone.
      levels.push(peak);
    }
    beepTimes = risesOf(levels, i => (i * WINDOW_SAMPLES) / AUDIO_RATE_HZ, 5_000);
    audioEnd = stdout.length / 2 / AUDIO_RATE_HZ;
  }
  return { frames, videoEnd, flashes: flashTimes, beeps: beepTimes, audioEnd };
}

/** Decodes the given renditions of a presentation as a player does: the init segment and then all media segments. */
export async function decodePresentation(
  presentation: Presentation,
  ids: { readonly video?: string | undefined; readonly audio?: string | undefined },
): Promise<DecodedMarks> {
  const directory = await mkdtemp(join(tmpdir(), 'tributary-marks-'));
  const toFile = (id: string): Promise<string> => joinSegments(presentation, id, directory);
  try {
    return decodeMarks({
      ...(ids.video ? { video: await toFile(ids.video) } : {}),
      ...(ids.audio ? { audio: await toFile(ids.audio) } : {}),
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
