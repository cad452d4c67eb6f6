/**
 * Measures when the tracks of a source begin and end, from the time of every packet. What a container declares about this is often
 * an estimate, so nothing that is recorded, listed or encoded depends on it. Nothing is decoded here.
 */
import { damaged } from '../../source-rejected.ts';
import type { Demuxer } from '../demuxers.ts';
import { isFaultOfFile } from '../failure.ts';
import type { MediaTools } from '../media-tools.ts';
import { runProbe } from '../probe.ts';
import { PacketClock, type TrackTimes } from './packet-clock.ts';

export interface SourceTimes {
  /** Timestamp in the container at which the source starts. May be negative. */
  readonly startSeconds: number;
  readonly durationSeconds: number;
  /** The container's clock jumps, so its timestamps cannot be used as they are. */
  readonly hasClockJumps: boolean;
  /** By the number of the stream in the container. Streams without packets are missing. */
  readonly tracks: ReadonlyMap<number, TrackTimes>;
}

const MAX_SECONDS = 100 * 3_600;
const SHOW_PACKETS = ['-show_entries', 'packet=stream_index,pts_time,dts_time,duration_time,flags'] as const;

/**
 * Reads the whole file.
 *
 * @param streams the numbers of the streams that will be used; the others do not matter
 * @throws SourceRejected if they have no packets, or their times cannot be understood
 * @throws FfmpegFailed if ffprobe cannot run
 */
export async function measureSource(
  tools: MediaTools,
  { path, demuxer }: { readonly path: string; readonly demuxer: Demuxer },
  streams: readonly number[],
): Promise<SourceTimes> {
  const clock = new PacketClock(streams, RUNNING_CLOCKS.has(demuxer));
  let rest = '';
  try {
    await runProbe(tools, {
      input: { path, demuxer, options: RUNNING_CLOCKS.has(demuxer) ? GENERATE_TIMES : [] },
      show: ['-of', 'csv=p=0', ...SHOW_PACKETS],
      onOutput(text) {
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) addLine(clock, line);
      },
    });
  } catch (error) {
    if (!isFaultOfFile(error)) throw error;
    throw damaged('its video and audio data cannot be read', { cause: error });
  }
  addLine(clock, rest);
  const { startSeconds, tracks, periodCount } = clock.finish(demuxer === 'mov' ? 0 : undefined);
  const ends = [...tracks.values()].map(({ endSeconds }) => endSeconds);
  const durationSeconds = Math.max(...ends);
  if (tracks.size === 0 || !(durationSeconds > 0)) throw damaged('it contains no video or audio data');
  if (durationSeconds > MAX_SECONDS)
    throw damaged(`its timestamps say that it lasts more than ${MAX_SECONDS / 3_600} hours`);
  return { startSeconds, durationSeconds, hasClockJumps: periodCount > 1, tracks };
}

/** Demuxers of formats that carry the clock of a transmission or recording, which may restart or jump in a file. */
const RUNNING_CLOCKS: ReadonlySet<Demuxer> = new Set<Demuxer>(['mpegts', 'mpeg', 'flv']);

/** Before the input: program streams give some frames no presentation time, which then follows from the frames after them. */
export const GENERATE_TIMES = ['-fflags', '+genpts'] as const;

/** A line is `stream,pts,dts,duration,flags`, where a missing time is `N/A`. */
function addLine(clock: PacketClock, line: string): void {
  const [stream = '', pts = '', dts = '', duration = '', flags = ''] = line.split(',');
  if (stream === '') return;
  clock.add({
    stream: Number(stream),
    pts: Number.parseFloat(pts),
    dts: Number.parseFloat(dts),
    duration: Number.parseFloat(duration) || 0,
    isKey: flags.startsWith('K'),
    isHidden: flags.includes('D'),
  });
}
