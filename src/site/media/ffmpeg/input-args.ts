/** The arguments with which ffmpeg reads an upload. They name the demuxer and the decoders that it may use. */
import { DECODERS } from './decoders.ts';
import type { Demuxer } from './demuxers.ts';

const CODEC_WHITELIST = DECODERS.join(',');

/** The largest size of real videos. A file that declares more is a decompression bomb. */
export const MAX_PIXELS = 8_192 * 4_608;
/** ffmpeg's own limit: broadcasts and discs have dozens of streams, and each takes little memory. */
const MAX_STREAMS = 1_000;

/** Command-line arguments. Our own code writes them; no text of a user ever becomes one. */
export type Args = readonly (string | number)[];

/** @param options go before `-i`: `-ss`, `-t`, `-threads` … */
export const inputArgs = (path: string, demuxer: Demuxer, options: Args = []): Args => [
  ...['-protocol_whitelist', 'file', '-codec_whitelist', CODEC_WHITELIST],
  ...['-max_pixels', MAX_PIXELS, '-max_streams', MAX_STREAMS],
  // The demuxer is forced, and MP4 files may not refer to data in other files.
  ...['-f', demuxer, ...(demuxer === 'mov' ? ['-enable_drefs', 0, '-use_absolute_path', 0] : [])],
  ...options,
  ...['-i', `file:${path}`],
];
