/** Makes a draft of captions: extracts the audio, and runs the operator's speech program on it. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MAX_CAPTION_TRACKS } from '../../../../protocol/base/limits.ts';
import { insertDraft } from '../../../database/caption-drafts.ts';
import { markJobDone } from '../../../database/jobs.ts';
import { findVideo } from '../../../database/tables/videos.ts';
import { parseTrim } from '../../../database/trimming.ts';
import { CaptionsRejected, formatCues, parseCues } from '../../extras/extras.ts';
import {
  type Args,
  CaptionProgramFailed,
  convert,
  detectContainer,
  runCaptionProgram,
} from '../../ffmpeg/ffmpeg.ts';
import { parsePrepared } from '../../record/record.ts';
import { captionsPlanSchema } from '../plan/plan-captions.ts';
import { type StepDeps, type StepRun, videoOf } from './step.ts';

const AUDIO = 'audio.wav';
/** Of the progress of the step. The rest is that of the program. */
const EXTRACTION_SHARE = 0.05;

/** @throws CaptionProgramFailed; FfmpegFailed if the source has no audio that can be decoded */
export async function makeCaptions(deps: StepDeps, run: StepRun): Promise<void> {
  const { db, storage, tools, captionProgram } = deps;
  const { job, step } = run.claimed;
  const video = videoOf(run.claimed);
  const { source, language } = captionsPlanSchema.parse(JSON.parse(job.plan));
  const row = await findVideo(db, video);
  if (row?.state !== 'ready') return;
  if (!captionProgram) throw new CaptionProgramFailed('This site has no captionCommand.');
  const durationMs = Number(step.media_ms);
  const report = (share: number): void => run.onProgress({ outMs: share * durationMs, speed: undefined });
  const path = await storage.fetch(video, source);
  const container = await detectContainer(path);
  if (!container) throw new CaptionProgramFailed('The source of this video cannot be read.');
  const { originSeconds = 0, uploadOriginSeconds = originSeconds } = parsePrepared(row) ?? {};
  // Of a trimmed video, only the part between its marks is served.
  const beginSeconds = uploadOriginSeconds + (parseTrim(row)?.startSeconds ?? 0);
  const work = join(storage.directory(video), `${job.id}.${step.attempts}.part`);
  const [forAudio, forProgram] = [join(work, 'audio'), join(work, 'program')];
  try {
    await rm(work, { recursive: true, force: true });
    for (const directory of [forAudio, forProgram]) await mkdir(directory, { recursive: true });
    await convert(tools, {
      inputs: [{ path, demuxer: container.demuxer }],
      options: ['-copyts'],
      directory: forAudio,
      outputs: [{ name: AUDIO, options: audioArgs(beginSeconds, durationMs) }],
      abort: run.abort,
      onProgress: ({ outMs }) => report(EXTRACTION_SHARE * Math.min(1, outMs / Math.max(1, durationMs))),
    });
    const written = await runCaptionProgram(tools, captionProgram, {
      ...{ audio: join(forAudio, AUDIO), durationMs, language, directory: forProgram },
      abort: run.abort,
      onProgress: share => report(EXTRACTION_SHARE + (1 - EXTRACTION_SHARE) * share),
    });
    const cues = parseOutput(written, language);
    // Without speech, there is nothing to confirm.
    if (cues.length > 0) {
      const draft = { video, language, name: undefined, from: 'program' as const, text: formatCues(cues) };
      await insertDraft(db, draft, MAX_CAPTION_TRACKS);
    }
    await markJobDone(db, job.id);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Time 0 of the audio is that of the served video, so that the times of the cues are right. */
const audioArgs = (beginSeconds: number, durationMs: number): Args => [
  ...['-map', '0:a:0', '-af', `asetpts=PTS-${beginSeconds.toFixed(6)}/TB,aresample=async=1:first_pts=0`],
  ...['-t', (durationMs / 1_000).toFixed(3)],
  ...[
    '-ac',
    1,
    '-ar',
    16_000,
    '-c:a',
    'pcm_s16le',
    '-fflags',
    '+bitexact',
    '-flags:a',
    '+bitexact',
    '-f',
    'wav',
  ],
];

function parseOutput(written: Buffer, language: string | undefined) {
  if (!/^\ufeff?WEBVTT/.test(written.subarray(0, 16).toString('utf8'))) {
    throw new CaptionProgramFailed(
      'The speech program did not write WebVTT.',
      written.toString('utf8').slice(0, 200),
    );
  }
  try {
    return parseCues(written, language);
  } catch (error) {
    if (error instanceof CaptionsRejected) throw new CaptionProgramFailed(error.message);
    throw error;
  }
}
