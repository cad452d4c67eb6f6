/** Measures the duration of a file whose container does not declare it. */
import type { Container } from './demuxers.ts';
import { inputArgs } from './input-args.ts';
import type { MediaTools } from './media-tools.ts';
import { PROGRESS_ARGS } from './progress.ts';
import { runFfmpeg } from './run.ts';

/** Reads the whole file without decoding it. @throws FfmpegFailed */
export async function measureDurationSeconds(
  tools: MediaTools,
  path: string,
  { demuxer }: Pick<Container, 'demuxer'>,
): Promise<number> {
  let outMs = 0;
  const args = [
    ...['-hide_banner', '-loglevel', 'error', '-nostdin', ...PROGRESS_ARGS, ...inputArgs(path, demuxer)],
    ...['-map', '0:V?', '-map', '0:a?', '-c', 'copy', '-f', 'null', '-'],
  ];
  await runFfmpeg({
    program: tools.ffmpeg,
    args: args.map(String),
    reads: [path],
    writes: [],
    confinement: tools.confinement,
    onProgress: progress => {
      outMs = progress.outMs;
    },
  });
  return Math.max(1, outMs) / 1_000;
}
