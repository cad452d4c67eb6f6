/** The way to ffmpeg and ffprobe, in a room of their own (`ffmpeg/run.ts`). */
export { FfmpegFailed, type FfmpegProgress, type FfmpegRun, PROGRESS_ARGS, runFfmpeg } from './ffmpeg/run.ts';
